// SPDX-License-Identifier: MIT

import Foundation
import Testing

/// Searches that learn, with real processes.
@Suite struct AdaptiveSearchTests {
    private static let space =
        "x: {min: -2.0, max: 2.0}\n  kind: {values: [a, b]}\n  n: {min: 1, max: 6, when: {kind: b}}"
    /// The value is computed from the arguments, so that the search has something to find.
    private static let parabola = """
        for word in "$@"; do case "$word" in --x=*) x="${word#--x=}" ;; --kind=a) k=1 ;; esac; done
        sweepd report loss=$(awk -v x="$x" -v k="${k:-0}" 'BEGIN { printf "%.17g", (x - 0.7) * (x - 0.7) + k }')
        """

    private func configurations(_ folder: SweepFolder) throws -> [String] {
        try folder.trials().map { "\($0["number"] ?? $0["trial"] ?? 0) \(try Self.text($0["parameters"]))" }
    }

    private static func text(_ value: Any?) throws -> String {
        String(decoding: try JSONSerialization.data(withJSONObject: value ?? [:], options: .sortedKeys), as: UTF8.self)
    }

    /// Two hundred trials by eight slots at once: every proposal and every fit come out the same to the bit.
    @Test func everyProposalOfAnAsynchronousSweepIsMadeAgain() throws {
        // Where x is large trials fail, so that there is a model of success too.
        let folder = try SweepFolder(
            SweepFolder.yaml(method: "bayes", trials: 200, parameters: Self.space),
            script: Self.parabola + "\nawk -v x=\"$x\" 'BEGIN { exit x > 1.2 }'")
        let result = try folder.run("run", "sweep.yaml", "-w", "8", seconds: 240)
        #expect(result.status == 0, "\(result.output)\(result.error)")
        #expect(try folder.states().contains("failed"))
        let verified = try folder.json("verify", "--recompute")
        let again = try #require(verified["recomputed"] as? [String: Any])
        #expect(again["proposals"] as? Int == 200)
        #expect((again["differences"] as? [String])?.isEmpty == true, "\(again)")
        // How many there is time for depends on the machine; 19 to 33 were seen.
        #expect((again["fits"] as? Int ?? 0) > 10)
        let best = try folder.json("best")
        #expect((best["value"] as? Double ?? 1) < 1e-3)
        #expect((best["by_model_mean"] as? [String: Any])?["mean"] is Double)
        let shown = try folder.run("show", "--model")
        #expect(shown.output.contains("length scale") && shown.output.contains("best by the model's mean"))
    }

