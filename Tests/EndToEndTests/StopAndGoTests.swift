// SPDX-License-Identifier: MIT

import Foundation
import SweepEngine
import SweepModel
import SweepStore
import Testing

/// Trials that are interrupted, stopped and paused, with real processes: who goes on does so from the checkpoint, and a
/// verdict holds whoever is killed.
@Suite(.serialized) struct StopAndGoTests {
    private static let timers = ["SWEEPD_TIMERS": "heartbeat:0.3,suspect:1,lease:2,grace:30"]

    /// A daemon's folder with a sweep of stepping trials.
    private func daemon(trials: Int, steps: Int, checkpointEvery: Int, more: String = "") throws -> DaemonFolder {
        let daemon = try DaemonFolder(script: "")
        try daemon.write(
            SweepFolder.yaml(trials: trials, command: SteppingScript.command(in: daemon.path), more: more),
            to: "sweep.yaml")
        try daemon.write(
            SteppingScript.text(in: daemon.path, steps: steps, checkpointEvery: checkpointEvery), to: "train.py")
        return daemon
    }

    @Test(.timeLimit(.minutes(2))) func anotherWorkerGoesOnFromTheCheckpointOfOneThatWasKilled() throws {
        let daemon = try daemon(trials: 1, steps: 30, checkpointEvery: 6)
        try daemon.serve("--workers", "0", environment: Self.timers)
        let workers = try [daemon.startWorker("a"), daemon.startWorker("b")]
        try daemon.waitForWorkers(2)
        #expect(try daemon.run("launch", "sweep.yaml").status == 0)
        let seed = Int.random(in: 0..<10)
        func story() throws -> TrialStory { try TrialStory(data: daemon.data, sweep: "s", trial: 0) }
        // Behind the first durable checkpoint, and somewhere on the way to the third.
        try #require(
            wait { (try? story()).map { !$0.checkpoints.isEmpty && ($0.curve.keys.max() ?? 0) >= 7 + seed } ?? false })
        let before = try story()
        let holder = try #require(workers.first { $0.processIdentifier == before.processes.first })
        holder.signal(SIGKILL)
        holder.waitUntilExit()
        let watched = try daemon.run("watch", "s", "--plain")
        #expect(watched.status == 0, "seed \(seed): \(watched.output)\(watched.error)")
        let after = try story()
        #expect(after.row.state == .completed && after.attempts.count == 2, "seed \(seed): \(after.attempts)")
        #expect(
            Set(after.processes) == Set(workers.map(\.processIdentifier)), "seed \(seed): another one was to finish")
        after.expectResumed()
        let resumedFrom = try #require(after.attempts.last?.resumedFrom, "seed \(seed)")
        #expect(resumedFrom >= 6 && resumedFrom.isMultiple(of: 6), "seed \(seed)")
        // The other made those steps only that no checkpoint held.
        let steps = SteppingScript.steps(daemon.text("steps"))
        let second = try #require(steps.last?.process)
        #expect(steps.filter { $0.process == second }.map(\.step) == Array(Int(resumedFrom) + 1...30), "seed \(seed)")
        daemon.terminate()

        let calm = try self.daemon(trials: 1, steps: 30, checkpointEvery: 6)
        #expect(try calm.run("run", "sweep.yaml", "--workers", "1", "--data", calm.data).status == 0)
        let undisturbed = try TrialStory(data: calm.data, sweep: "s", trial: 0)
        #expect(undisturbed.attempts.count == 1 && undisturbed.curve.count == 30)
        #expect(after.curve == undisturbed.curve, "seed \(seed)")
        #expect(try daemon.run("verify").status == 0)
    }

    /// The coordinator dies when the verdict is durable and nobody has heard of it.
    @Test(.timeLimit(.minutes(2))) func aVerdictThatNobodyHeardOfStopsItsTrialOnce() throws {
        let daemon = try daemon(
            trials: 1, steps: 0, checkpointEvery: 1,
            more: "early_terminate: {type: threshold, upper: 10, max_step: 400}")
        try daemon.write(
            """
            import os, time, sweepd
            with sweepd.trial(checkpoint_every=None) as trial:
                trial.should_checkpoint()
                trial.report(1, loss=1.0)
                while not os.path.exists("\(daemon.path)/go"): time.sleep(0.02)
                trial.report(2, loss=100.0)
                for step in range(3, 400):
                    time.sleep(0.05)
                    if trial.should_checkpoint():
                        open("\(daemon.path)/asked", "a").write("asked\\n")
                        break
            """, to: "train.py")
        let listens = ["--workers", "0", "--listen", daemon.endpoint]
        try daemon.serve(listens[0], listens[1], listens[2], listens[3], environment: Self.timers)
        try daemon.invite(to: "token")
        let worker = try daemon.startWorker(
            try daemon.home("gpu1"), "--join", "token", "--allow-command", "--slots", "1", "--gpus", "none")
        try daemon.waitForWorkers(1)
        #expect(try daemon.run("launch", "sweep.yaml").status == 0)
        func story() throws -> TrialStory { try TrialStory(data: daemon.data, sweep: "s", trial: 0) }
        try #require(wait { (try? story())?.curve[1] == 1 })
        daemon.kill()
        // What draws the verdict is said while there is no coordinator.
        try daemon.write("", to: "go")
        // It answers the hello; what it would send next is the word about that report. Where it had to answer once more
        // before, as a hello that was repeated, it dies too early, and is started again.
        var judged: [Event] = []
        for _ in 0..<6 where judged.isEmpty {
            let failing = try daemon.start(
                listens, environment: Self.timers.merging(["SWEEPD_FAILPOINT": "before_send:2"]) { $1 })
            #expect(wait(seconds: 30) { !failing.process.isRunning }, "\(daemon.text(failing.log))")
            failing.process.waitUntilExit()
            #expect(failing.process.terminationReason == .uncaughtSignal, "\(daemon.text(failing.log))")
            judged = try verdicts(daemon)
        }
        #expect(judged.count == 1)
        let verdict = try #require(try story().row.judgement)
        #expect(verdict.enforcement == .stopped && verdict.verdict.step == 2)
        Thread.sleep(forTimeInterval: 0.3)
        #expect(daemon.text("asked").isEmpty && worker.isRunning, "the stop had been sent: this proves nothing")

        try daemon.serve(listens[0], listens[1], listens[2], listens[3], environment: Self.timers)
        let watched = try daemon.run("watch", "s", "--plain")
        #expect(watched.status == 0, "\(watched.output)\(watched.error)\(daemon.text("gpu1.log"))")
        daemon.terminate()
        let after = try story()
        #expect(after.row.state == .stopped && after.row.judgement == verdict)
        #expect(after.attempts.count == 1 && after.attempts.first?.stopReason != nil, "\(after.attempts)")
        #expect(daemon.text("asked") == "asked\n")
        #expect(try verdicts(daemon) == judged, "it was judged again")
        #expect(try daemon.run("verify").status == 0)
    }

    private func verdicts(_ daemon: DaemonFolder) throws -> [Event] {
        try events(daemon.data).filter { if case .judged = $0 { true } else { false } }
    }

    private func events(_ data: String) throws -> [Event] {
        let reader = try StoreReader.open(directory: data)
        defer { reader.close() }
        var events: [Event] = []
        try reader.journal { _, entry in events.append(entry.event) }
        return events
    }

    @Test(.timeLimit(.minutes(2))) func aPausedTrialIsTakenUpFromItsCheckpointAndCompletes() throws {
        let folder = try SweepFolder()
        let rule = "early_terminate: {type: asha, variant: promotion, min_step: 3, max_step: 12, eta: 2}"
        try folder.write(
            SweepFolder.yaml(
                trials: 6, command: SteppingScript.command(in: folder.path),
                more: "\(rule)\ncheckpoints: {keep: best+last}"), to: "sweep.yaml")
        try folder.write(SteppingScript.text(in: folder.path, steps: 12), to: "train.py")
        // One at a time: who is promoted does not depend on who was faster.
        let result = try folder.run("run", "sweep.yaml", "-w", "1")
        #expect(result.status == 0, "\(result.output)\(result.error)")
        let stories = try (0..<6).map { try TrialStory(data: folder.data, sweep: "s", trial: $0) }
        for story in stories { story.expectResumed() }
        let revived = stories.filter { $0.row.state == .completed && $0.attempts.count >= 2 }
        #expect(!revived.isEmpty, "\(stories.map(\.row.state))")
        for story in revived {
            #expect(story.curve.count == 12)
            #expect(story.attempts.dropLast().allSatisfy { $0.outcome == "stopped" }, "\(story.attempts)")
            #expect(story.attempts.dropFirst().allSatisfy { $0.resumedFrom ?? 0 >= 3 }, "\(story.attempts)")
        }
        #expect(stories.allSatisfy { $0.row.state == .completed || $0.row.state == .stopped })
        let promoted = try events(folder.data).count { if case .promoted = $0 { true } else { false } }
        let attempts = stories.reduce(0) { $0 + $1.attempts.count }
        #expect(promoted == attempts - 6, "each attempt but a trial's first follows from a promotion")
        // What a checkpoint held was trained once.
        let steps = SteppingScript.steps(folder.text("steps")).map { [$0.trial, $0.step] }
        #expect(Set(steps).count == steps.count, "\(steps)")
        try folder.expectSound()
    }
}
