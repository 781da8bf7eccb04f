// SPDX-License-Identifier: MIT

import Foundation
import Testing

/// Scripts that do what they should not.
@Suite struct BadScriptTests {
    struct Case: CustomTestStringConvertible, Sendable {
        let testDescription: String
        let script: String
        var metric = "{name: loss}"
        var command = "[sh, train.sh]"
        var status: Int32 = 0
        var state = "completed"
        var isInfeasible = false
        var value: Double?
        /// What the run prints.
        let expected: [String]
    }

    @Test(arguments: [
        Case(
            testDescription: "no such command", script: "", command: "[no-such-program, \"${args}\"]", status: 3,
            state: "failed", expected: ["cannot start 'no-such-program': No such file or directory"]),
        Case(
            testDescription: "exit code", script: "echo starting\necho boom >&2\nexit 7", status: 3, state: "failed",
            expected: ["exit code 7", "| starting", "| boom"]),
        Case(
            testDescription: "signal", script: "kill -SEGV $$", status: 3, state: "failed", expected: ["SIGSEGV"]),
        Case(
            testDescription: "no metric", script: "exit 0", status: 3, state: "failed",
            expected: ["no metric 'loss' was reported, nor any other"]),
        Case(
            testDescription: "another metric", script: "sweepd report los=1.5 acc=0.5", status: 3, state: "failed",
            expected: ["no metric 'loss' was reported; reported: los, acc; did you mean 'los'?"]),
        Case(
            testDescription: "NaN", script: "sweepd report loss=nan", status: 3, state: "failed", isInfeasible: true,
            expected: ["NaN", "infeasible"]),
        Case(
            testDescription: "infinity", script: "sweepd report loss=1\nsweepd report loss=inf", status: 3,
            state: "failed", isInfeasible: true, value: 1, expected: ["infeasible"]),
        Case(
            testDescription: "undeclared metric", script: "sweepd report loss=2 extra=5 'no such=1'", value: 2,
            expected: ["loss=2"]),
        Case(
            testDescription: "backwards",
            script: "sweepd report loss=3 --step 5\nsweepd report loss=2 --step 2", value: 2,
            expected: ["warning: step 2 was reported after step 5; it is kept as it is"]),
        Case(
            testDescription: "not UTF-8", script: "printf '\\377\\376 loss=9 \\300\\n'\necho loss=2",
            metric: "{name: loss, pattern: '^loss=(?<loss>.+)$'}", value: 2, expected: ["loss=2"]),
        Case(
            testDescription: "nonsense on the socket",
            script: """
                python3 -c '
                import os, socket
                s = socket.socket(socket.AF_UNIX); s.connect(os.environ["SWEEPD_SOCKET"])
                s.sendall(b"{nonsense\\n\\xff\\xfe\\n[]\\n{\\"type\\":\\"report\\",\\"metrics\\":{\\"loss\\":\\"x\\"}}\\n")
                s.sendall(b"{\\"type\\":\\"report\\",\\"metrics\\":{\\"loss\\":2}}\\n")
                '
                """, value: 2, expected: ["warning: "]),
    ])
    func isToldAndNothingIsLost(script: Case) throws {
        let folder = try SweepFolder(
            SweepFolder.yaml(trials: 3, metric: script.metric, command: script.command), script: script.script)
        let result = try folder.run("run", "sweep.yaml", "-w", "1")
        #expect(result.status == script.status, "\(result.output)\(result.error)")
        for part in script.expected { #expect(result.output.contains(part), "\(result.output)\(result.error)") }
        let trials = try folder.trials()
        #expect(trials.count == 3)
        for trial in trials {
            #expect(trial["state"] as? String == script.state)
            #expect(trial["infeasible"] as? Bool == script.isInfeasible)
            #expect(trial["value"] as? Double == script.value)
        }
        try folder.expectSound()
    }

    @Test func undeclaredAndBackwardReportsAreKept() throws {
        let folder = try SweepFolder(
            SweepFolder.yaml(trials: 1),
            script: "sweepd report loss=3 extra=5 --step 5\nsweepd report loss=4 --step 2\nsweepd report extra=nan")
        #expect(try folder.run("run", "sweep.yaml").status == 0)
        let reports = try folder.reports()
        #expect(reports.map { $0["step"] as? Int } == [5, 2, 6])
        #expect((reports.first?["metrics"] as? [String: Double]) == ["loss": 3, "extra": 5])
        #expect((reports.last?["metrics"] as? [String: String]) == ["extra": "NaN"])
    }

    /// Three quick failures pause the sweep; `resume` finishes it once the script is mended.
    @Test func aMistakeInTheScriptDoesNotBurnTheBudget() throws {
        let folder = try SweepFolder(SweepFolder.yaml(trials: 40), script: "echo oops\nexit 3")
        let result = try folder.run("run", "sweep.yaml", "-w", "2")
        #expect(result.status == 3)
        #expect(result.output.contains("paused, because the first trials failed quickly and none succeeded"))
        #expect(result.output.contains("| oops"))
        #expect(result.output.contains(" resume s "), "\(result.output)")
        let failed = try folder.states().filter { $0 == "failed" }.count
        // Two slots and the leases ahead of them.
        #expect((3...8).contains(failed), "\(failed)")
        try folder.write("sweepd report loss=1", to: "train.sh")
        let resumed = try folder.run("resume", "s", "-w", "2")
        #expect(resumed.status == 0, "\(resumed.output)")
        let states = try folder.states()
        #expect(states.count == 40)
        // What the mistake spoilt was run again.
        #expect(states.filter { $0 == "completed" }.count == 40)
        try folder.expectSound()
    }

    /// The line is kept in the trial's output, not in the memory of the process.
    @Test func tenMebibytesInOneLineDoNotFillTheMemory() throws {
        let folder = try SweepFolder(
            SweepFolder.yaml(trials: 4, metric: "{name: loss, pattern: 'loss=(?<loss>.+)'}"),
            script: "head -c 10485760 /dev/zero | tr '\\0' x\necho; echo loss=2")
        let process = try folder.start("run", "sweep.yaml", "-w", "2")
        var peak = 0
        while process.isRunning {
            peak = max(peak, Program.peakBytes(of: process.processIdentifier))
            Thread.sleep(forTimeInterval: 0.005)
        }
        #expect(process.end() == 0, "\(folder.text("out"))")
        #expect(folder.text("out").contains("a printed line of more than 65536 bytes is not searched"))
        #expect(peak > 0 && peak < 100 << 20, "\(peak >> 20) MiB")
        #expect(try folder.states() == ["completed", "completed", "completed", "completed"])
        let log = try folder.run("logs", "0")
        #expect(log.output.utf8.count >= 10 << 20)
    }
}
