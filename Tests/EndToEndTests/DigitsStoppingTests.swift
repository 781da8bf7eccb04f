// SPDX-License-Identifier: MIT

import Foundation
import SweepEngine
import SweepStore
import Testing

/// Real training that is stopped early, and real training that is killed and goes on.
@Suite(.serialized, .enabled(if: ExampleTests.has("sklearn"), "make deps installs scikit-learn for it"))
struct DigitsStoppingTests {
    private static let environment = ["VIRTUAL_ENV": ExampleTests.environment]

    private func digits(_ more: String, trials: Int) throws -> SweepFolder {
        let folder = try ExampleTests.example("digits")
        try folder.write(
            """
            name: digits
            method: random
            metric: {name: val_loss, goal: minimize}
            trials: \(trials)
            seed: 11
            parameters:
              lr:           {min: 1.0e-3, max: 1.0, distribution: log_uniform_values}
              units:        {values: [8, 32]}
              batch_size:   {value: 128}
              weight_decay: {value: 1.0e-5}
              activation:   {values: [relu, tanh]}
              epochs:       {value: 12}
            command: ["${interpreter}", train.py, "${args}"]
            workers: 2
            \(more)
            """, to: "sweep.yaml")
        return folder
    }

    @Test(.timeLimit(.minutes(5))) func ashaStopsAndSaysWhy() throws {
        let folder = try digits("early_terminate: {type: asha, min_step: 1, max_step: 12}", trials: 10)
        let result = try folder.run("run", "sweep.yaml", environment: Self.environment, seconds: 240)
        #expect(result.status == 0, "\(result.output)\(result.error)")
        let trials = try folder.trials(of: "digits")
        let stopped = trials.filter { $0["state"] as? String == "stopped" }
        let completed = trials.filter { $0["state"] as? String == "completed" }
        #expect(stopped.count >= 2 && completed.count >= 1 && trials.count == 10, "\(trials)")
        #expect(completed.allSatisfy { $0["last_step"] as? Int == 12 })
        for trial in stopped {
            let number = try #require(trial["trial"] as? Int)
            let why = try folder.run("why", "\(number)", "digits")
            #expect(why.status == 0 && why.output.contains("asha"), "\(why.output)\(why.error)")
        }
        #expect(try folder.run("show", "digits").output.contains("Early stopping by asha"))
        try folder.expectSound()
    }

    /// Killed with everything it runs at a random moment, a sweep goes on from its checkpoints, and nobody can tell it
    /// from one that was left alone. A trial that began anew would have the same curve: where it began is looked at too.
    @Test(.timeLimit(.minutes(5))) func aKilledTrialGoesOnWithTheSameCurve() throws {
        let rule = "early_terminate: {type: threshold, max_step: 12}"
        let calm = try digits(rule, trials: 3)
        let left = try calm.run("run", "sweep.yaml", environment: Self.environment, seconds: 240)
        #expect(left.status == 0, "\(left.output)\(left.error)")
        let folder = try digits(rule, trials: 3)
        let run = try folder.start("run", "sweep.yaml", environment: Self.environment)
        let seed = UInt64.random(in: 0...1000)
        // Behind the first checkpoint, which is saved at step 5, and when it is durable.
        let hasBegun = wait(seconds: 120) { isSaved(folder) || !run.isRunning }
        Thread.sleep(forTimeInterval: Double(seed) / 5000)
        #expect(hasBegun)
        run.signal(SIGKILL)
        run.waitUntilExit()
        let resumed = try folder.run("resume", "digits", environment: Self.environment, seconds: 240)
        #expect(resumed.status == 0, "seed \(seed): \(resumed.output)\(resumed.error)")
        #expect(try folder.states(of: "digits") == ["completed", "completed", "completed"], "seed \(seed)")
        #expect(try curves(folder) == curves(calm), "seed \(seed)")
        let stories = try (0..<3).map { try TrialStory(data: folder.data, sweep: "digits", trial: $0) }
        for story in stories { story.expectResumed() }
        let again = stories.flatMap { $0.attempts.dropFirst() }
        #expect(!again.isEmpty, "seed \(seed): it was killed when no trial ran")
        #expect(again.contains { ($0.resumedFrom ?? 0) >= 5 }, "seed \(seed): \(again)")
        try folder.expectSound()
    }

    /// Whether a trial that still runs has a durable checkpoint.
    private func isSaved(_ folder: SweepFolder) -> Bool {
        (0..<3).contains { number in
            let story = try? TrialStory(data: folder.data, sweep: "digits", trial: number)
            return story?.row.state == .running && story?.checkpoints.isEmpty == false
        }
    }

    /// Of each trial its losses by step, the latest where a step was reported twice.
    private func curves(_ folder: SweepFolder) throws -> [Int: [Int: Double]] {
        var curves: [Int: [Int: Double]] = [:]
        for report in try folder.reports(of: "digits") {
            guard let trial = report["trial"] as? Int, let step = report["step"] as? Int,
                let loss = (report["metrics"] as? [String: Any])?["val_loss"] as? Double
            else { continue }
            curves[trial, default: [:]][step] = loss
        }
        #expect(curves.values.allSatisfy { $0.count == 12 }, "\(curves.mapValues(\.count))")
        return curves
    }
}