    @Test(arguments: ["bayes", "tpe"]) func killedAndResumedNothingIsLostOrRepeated(method: String) throws {
        let folder = try SweepFolder(
            SweepFolder.yaml(method: method, trials: 40, parameters: Self.space),
            script: "echo >> begun\n" + Self.parabola)
        for signal in [SIGKILL, SIGINT] {
            let before = folder.text("begun").utf8.count
            let process = try Program.start(
                [before == 0 ? "run" : "resume", "sweep.yaml", "-w", "2"], in: folder.path, output: folder.path + "/out"
            )
            #expect(wait { folder.text("begun").utf8.count >= before + 9 }, "\(folder.text("out"))")
            process.signal(signal)
            _ = process.end()
        }
        let end = try folder.run("resume", "-w", "2")
        #expect(end.status == 0, "\(end.output)\(end.error)")
        #expect(try folder.states() == [String](repeating: "completed", count: 40))
        let found = try folder.trials().map { try Self.text($0["parameters"]) }
        #expect(Set(found).count == 40)
        let verified = try folder.json("verify", "--recompute")
        #expect(
            ((verified["recomputed"] as? [String: Any])?["differences"] as? [String])?.isEmpty == true, "\(verified)")
    }

    @Test(arguments: ["bayes", "tpe"]) func deterministicMeansTheSameWithAnyNumberOfWorkers(method: String) throws {
        let found = try [1, 2, 6].map { workers in
            let folder = try SweepFolder(
                SweepFolder.yaml(
                    method: method, trials: 30, parameters: Self.space,
                    more: "deterministic: 3\nbaseline: [{x: 0.1, kind: a}]"),
                script: "sleep 0.0$(awk 'BEGIN { srand(); print int(rand() * 9) }')\n" + Self.parabola)
            let result = try folder.run("run", "sweep.yaml", "-w", "\(workers)")
            #expect(result.status == 0, "\(result.output)\(result.error)")
            let verified = try folder.json("verify", "--recompute")
            #expect(((verified["recomputed"] as? [String: Any])?["differences"] as? [String])?.isEmpty == true)
            return try folder.trials().map { try Self.text($0["parameters"]) }
        }
        #expect(found[0].count == 30)
        #expect(found[0] == found[1] && found[0] == found[2])
    }

    @Test func aFiniteSpaceIsExhausted() throws {
        let folder = try SweepFolder(
            SweepFolder.yaml(method: "bayes", trials: nil, parameters: "a: {values: [p, q, r]}\n  b: {min: 1, max: 4}"),
            script: "sweepd report loss=1")
        let result = try folder.run("run", "sweep.yaml", "-w", "3")
        #expect(result.status == 0, "\(result.output)\(result.error)")
        #expect(try folder.states() == [String](repeating: "completed", count: 12))
    }

    @Test func aWandbFileWithBayesRuns() throws {
        let folder = try SweepFolder(
            """
            program: train.sh
            method: bayes
            metric: {name: loss, goal: minimize}
            run_cap: 14
            parameters:
              x: {distribution: uniform, min: -2, max: 2}
            command: [sh, "${program}", "${args}"]
            """, script: Self.parabola)
        let result = try folder.run("run", "sweep.yaml")
        #expect(result.status == 0, "\(result.output)\(result.error)")
    }

    @Test func autoSaysWhatItPickedAndWhy() throws {
        let folder = try SweepFolder(
            SweepFolder.yaml(method: "auto", trials: 4, parameters: "a: {values: [1, 2, 3]}"),
            script: "sweepd report loss=1")
        let result = try folder.run("run", "sweep.yaml")
        #expect(
            result.output.contains("auto picks grid, because all 3 configurations fit into 4 trials"),
            "\(result.output)")
    }

    @Test func askAndTellOverProcesses() throws {
        let folder = try SweepFolder(SweepFolder.yaml(method: "bayes", trials: 12, parameters: Self.space))
        for number in 0..<12 {
            let asked = try folder.json("ask", "sweep.yaml")
            #expect(asked["trial"] as? Int == number)
            let parameters = try #require(asked["parameters"] as? [String: Any])
            let x = try #require((parameters["x"] as? NSNumber)?.doubleValue)
            let told =
                number == 5
                ? try folder.run("tell", "sweep.yaml", "\(number)", "--failed")
                : try folder.run("tell", "sweep.yaml", "\(number)", "--value", "\(x * x)")
            #expect(told.status == 0, "\(told.output)\(told.error)")
        }
        let over = try folder.run("ask", "s")
        #expect(over.status == 2 && over.error.contains("finished"), "\(over.error)")
        let twice = try folder.run("tell", "s", "3", "--value", "1")
        #expect(twice.status == 2 && twice.error.contains("a tell is final"), "\(twice.error)")
        #expect(try folder.run("tell", "s", "3").status == 2)
        #expect(try folder.states().filter { $0 == "completed" }.count == 11)
        let verified = try folder.json("verify", "--recompute")
        #expect(verified["sound"] as? Bool == true)
        #expect(((verified["recomputed"] as? [String: Any])?["differences"] as? [String])?.isEmpty == true)
    }

    /// A script may take trials from a sweep that workers run.
    @Test func askOfARunningSweep() throws {
        let folder = try SweepFolder(
            SweepFolder.yaml(method: "bayes", trials: 16, parameters: Self.space),
            script: "echo >> begun\nsleep 0.1\n" + Self.parabola)
        let process = try folder.start("run", "sweep.yaml", "-w", "2")
        try #require(wait { folder.text("begun").utf8.count >= 3 }, "\(folder.text("out"))")
        let asked = try folder.json("ask", "s")
        let number = try #require(asked["trial"] as? Int)
        #expect(wait { ((try? folder.states()) ?? []).filter { $0 == "completed" }.count == 15 })
        #expect(process.isRunning)
        let told = try folder.run("tell", "s", "\(number)", "--value", "0.5")
        #expect(told.status == 0, "\(told.output)\(told.error)")
        #expect(process.end() == 0, "\(folder.text("out"))")
        try folder.expectSound()
    }

    @Test func optimizeOverStandardStreams() throws {
        let folder = try SweepFolder()
        let session = """
            {"op":"init","space":[{"name":"x","type":"float","low":0,"high":1}],"seed":1}
            {"op":"ask"}
            {"op":"tell","id":0,"value":1}
            nonsense
            {"op":"ask","n":2}
            """
        try folder.write(session, to: "in")
        let result = try Program.run(["optimize", "--stdio"], in: folder.path, input: folder.path + "/in")
        #expect(result.status == 0)
        let lines = result.output.split(separator: "\n")
        #expect(lines.count == 5 && lines[3].contains("error") && lines[4].contains("\"id\":2"), "\(result.output)")
        let refused = try folder.run("optimize")
        #expect(refused.status == 2 && refused.error.contains("--stdio"))
    }
}
