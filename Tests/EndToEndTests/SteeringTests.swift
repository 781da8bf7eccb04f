// SPDX-License-Identifier: MIT

import Foundation
import Testing

/// The commands that go on with a sweep, end it, and look into it.
@Suite struct SteeringTests {
    private static let quick = "sweepd report loss=1.5 acc=nan --step 3"

    @Test func anEditedFileIsShownAndTakenWhereItIsCompatible() throws {
        let folder = try SweepFolder(
            SweepFolder.yaml(trials: 30), script: "echo >> begun\nsleep 0.2\nsweepd report loss=1")
        let process = try folder.start("run", "sweep.yaml", "-w", "2")
        try #require(wait { folder.text("begun").utf8.count >= 3 }, "\(folder.text("out"))")
        process.signal(SIGINT)
        #expect(process.end() == 130)
        let before = try folder.states().filter { $0 == "completed" }.count
        try folder.write(Self.quick, to: "train.sh")

        for (edit, field) in [
            (SweepFolder.yaml(trials: 30, parameters: "x: {min: 1.0, max: 3.0}"), "parameters.x"),
            (SweepFolder.yaml(method: "sobol", trials: 30), "method"),
            (SweepFolder.yaml(trials: 30, metric: "{name: loss, goal: maximize}"), "metric"),
        ] {
            try folder.write(edit, to: "sweep.yaml")
            let refused = try folder.run("resume", "sweep.yaml")
            #expect(refused.status == 2)
            #expect(
                refused.error.contains(field) && refused.error.contains("cannot change within a sweep"),
                "\(refused.error)")
        }
        #expect(try folder.states().filter { $0 == "completed" }.count == before)

