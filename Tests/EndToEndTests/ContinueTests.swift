// SPDX-License-Identifier: MIT

import Foundation
import Testing

/// Trials that are trained further, and what is said of those that were stopped.
@Suite struct ContinueTests {
    /// Its loss is x over the step, so that more training is better and no two trials are equal.
    private static let script = """
        import os, time, sweepd
        with sweepd.trial(checkpoint_every=None) as trial:
            with open("begun", "a") as file: print(trial.number, trial.resume_step, trial.seed, file=file)
            while trial.number in (1, 2) and os.path.exists("hold"): time.sleep(0.02)
            end = trial.max_step or 4
            for step in range(trial.resume_step + 1, end + 1):
                trial.report(step, loss=trial.params["x"] / step)
                if trial.should_checkpoint() or step == end:
                    with trial.new_checkpoint(step) as folder: (folder / "state").write_text(str(step))
        """

    private static func folder(trials: Int = 3, more: String = "") throws -> SweepFolder {
        let values = (1...trials).map(String.init).joined(separator: ", ")
        let yaml = SweepFolder.yaml(
            method: "grid", trials: trials, parameters: "x: {values: [\(values)]}",
            command: "[\"${interpreter}\", train.py, \"${args}\"]", more: "order: wandb\n" + more)
        let folder = try SweepFolder(yaml)
        try folder.write(script, to: "train.py")
        return folder
    }

    private static func seeds(_ folder: SweepFolder) -> [Int: [String]] {
        var seeds: [Int: [String]] = [:]
        for line in folder.text("begun").split(separator: "\n") {
            let words = line.split(separator: " ").map(String.init)
            if words.count == 3, let trial = Int(words[0]) { seeds[trial, default: []].append(words[2]) }
        }
        return seeds
    }

    @Test func aFinishedSweepsTrialIsTrainedFurther() throws {
        let folder = try Self.folder(more: "checkpoints: {keep: last}")
        #expect(try folder.run("run", "sweep.yaml", "-w", "1").status == 0)

        let continued = try folder.run("continue", "1", "--steps", "6", "-w", "1")
        #expect(continued.status == 0, "\(continued.output)\(continued.error)")
        #expect(
            continued.output.hasSuffix("\ntrial 3 continues trial 1: loss 0.2 at step 10, was 0.5 at step 4\n"),
            "\(continued.output)")
        #expect(folder.text("begun").contains("\n3 4 "), "it goes on from its checkpoint: \(folder.text("begun"))")
        let seeds = Self.seeds(folder)
        #expect(seeds[3] == seeds[1] && seeds[1] != seeds[0])

        // Beyond the total, and ranked among none.
        let shown = try folder.run("show").output
        #expect(shown.hasPrefix("s: finished (3 of 3 trials done, and 1 continued)\n"), "\(shown)")
        #expect(shown.contains("Continued, and ranked among none:\n  trial 3 continues trial 1: loss 0.2"), "\(shown)")
        #expect(try folder.run("list").output.contains("3/3, 1 continued"))
        #expect(try folder.json("best")["trial"] as? Int == 0)
        let listed = try folder.run("trials").output
        #expect(listed.contains("\ncontinued, and ranked among none:\ntrial  continues  to step  state"), "\(listed)")
        #expect(try folder.trials()[3]["parent"] as? Int == 1)
        #expect(try folder.run("why", "1").output.hasSuffix("It is continued by trial 3 to step 10.\n"))

        // What was continued can be continued.
        let document = try folder.json("continue", "3", "--steps", "10")
        #expect(document["outcome"] as? String == "finished", "\(document)")
        let again = (document["continued"] as? [[String: Any]])?.first
        #expect(again?["trial"] as? Int == 4 && again?["value"] as? Double == 0.1 && again?["parent"] as? Int == 3)
        #expect(Self.seeds(folder)[4] == seeds[1])

