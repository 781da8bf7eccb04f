// SPDX-License-Identifier: MIT

import Foundation
import Testing

/// What the sweep file promises, with real processes.
@Suite struct FeatureTests {
    @Test func retriesTryTheScriptsOwnFailuresAgain() throws {
        let folder = try SweepFolder(
            SweepFolder.yaml(trials: 3, more: "retries: 1"),
            script: "[ $SWEEPD_ATTEMPT = 2 ] || exit 5\necho $SWEEPD_SEED >> seeds\nsweepd report loss=1")
        let result = try folder.run("run", "sweep.yaml")
        #expect(result.status == 0, "\(result.output)")
        #expect(try folder.trials().map { $0["attempts"] as? Int } == [2, 2, 2])
        #expect(Set(folder.text("seeds").split(separator: "\n")).count == 3)
    }

    @Test func aTrialsTimeIsLimited() throws {
        let folder = try SweepFolder(
            SweepFolder.yaml(trials: 2, more: "limits: {trial: 500ms}"), script: "sweepd report loss=1\nexec sleep 60")
        let start = Date()
        let result = try folder.run("run", "sweep.yaml", "-w", "2")
        #expect(Date().timeIntervalSince(start) < 20)
        #expect(result.status == 3)
        #expect(result.output.contains("it ran longer than its limit of 0.5 s"), "\(result.output)")
        #expect(try folder.trials().allSatisfy { $0["infeasible"] as? Bool == true })
    }

    @Test func aTrialsMemoryIsLimited() throws {
        let folder = try SweepFolder(
            SweepFolder.yaml(
                trials: 1, command: "[python3, -c, \"x = b'1' * (300 << 20); import time; time.sleep(60)\"]",
                more: "limits: {memory: 100MiB}"))
        let result = try folder.run("run", "sweep.yaml")
        #expect(result.status == 3)
        #expect(result.output.contains("exceeded the limit of 100.0 MiB"), "\(result.output)")
        #expect(try folder.trials().allSatisfy { $0["infeasible"] as? Bool == true })
    }

    @Test func repeatsRunEachConfigurationWithDifferentSeeds() throws {
        let folder = try SweepFolder(
            SweepFolder.yaml(trials: 6, more: "repeats: 3"),
            script: "echo $SWEEPD_SEED >> seeds\nsweepd report loss=$((SWEEPD_TRIAL))")
        #expect(try folder.run("run", "sweep.yaml").status == 0)
        let values = try folder.trials().compactMap { ($0["parameters"] as? [String: Double])?["x"] }
        #expect(values.count == 6)
        #expect(Dictionary(grouping: values) { $0 }.values.map(\.count) == [3, 3])
        #expect(Set(folder.text("seeds").split(separator: "\n")).count == 6)
    }

    @Test func baselinesRunFirst() throws {
        let folder = try SweepFolder(
            SweepFolder.yaml(trials: 3, more: "baseline: [{x: 1.25}, {x: 2.0}]"), script: "sweepd report loss=1")
        #expect(try folder.run("run", "sweep.yaml", "-w", "1").status == 0)
        let trials = try folder.trials()
        #expect(trials.prefix(2).map { ($0["parameters"] as? [String: Double])?["x"] } == [1.25, 2.0])
        #expect(trials.map { $0["source"] as? String } == ["baseline", "baseline", "sampler"])
    }

    /// Two slots with a card each: no two trials that run at once see the same one.
    @Test func concurrentTrialsNeverShareAGPU() throws {
        let folder = try SweepFolder(
            SweepFolder.yaml(trials: 8),
            script: """
                echo "$CUDA_VISIBLE_DEVICES" >> cards
                mkdir "card$CUDA_VISIBLE_DEVICES" || exit 1
                sleep 0.1
                rmdir "card$CUDA_VISIBLE_DEVICES"
                sweepd report loss=1
                """)
        let result = try folder.run("run", "sweep.yaml", "--gpus", "0,1")
        #expect(result.status == 0, "\(result.output)")
        #expect(try folder.states() == [String](repeating: "completed", count: 8))
        #expect(Set(folder.text("cards").split(separator: "\n")) == ["0", "1"])
    }

    @Test func macrosAreExpanded() throws {
        let words = [
            "${args}", "${args_no_hyphens}", "${args_no_equals}", "${args_no_boolean_flags}", "${args_json}",
            "${envvar:GREETING}", "x is ${x}", "${argz}",
        ]
        let list = words.map { "\"\($0)\"" }.joined(separator: ", ")
        let folder = try SweepFolder(
            SweepFolder.yaml(
                trials: 1, parameters: "{x: {value: 1.5}, flag: {value: true}}",
                command: "[\"${env}\", \"${interpreter}\", train.py, \(list), \"${args_json_file}\"]"))
        try folder.write(
            """
            import json, subprocess, sys
            with open(sys.argv[-1]) as file: print(json.load(file))
            print("|".join(sys.argv[1:-1]))
            subprocess.run(["sweepd", "report", "loss=1"], check=True)
            """, to: "train.py")
        let result = try folder.run("run", "sweep.yaml", environment: ["GREETING": "hello there"])
        #expect(result.status == 0, "\(result.output)")
        #expect(result.error.contains("unknown macro '${argz}'; did you mean "), "\(result.error)")
        let log = try folder.run("logs", "0").output
        #expect(log.contains("{'x': 1.5, 'flag': True}"), "\(log)")
        #expect(
            log.contains(
                "--x=1.5|--flag=True|x=1.5|flag=True|--x|1.5|--flag|True|--x=1.5|--flag|{\"x\":1.5,\"flag\":true}"
                    + "|hello there|x is 1.5\n"), "\(log)")
    }

    @Test func reportWorksFromAShellScriptAndOutsideATrial() throws {
        let folder = try SweepFolder(
            SweepFolder.yaml(trials: 1),
            script: "for step in 1 2 3; do sweepd report loss=0.$step acc=1e-3 --step $step; done")
        #expect(try folder.run("run", "sweep.yaml").status == 0)
        #expect(try folder.reports().map { $0["step"] as? Int } == [1, 2, 3])
        #expect(try folder.trials().first?["value"] as? Double == 0.1)
        let outside = try folder.run("report", "loss=0.5", environment: ["SWEEPD_SOCKET": ""])
        #expect(outside.status == 0)
        #expect(outside.output.contains("loss"))
        for wrong in [["report", "loss"], ["report", "loss=x"], ["report"], ["report", "loss=1", "--step", "-1"]] {
            let result = try Program.run(wrong, in: folder.path)
            #expect(result.status == 2, "\(wrong): \(result.output)\(result.error)")
        }
    }
}