        try folder.write(SweepFolder.yaml(trials: 33, more: "description: longer"), to: "sweep.yaml")
        let accepted = try folder.run("resume", "sweep.yaml")
        #expect(accepted.status == 0, "\(accepted.output)\(accepted.error)")
        #expect(accepted.output.contains("  trials: 30 → 33\n"), "\(accepted.output)")
        #expect(accepted.output.contains("  description: none → longer\n"), "\(accepted.output)")
        #expect(try folder.states().filter { $0 == "completed" }.count == 33)
        try folder.expectSound()
    }

    @Test func extendGoesPastTheEnd() throws {
        let folder = try SweepFolder(SweepFolder.yaml(trials: 2), script: Self.quick)
        #expect(try folder.run("run", "sweep.yaml").status == 0)
        #expect(try folder.run("extend", "--trials", "+3").status == 0)
        #expect(try folder.states().count == 5)
        #expect(try folder.run("extend", "s", "--trials", "7").status == 0)
        #expect(try folder.states() == [String](repeating: "completed", count: 7))
        for wrong in ["3", "+0", "x", "-2"] {
            let result = try folder.run("extend", "s", "--trials=\(wrong)")
            #expect(result.status == 2, "\(wrong): \(result.output)\(result.error)")
        }
        #expect(try folder.states().count == 7)
        // The same numbers as one sweep of that size.
        let whole = try SweepFolder(SweepFolder.yaml(trials: 7), script: Self.quick)
        #expect(try whole.run("run", "sweep.yaml").status == 0)
        #expect(try configurations(folder) == configurations(whole))
    }

    @Test func extendAndCancelReachALiveRun() throws {
        let folder = try SweepFolder(
            SweepFolder.yaml(trials: 4),
            script: "echo $SWEEPD_TRIAL >> begun\nwhile [ ! -e go ]; do sleep 0.02; done\nsweepd report loss=1")
        let process = try folder.start("run", "sweep.yaml", "-w", "2")
        try #require(wait { folder.text("begun").utf8.count >= 4 }, "\(folder.text("out"))")
        let extended = try folder.run("extend", "s", "--trials", "+2")
        #expect(extended.status == 0, "\(extended.error)")
        #expect(extended.output.contains("the running sweep 's' goes on to 6 trials"), "\(extended.output)")
        let cancelled = try folder.run("cancel", "--trial", "0")
        #expect(cancelled.status == 0, "\(cancelled.error)")
        #expect(wait { (try? folder.states().first) == "cancelled" })
        try folder.write("", to: "go")
        #expect(process.end() == 0, "\(folder.text("out"))")
        let states = try folder.states()
        #expect(states.filter { $0 == "completed" }.count == 6)
        #expect(states.filter { $0 == "cancelled" }.count == 1)
        let again = try folder.run("cancel", "--trial", "0")
        #expect(again.status == 2)
        #expect(again.error == "sweepd: trial 0 is already cancelled\n")
        try folder.expectSound()
    }

    @Test func cancelEndsALiveSweepAndAStoppedOne() throws {
        let folder = try SweepFolder(SweepFolder.yaml(trials: 9), script: "echo >> begun\nexec sleep 300")
        let process = try folder.start("run", "sweep.yaml", "-w", "2")
        try #require(wait { folder.text("begun").utf8.count >= 2 })
        let live = try folder.run("cancel", "s")
        #expect(live.status == 0, "\(live.error)")
        #expect(process.end(within: 20) == 3, "\(folder.text("out"))")
        #expect(try folder.states().allSatisfy { $0 == "cancelled" })

        let other = try SweepFolder(SweepFolder.yaml(trials: 9), script: "echo >> begun\nexec sleep 300")
        let stopped = try other.start("run", "sweep.yaml", "-w", "2")
        try #require(wait { other.text("begun").utf8.count >= 2 })
        stopped.signal(SIGKILL)
        _ = stopped.end()
        #expect(try other.run("cancel", "s").status == 0)
        #expect(try other.states().allSatisfy { $0 == "cancelled" })
        let refused = try other.run("resume", "s")
        #expect(refused.status == 2)
        #expect(refused.error.contains(" extend s --trials "), "\(refused.error)")
        try other.write(Self.quick, to: "train.sh")
        #expect(try other.run("extend", "s", "--trials", "9").status == 0)
        #expect(try other.states().filter { $0 == "completed" }.count == 9)
        try other.expectSound()
    }

    @Test func everyCommandsJSONParses() throws {
        let folder = try SweepFolder(SweepFolder.yaml(trials: 3), script: "echo printed\n" + Self.quick)
        #expect(try folder.json("run", "sweep.yaml")["outcome"] as? String == "finished")
        for arguments in [
            ["list"], ["show"], ["trials"], ["best"], ["logs", "0"], ["export", "--output", "e"], ["verify"],
            ["doctor"],
            ["extend", "--trials", "+1"], ["report", "loss=1"],
        ] {
            let result = try Program.run(arguments + ["--json"], in: folder.path)
            let object = try? JSONSerialization.jsonObject(with: Data(result.output.utf8)) as? [String: Any]
            let schema = object?["schema"] as? String
            #expect(schema?.hasPrefix("sweepd.") == true, "\(arguments): \(result.output)\(result.error)")
        }
        #expect(try folder.json("best")["value"] as? Double == 1.5)
        let words = try folder.run("best", "--args").output
        #expect(words.hasPrefix("--x=1.") && words.hasSuffix("\n"), "\(words)")
        #expect(try folder.run("logs", "1").output == "printed\n")
        let missing = try folder.run("logs", "99")
        #expect(missing.status == 2)
        #expect(missing.error == "sweepd: the sweep 's' has no trial 99: it has trials 0 to 3\n")
    }

    @Test func exportsParseBack() throws {
        let folder = try SweepFolder(
            SweepFolder.yaml(
                trials: 2, parameters: "{x: {min: 1.0, max: 2.0}, text: {value: 'a, \"b\"'}}", command: "[sh, train.sh]"
            ),
            script: Self.quick)
        #expect(try folder.run("run", "sweep.yaml").status == 0)
        #expect(try folder.reports().count == 2)
        #expect(try folder.reports().allSatisfy { ($0["metrics"] as? [String: Any])?["acc"] as? String == "NaN" })
        try folder.run("export", "--output", "e.csv")
        let python = Process()
        python.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        python.currentDirectoryURL = URL(fileURLWithPath: folder.path)
        python.arguments = [
            "python3", "-c",
            """
            import csv, math
            rows = list(csv.DictReader(open("e.csv", newline="")))
            assert [row["trial"] for row in rows] == ["0", "1"], rows
            assert all(row["param.text"] == 'a, "b"' and float(row["last.loss"]) == 1.5 for row in rows), rows
            assert all(math.isnan(float(row["last.acc"])) for row in rows), rows
            """,
        ]
        try python.run()
        python.waitUntilExit()
        #expect(python.terminationStatus == 0, "\(folder.text("e.csv"))")
    }

    @Test func checkSaysWhetherTheCommandWorks() throws {
        let folder = try SweepFolder(SweepFolder.yaml(trials: 20, more: "baseline: {x: 1.25}"), script: Self.quick)
        let good = try folder.run("run", "sweep.yaml", "--check")
        #expect(good.status == 0, "\(good.output)\(good.error)")
        #expect(good.output.contains("parameters: x=1.25"))
        #expect(good.output.contains("the command works: the trial completed in "), "\(good.output)")
        for (script, status, expected) in [
            ("echo boom\nexit 4", 3, "  | boom"), ("sweepd report los=1", 2, "did you mean"), ("true", 3, "no metric"),
        ] as [(String, Int32, String)] {
            try folder.write(script, to: "train.sh")
            let bad = try folder.run("run", "sweep.yaml", "--check")
            #expect(bad.status == status, "\(bad.output)\(bad.error)")
            #expect(bad.output.contains(expected), "\(bad.output)")
        }
        #expect(!FileManager.default.fileExists(atPath: folder.data), "a check leaves nothing behind")
    }

    @Test(arguments: [
        (["ruun"], "ruun"), (["run"], "file"), (["run", "sweep.yaml", "--trails", "3"], "--trials"),
        (["run", "sweep.yaml", "--trials", "0"], "--trials"), (["run", "sweep.yaml", "--workers=-1"], "--workers"),
        (["run", "sweep.yaml", "--gpus", "a"], "gpu"), (["cancel"], "which sweep"), (["logs", "x"], "trial"),
        (["trials", "--sort", "size"], "value"), (["extend"], "--trials"),
        (["run", "sweep.yaml", "--seed=-1"], "--seed"),
    ])
    func wrongArgumentsAreBadInput(arguments: [String], named: String) throws {
        let folder = try SweepFolder(SweepFolder.yaml(trials: 2), script: Self.quick)
        let result = try Program.run(arguments, in: folder.path)
        #expect(result.status == 2, "\(result.output)\(result.error)")
        #expect(result.error.lowercased().contains(named), "\(result.error)")
        #expect(!FileManager.default.fileExists(atPath: folder.data))
    }

    private func configurations(_ folder: SweepFolder) throws -> [Double?] {
        try folder.trials().map { ($0["parameters"] as? [String: Double])?["x"] }
    }
}