        // The total is what it was.
        #expect(try folder.run("extend", "--trials", "3").status == 0)
        #expect(try folder.states().count == 5)
        try folder.expectSound()
    }

    @Test func theBestAreTrainedFurther() throws {
        let folder = try Self.folder()
        #expect(try folder.run("run", "sweep.yaml").status == 0)
        let promoted = try folder.run("promote", "--top", "2", "--steps", "4")
        #expect(promoted.status == 0, "\(promoted.output)\(promoted.error)")
        for line in [
            "trial 3 continues trial 0: loss 0.125 at step 8, was 0.25 at step 4\n",
            "trial 4 continues trial 1: loss 0.25 at step 8, was 0.5 at step 4\n",
        ] { #expect(promoted.output.contains(line), "\(promoted.output)") }
        // The same line again does what is missing.
        let more = try folder.run("promote", "--top", "3", "--steps", "4")
        #expect(more.status == 0, "\(more.output)\(more.error)")
        #expect(more.output.contains("trial 0 is skipped: trial 3 has continued it to step 8 already\n"))
        #expect(more.output.hasSuffix("\ntrial 5 continues trial 2: loss 0.375 at step 8, was 0.75 at step 4\n"))
        let nothing = try folder.run("promote", "--top", "3", "--steps", "4")
        #expect(nothing.status == 2)
        #expect(
            nothing.error.hasPrefix("sweepd: none of the best 3 can be continued:\n  trial 0: "), "\(nothing.error)")
        #expect(try folder.states() == [String](repeating: "completed", count: 6))
        try folder.expectSound()
    }

    @Test func whatCannotBeContinuedIsToldWhy() throws {
        let folder = try Self.folder()
        #expect(try folder.run("run", "sweep.yaml").status == 0)
        let unknown = try folder.run("continue", "9", "--steps", "4")
        #expect(unknown.status == 2)
        #expect(unknown.error == "sweepd: the sweep 's' has no trial 9: it has trials 0 to 2\n")
        try FileManager.default.removeItem(atPath: folder.data + "/sweeps/s/0")
        let gone = try folder.run("continue", "0", "--steps", "4")
        #expect(gone.status == 2)
        #expect(gone.error.contains("its checkpoint of step 4 no longer exists: there is no folder "), "\(gone.error)")

        let other = try SweepFolder(SweepFolder.yaml(trials: 1), script: "sweepd report loss=1")
        #expect(try other.run("run", "sweep.yaml").status == 0)
        let none = try other.run("continue", "0", "--steps", "4")
        #expect(none.status == 2)
        #expect(none.error.contains("it left no checkpoint to go on from"), "\(none.error)")
        #expect(try other.states() == ["completed"])
    }

    /// Only the trial that is continued: the others that were left wait as before, and the sweep ends by the same again.
    @Test func aSweepThatEndedEarlyDoesNotGoOnWithIt() throws {
        let folder = try Self.folder()
        let yaml = folder.text("sweep.yaml").replacing("{name: loss}", with: "{name: loss, target: 0.3}")
        try folder.write(yaml, to: "sweep.yaml")
        #expect(try folder.run("run", "sweep.yaml", "-w", "1").status == 0)
        let before = try folder.states()
        let first = try #require(before.firstIndex(of: "completed"))
        let continued = try folder.run("continue", "\(first)", "--steps", "4")
        #expect(continued.status == 0, "\(continued.error)")
        #expect(continued.output.contains("continues trial \(first): loss "), "\(continued.output)")
        #expect(try folder.states() == before + ["completed"])
        #expect(try folder.run("show").output.contains("target"))
        try folder.expectSound()
    }

    @Test func aLiveSweepTakesItOn() throws {
        let folder = try Self.folder()
        try folder.write("", to: "hold")
        let process = try folder.start("run", "sweep.yaml", "-w", "2")
        try #require(
            wait { folder.text("begun").contains("\n2 ") }, "\(folder.text("out"))")
        #expect(wait { (try? folder.states().first) == "completed" })
        let running = try folder.run("continue", "1", "--steps", "4")
        #expect(running.status == 2 && running.error.contains("it is running"), "\(running.error)")
        let continued = try folder.run("continue", "0", "--steps", "6")
        #expect(continued.status == 0, "\(continued.error)")
        #expect(continued.output == "trial 3 continues trial 0 to step 10, in the running sweep 's'\n")
        let twice = try folder.run("continue", "0", "--steps", "6")
        #expect(twice.status == 2 && twice.error.contains("trial 3 continues it to step 10 already"), "\(twice.error)")
        try FileManager.default.removeItem(atPath: folder.path + "/hold")
        #expect(process.end() == 0, "\(folder.text("out"))")
        #expect(
            folder.text("out").contains("s: finished (3 of 3 trials done, and 1 continued)"), "\(folder.text("out"))")
        #expect(try folder.trials()[3]["value"] as? Double == 0.1)
        try folder.expectSound()
    }

    @Test func anInterruptedSweepIsNotFinishedByIt() throws {
        let folder = try Self.folder(trials: 20)
        try folder.write("", to: "hold")
        let process = try folder.start("run", "sweep.yaml", "-w", "1")
        try #require(wait { folder.text("begun").contains("\n1 ") }, "\(folder.text("out"))")
        process.signal(SIGTERM)
        #expect(process.end() == 130)
        try FileManager.default.removeItem(atPath: folder.path + "/hold")
        let continued = try folder.run("continue", "0", "--steps", "6", "-w", "1")
        #expect(continued.status == 0, "\(continued.output)\(continued.error)")
        #expect(
            continued.output.contains(" continues trial 0: loss 0.1 at step 10, was 0.25 at step 4\n"),
            "\(continued.output)")
        #expect(continued.output.hasSuffix(" resume s\n"), "\(continued.output)")
        #expect(try folder.states().contains("queued"))
        #expect(try folder.run("resume").status == 0)
        #expect(try folder.states() == [String](repeating: "completed", count: 21))
        try folder.expectSound()
    }

    /// What a coordinator that is ending took on, nobody would train.
    @Test func aCoordinatorThatIsEndingIsWaitedFor() throws {
        let folder = try Self.folder()
        try folder.write("", to: "hold")
        let process = try folder.start("run", "sweep.yaml", "-w", "1")
        try #require(wait { folder.text("begun").contains("\n1 ") }, "\(folder.text("out"))")
        process.signal(SIGINT)
        #expect(wait { folder.text("out").contains("starting no new ones") })
        let continuing = try folder.start("continue", "0", "--steps", "6", "-w", "1", output: "continued")
        #expect(wait { folder.text("continued").contains("waiting: the coordinator is ending\n") })
        try FileManager.default.removeItem(atPath: folder.path + "/hold")
        #expect(process.end() == 130)
        #expect(continuing.end() == 0, "\(folder.text("continued"))")
        #expect(folder.text("continued").contains("continues trial 0: loss 0.1 at step 10, was 0.25 at step 4\n"))
        try folder.expectSound()
    }

    /// Each trial's loss is its parameter, whatever the step: under ASHA each but the first is worse than the best of
    /// its rung.
    @Test func aTrialThatAshaStoppedSaysWhy() throws {
        let yaml = SweepFolder.yaml(
            method: "grid", trials: 4, parameters: "x: {values: [1, 2, 3, 4]}",
            command: "[\"${interpreter}\", train.py, \"${args}\"]",
            more: "order: wandb\nearly_terminate: {type: asha, min_step: 2, max_step: 400, eta: 3}")
        let folder = try SweepFolder(yaml)
        try folder.write(
            """
            import time, sweepd
            with sweepd.trial(checkpoint_every=None) as trial:
                for step in range(trial.resume_step + 1, trial.max_step + 1):
                    trial.report(step, loss=trial.params["x"])
                    if trial.should_checkpoint():
                        with trial.new_checkpoint(step) as folder: (folder / "state").write_text("")
                    if trial.number > 0: time.sleep(0.02)
            """, to: "train.py")
        let result = try folder.run("run", "sweep.yaml", "-w", "1")
        #expect(result.status == 0, "\(result.output)\(result.error)")
        #expect(try folder.states() == ["completed", "stopped", "stopped", "stopped"])
        let why = try folder.run("why", "2")
        #expect(
            why.output.hasPrefix(
                "Trial 2 was stopped by asha at step 2: its loss of 3 was worse than 1, the worst that goes on from this "
                    + "rung. 2 of 2 trials that had come to step 2 were better: 0, 1. It ended with loss 3"),
            "\(why.output)\(why.error)")
        #expect(why.output.hasSuffix("Its configuration is point 3 of the grid.\n"), "\(why.output)")
        let verdict = try #require(
            (try folder.json("why", "2")["trial"] as? [String: Any])?["verdict"] as? [String: Any])
        #expect(verdict["rule"] as? String == "asha" && verdict["better_trials"] as? [Int] == [0, 1])
        #expect(result.output.contains("Early stopping by asha (min_step 2, eta 3"), "\(result.output)")
        #expect(result.output.contains("  3 trials stopped: 3 at step 2.\n"), "\(result.output)")
        #expect(result.output.contains(" of 1,600 steps of 4 trials were trained: "), "\(result.output)")
        // It left a checkpoint when it was asked to stop.
        let continued = try folder.run("continue", "1", "--steps", "3", "-w", "1")
        #expect(continued.status == 0, "\(continued.output)\(continued.error)")
        #expect(continued.output.contains("trial 4 continues trial 1: loss 2 at step "), "\(continued.output)")
        try folder.expectSound()
    }
}
