// SPDX-License-Identifier: MIT

import DequeModule
import OrderedCollections
import Randomness
import SweepEngine
import SweepModel
import TestSupport
import Testing
import WorkerProtocol

/// What is done about verdicts: stops, pauses, promotions, controls, dry runs.
@Suite struct StoppingTests {
    private static let rungs = EarlyTermination.Rungs(minimumStep: 1, maximumStep: 9, eta: 3)

    private func rig(
        _ rule: EarlyTermination.Rule, trials: Int = 9, slots: Int = 1, baselines: [Configuration] = [],
        change: (inout SweepDefinition) -> Void = { _ in }
    ) throws -> Rig {
        var rig = Rig()
        var definition = SweepDefinition.example(trials: trials, baselines: baselines)
        definition.earlyTermination = EarlyTermination(rule: rule, maximumStep: 9)
        change(&definition)
        try rig.launch(definition)
        try rig.hello(slots: slots)
        return rig
    }

    private func checkpoint(_ step: Int64, _ fence: Int64) -> AttemptEvent {
        .checkpoint(Checkpoint(step: step, location: "/c/\(fence)/\(step)", digest: "", bytes: 10))
    }

    /// Starts the attempt and reports losses from a step on; says how it goes on.
    private func train(_ rig: inout Rig, _ fence: Int64, _ losses: [Double], from step: Int64? = nil) throws {
        try rig.accept(fence)
        let first = (step ?? 0) + 1
        let reports = losses.enumerated().map { AttemptEvent.loss($0.element, step: first + Int64($0.offset)) }
        try rig.events(fence, from: 1, [.started(resumedFrom: step)] + reports)
    }

    private func finish(
        _ rig: inout Rig, _ fence: Int64, _ sequence: Int64, _ outcome: AttemptEvent.Outcome = .stopped
    ) throws {
        try rig.events(fence, from: sequence, [.finished(outcome, Resources())])
    }

    @Test func aVerdictStandsBesideItsReportAndTheWorkerIsTold() throws {
        var rig = try rig(.asha(Self.rungs, .stopping))
        try train(&rig, 1, [0.4])
        #expect(rig.state.trials[0].judgement == nil)
        try finish(&rig, 1, 3, .completed)
        let before = rig.journal.count
        try train(&rig, 2, [0.5])
        let events = rig.journal[before...].map(\.event)
        let verdict = try #require(rig.state.trials[1].judgement?.verdict)
        #expect(verdict.rule == .asha && verdict.step == 1 && verdict.value == 0.5 && verdict.threshold == 0.4)
        #expect(verdict.peers == 1 && verdict.better == 1 && verdict.named == [0] && verdict.rung == 1)
        #expect(events.last == .judged(Fence(2), verdict, .stopped))
        #expect(rig.desired().contains { $0.fence == Fence(2) && $0.state == .stop && $0.reason.contains("asha") })
        // What is reported after it is kept, and enters no rung.
        try rig.events(2, from: 3, [.loss(0.1, step: 3)])
        #expect(rig.state.trials[1].milestones == [0.5])
        try finish(&rig, 2, 4)
        #expect(rig.trialState(1) == .stopped && rig.state.trials[1].value == 0.1)
    }

    @Test func aCoordinatorKilledAfterAVerdictStillWantsTheStop() throws {
        var rig = try rig(.asha(Self.rungs, .stopping))
        try train(&rig, 1, [0.4])
        try finish(&rig, 1, 3, .completed)
        try train(&rig, 2, [0.5])
        let local = rig
        rig.restart()
        // A local worker is gone with its coordinator: the trial is not run again, or the verdict would be undone.
        #expect(rig.trialState(1) == .stopped)
        #expect(replayDifference(local.engine, local.replayed) == nil)
        var remote = Rig()
        var definition = SweepDefinition.example(trials: 9)
        definition.earlyTermination = EarlyTermination(rule: .asha(Self.rungs, .stopping), maximumStep: 9)
        try remote.launch(definition)
        try remote.hello(isLocal: false)
        try train(&remote, 1, [0.4])
        try finish(&remote, 1, 3, .completed)
        try train(&remote, 2, [0.5])
        remote.restart()
        try remote.handle(.activate(Rig.sweep))
        try remote.hello(
            isLocal: false, running: [HeldLease(fence: Fence(2), lastSequence: 2, acknowledged: 2)])
        #expect(remote.desired().contains { $0.fence == Fence(2) && $0.state == .stop })
    }

    @Test func nanAlwaysStopsAndIsInfeasible() throws {
        for isDeclared in [false, true] {
            var rig = try rig(.threshold) { if !isDeclared { $0.earlyTermination = nil } }
            try train(&rig, 1, [0.4, .nan])
            #expect(rig.state.trials[0].judgement?.verdict.rule == .nan)
            try finish(&rig, 1, 4)
            #expect(rig.trialState(0) == .failed && rig.state.trials[0].isInfeasible)
            #expect(rig.state.best == nil)
        }
    }

    /// Not for the rule's sake: nothing is learnt from what has diverged, and it is no result.
    @Test func nanStopsInADryRunToo() throws {
        var rig = try rig(.asha(Self.rungs, .stopping)) { $0.earlyTermination?.isDryRun = true }
        try train(&rig, 1, [0.4])
        try finish(&rig, 1, 3, .completed)
        try train(&rig, 2, [0.5, .nan])
        #expect(rig.state.trials[1].judgement?.verdict.rule == .nan)
        #expect(rig.state.trials[1].judgement?.enforcement == .stopped)
        #expect(rig.desired().contains { $0.state == .stop })
        try finish(&rig, 2, 4)
        #expect(rig.trialState(1) == .failed && rig.state.best?.trial == 0)
    }

    @Test func aDryRunStopsNothing() throws {
        var rig = try rig(.asha(Self.rungs, .stopping)) { $0.earlyTermination?.isDryRun = true }
        try train(&rig, 1, [0.4])
        try finish(&rig, 1, 3, .completed)
        try train(&rig, 2, [0.5, 0.45, 0.44])
        #expect(rig.state.trials[1].judgement?.enforcement == .dryRun)
        #expect(rig.state.trials[1].judgement?.verdict.step == 1)
        #expect(!rig.desired().contains { $0.state == .stop })
        try finish(&rig, 2, 5, .completed)
        #expect(rig.trialState(1) == .completed)
    }

    @Test func controlsGoOnInTheirShare() throws {
        var rig = try rig(.asha(Self.rungs, .stopping), trials: 200) { $0.earlyTermination?.controlShare = 0.25 }
        var sequence: [Enforcement] = []
        for fence: Int64 in 1...200 {
            try train(&rig, fence, [Double(fence)])
            if let judgement = rig.state.trials[Int(fence) - 1].judgement { sequence.append(judgement.enforcement) }
            try finish(&rig, fence, 3, rig.state.trials[Int(fence) - 1].judgement == nil ? .completed : .stopped)
        }
        let controls = sequence.count { $0 == .control }
        #expect(sequence.count > 190 && (30...70).contains(controls), "\(controls) of \(sequence.count)")
    }

    @Test func baselinesTrainToTheirEnd() throws {
        var rig = try rig(.asha(Self.rungs, .stopping), slots: 2, baselines: [.proposal(500), .proposal(501)])
        try train(&rig, 1, [0.4])
        try train(&rig, 2, [0.5])
        #expect(rig.state.trials[1].judgement == nil)
        #expect(rig.state.trials[1].milestones == [0.5])
    }

    @Test func pausedTrialsAreRevivedFromTheirCheckpoints() throws {
        var rig = try rig(.asha(Self.rungs, .promotion), trials: 4)
        // With fewer than eta at a rung nobody goes on.
        for (fence, loss) in [(Int64(1), 0.4), (2, 0.5), (3, 0.6)] {
            try train(&rig, fence, [loss])
            #expect(rig.state.trials[Int(fence) - 1].judgement?.enforcement == .paused)
            try rig.events(fence, from: 3, [checkpoint(1, fence)])
            try finish(&rig, fence, 4)
            if fence < 3 { #expect(rig.trialState(Int(fence) - 1) == .paused) }
        }
        // The third makes room for one: the best, which goes on before a fourth begins.
        #expect(rig.open == [4] && rig.engine.attempts[Fence(4)]?.trial.number == 0)
        let lease = try #require(rig.leases().first)
        #expect(lease.resume?.location == "/c/1/1" && lease.attempt == 2)
        #expect(lease.seed == trialSeed(sweepSeed: 7, trial: 0))
        #expect(rig.state.trials[0].judgement == nil)
        try train(&rig, 4, [0.3, 0.2], from: 1)
        #expect(rig.state.trials[0].milestones == [0.4, 0.2] && rig.state.trials[0].judgement?.enforcement == .paused)
        try rig.events(4, from: 4, [checkpoint(3, 4)])
        try finish(&rig, 4, 5)
        // The fourth is worse than all, and nobody has earned to go on. Nothing has been trained to its end yet: the best is.
        try train(&rig, 5, [0.9])
        try finish(&rig, 5, 3)
        #expect(rig.open == [6] && rig.engine.attempts[Fence(6)]?.trial.number == 0)
        try train(&rig, 6, [0.2, 0.2, 0.2, 0.2, 0.2, 0.1], from: 3)
        #expect(rig.state.trials[0].judgement == nil)
        try finish(&rig, 6, 8, .completed)
        #expect(rig.state.phase == .finished(.trials))
        #expect(rig.state.trials.map(\.state) == [.completed, .stopped, .stopped, .stopped])
        #expect(rig.state.trials.map(\.value) == [0.1, 0.5, 0.6, 0.9] && rig.state.best?.trial == 0)
        #expect(replayDifference(rig.engine, rig.replayed) == nil)
    }

    @Test func aPausedTrialCountsWithWhatItCameTo() throws {
        var rig = try rig(.asha(Self.rungs, .promotion), trials: 9) { $0.limits.noImprovement = 3 }
        try train(&rig, 1, [0.4])
        try finish(&rig, 1, 3)
        #expect(rig.trialState(0) == .paused && rig.state.best?.trial == 0 && rig.state.best?.value == 0.4)
        #expect(rig.state.trials[0].value == 0.4 && rig.state.sinceBest == 0)
        try train(&rig, 2, [0.5])
        try finish(&rig, 2, 3)
        try train(&rig, 3, [0.6])
        try finish(&rig, 3, 3)
        #expect(rig.state.sinceBest == 2)
        // It goes on, and a second pause is no news.
        try train(&rig, 4, [0.45, 0.42], from: 1)
        try finish(&rig, 4, 4)
        #expect(rig.trialState(0) == .paused && rig.state.best?.value == 0.4 && rig.state.sinceBest == 2)
        try train(&rig, 5, [0.7])
        try finish(&rig, 5, 3)
        #expect(rig.state.phase == .finished(.noImprovement))
        #expect(replayDifference(rig.engine, rig.replayed) == nil)
    }

    @Test func aPausedTrialReachesTheTarget() throws {
        var rig = Rig()
        var definition = SweepDefinition.example(trials: 9, target: 0.45)
        definition.earlyTermination = EarlyTermination(rule: .asha(Self.rungs, .promotion), maximumStep: 9)
        try rig.launch(definition)
        try rig.hello()
        try train(&rig, 1, [0.4])
        try finish(&rig, 1, 3)
        #expect(rig.state.phase == .finished(.target) && rig.trialState(0) == .stopped)
    }

    /// With the last value for the value, what was the best may turn out worse.
    @Test func theBestIsSoughtAnewWhenItTrainsOnToSomethingWorse() throws {
        var rig = Rig()
        var definition = SweepDefinition.example(trials: 9, summary: .last)
        definition.earlyTermination = EarlyTermination(rule: .asha(Self.rungs, .promotion), maximumStep: 9)
        try rig.launch(definition)
        try rig.hello()
        for (fence, loss) in [(Int64(1), 0.4), (2, 0.5), (3, 0.6)] {
            try train(&rig, fence, [loss])
            try finish(&rig, fence, 3)
        }
        try train(&rig, 4, [0.6, 0.9], from: 1)
        try finish(&rig, 4, 4)
        #expect(rig.state.best?.trial == 1 && rig.state.best?.value == 0.5)
    }

    @Test func aControlThatDivergesIsStopped() throws {
        var rig = try rig(.asha(Self.rungs, .stopping), trials: 9) { $0.earlyTermination?.controlShare = 1 }
        try train(&rig, 1, [0.4])
        try finish(&rig, 1, 3, .completed)
        try train(&rig, 2, [0.5])
        #expect(rig.state.trials[1].judgement?.enforcement == .control)
        try rig.events(2, from: 3, [.loss(.nan, step: 2)])
        #expect(rig.state.trials[1].judgement?.enforcement == .stopped)
        #expect(rig.engine.attempts[Fence(2)]?.stopReason != nil)
    }

    /// It goes on from a checkpoint, and what it had reported up to there is still its own.
    @Test func aRetriedTrialGoesOnWithItsCurve() throws {
        var rig = try rig(.threshold, trials: 2, slots: 2)
        try train(&rig, 1, [0.4, 0.2, 0.3])
        try rig.events(1, from: 5, [checkpoint(3, 1)])
        try rig.events(1, from: 6, [.loss(0.1, step: 4), .failure(.user)])
        #expect(rig.trialState(0) == .failed)
        try rig.handle(.retry(Rig.trial(0)))
        let fence = try #require(rig.engine.attempts.first { $0.value.trial == Rig.trial(0) }?.key.number)
        try train(&rig, fence, [0.35], from: 3)
        try finish(&rig, fence, 3, .completed)
        #expect(rig.state.trials[0].value == 0.2)
        #expect(replayDifference(rig.engine, rig.replayed) == nil)
    }

    /// Found by the fuzz campaign: a worker may name any step.
    @Test func whoBeginsAnewHasNothingOfTheAttemptBefore() throws {
        var rig = try rig(.threshold, trials: 1)
        try rig.accept(1)
        try rig.events(1, from: 1, [.started(resumedFrom: nil), .loss(-1e6, step: .min), .loss(0.4, step: 1)])
        try rig.send(.bye(reason: "test"))
        try rig.hello("b", boot: "1")
        try rig.run(2, by: "b", values: [0.5])
        #expect(rig.state.trials[0].value == 0.5)
    }

    @Test func whatRunsPassesTheRungsOfANewRuleAsIfItHadAlwaysBeenThere() throws {
        var rig = try rig(.asha(Self.rungs, .stopping), trials: 9, slots: 2)
        try train(&rig, 1, [0.9, 0.5, 0.3, 0.2, 0.1])
        var definition = rig.state.definition
        definition.earlyTermination = EarlyTermination(
            rule: .asha(EarlyTermination.Rungs(minimumStep: 1, maximumStep: 8, eta: 2), .stopping), maximumStep: 8)
        try rig.handle(.redefine(Rig.sweep, definition))
        #expect(rig.state.trials[0].milestones == [0.9, 0.5, 0.2])
        // Compared with 0.9, which the other had at its first step, not with the 0.1 that it has by now.
        try train(&rig, 2, [0.8])
        #expect(rig.state.trials[1].judgement == nil)
        #expect(replayDifference(rig.engine, rig.replayed) == nil)
    }

    @Test func pausedTrialsGiveUpTheirOlderCheckpointsToTheBudget() throws {
        var rig = try rig(.asha(EarlyTermination.Rungs(minimumStep: 3, maximumStep: 9, eta: 3), .promotion)) {
            $0.checkpoints = CheckpointPolicy(keep: .all, total: 45)
        }
        for fence: Int64 in 1...2 {
            try train(&rig, fence, [0.4, 0.3, 0.2 * Double(fence)])
            try rig.events(fence, from: 5, [checkpoint(1, fence), checkpoint(2, fence), checkpoint(3, fence)])
            try finish(&rig, fence, 8)
        }
        #expect(rig.trialState(0) == .paused && rig.trialState(1) == .paused)
        // The one that was paused gave way to the one that ran; nobody gives up the last.
        #expect(rig.state.checkpointBytes == 40)
        #expect(rig.state.checkpoints[0]?.map(\.checkpoint.step) == [3])
        #expect(rig.state.checkpoints[1]?.map(\.checkpoint.step) == [1, 2, 3])
    }

    @Test func whatIsContinuedHasAllThatItsParentHas() throws {
        var rig = try rig(.threshold, trials: 1)
        try train(&rig, 1, [0.1, 0.3])
        try rig.events(1, from: 4, [checkpoint(1, 1), checkpoint(2, 1)])
        try finish(&rig, 1, 6, .completed)
        try rig.handle(.continueTrial(Rig.trial(0), steps: 2))
        let lease = try #require(rig.leases().first)
        #expect(lease.resume?.step == 2 && lease.fallbacks.map(\.step) == [1])
        #expect(rig.state.checkpointBytes == 20)
    }

    /// Another machine may not see the files; they may be whole all the same.
    @Test func aCheckpointThatOneWorkerCannotReadIsOfferedToTheNext() throws {
        var rig = try rig(.threshold, trials: 1)
        try train(&rig, 1, [0.4, 0.3])
        try rig.events(1, from: 4, [checkpoint(2, 1)])
        try rig.send(.bye(reason: "preempted"))
        try rig.hello("b", boot: "1")
        #expect(rig.leases(to: "b").first?.resume?.step == 2)
        try rig.accept(2, by: "b")
        try rig.events(2, from: 1, [.warning("out of reach"), .started(resumedFrom: nil)], by: "b")
        try rig.send(.bye(reason: "preempted"), from: "b")
        try rig.hello("c", boot: "2")
        #expect(rig.leases(to: "c").first?.resume?.location == "/c/1/2")
    }

    @Test func aPausingTrialThatIsLostPausesAndOneThatEndedHasEnded() throws {
        var rig = try rig(.asha(Self.rungs, .promotion), slots: 2)
        try train(&rig, 1, [0.4])
        try finish(&rig, 1, 3, .completed)
        #expect(rig.trialState(0) == .completed)
        try train(&rig, 2, [0.5])
        try rig.advance(.seconds(61))
        #expect(rig.trialState(1) == .paused && rig.state.trials[1].losses == 0)
    }

    @Test func aVerdictDoesNotDependOnHowEventsWereBatched() throws {
        for seed: UInt64 in 0..<20 {
            var random = SeededRandom(seed: seed)
            var journals: [[Event]] = []
            let losses = (0..<9).map { _ in (0..<9).map { _ in Double(random.int(0...100)) / 100 } }
            for size in [1, 3, 9] {
                var rig = try rig(.asha(Self.rungs, .stopping), slots: 3)
                for fence: Int64 in 1...9 {
                    try rig.accept(fence)
                    try rig.events(fence, from: 1, [.started(resumedFrom: nil)])
                    var next: Int64 = 2
                    for start in stride(from: 0, to: 9, by: size) {
                        let part = losses[Int(fence) - 1][start..<min(9, start + size)]
                        let events = part.enumerated().map {
                            AttemptEvent.loss($0.element, step: Int64(start + $0.offset + 1))
                        }
                        try rig.events(fence, from: next, events)
                        next += Int64(events.count)
                    }
                    let isStopped = rig.state.trials[Int(fence) - 1].judgement != nil
                    try finish(&rig, fence, next, isStopped ? .stopped : .completed)
                }
                journals.append(rig.journal.map(\.event))
            }
            #expect(journals.allSatisfy { $0 == journals[0] }, "seed \(seed)")
        }
    }

    @Test func aTrialIsContinuedBeyondTheTotal() throws {
        var rig = try rig(.threshold, trials: 1)
        try train(&rig, 1, [0.4, 0.3])
        try rig.events(1, from: 4, [checkpoint(2, 1)])
        try finish(&rig, 1, 5, .completed)
        #expect(rig.state.phase == .finished(.trials))
        try rig.handle(.continueTrial(Rig.trial(0), steps: 3))
        #expect(rig.state.phase == .running && rig.state.counted == 1)
        let lease = try #require(rig.leases().first)
        #expect(lease.trial == 1 && lease.resume?.location == "/c/1/2" && lease.maximumStep == 5)
        #expect(lease.seed == trialSeed(sweepSeed: 7, trial: 0))
        try train(&rig, 2, [0.2, 0.1, 0.05], from: 2)
        try rig.events(2, from: 5, [checkpoint(5, 2)])
        try finish(&rig, 2, 6, .completed)
        #expect(rig.trialState(1) == .completed && rig.state.trials[1].value == 0.05)
        // It trained longer than the others: it is not the best of them.
        #expect(rig.state.best?.trial == 0 && rig.state.results == [0] && rig.state.phase == .finished(.trials))
        #expect(replayDifference(rig.engine, rig.replayed) == nil)
    }

    /// Whatever had ended it ends it again, and nothing else begins meanwhile.
    @Test(arguments: [FinishReason.cancelled, .stopped, .steps])
    func inASweepThatEndedEarlyOnlyTheContinuedTrialRuns(end: FinishReason) throws {
        var definition = SweepDefinition.example(trials: 4)
        if end == .steps { definition.limits.steps = 2 }
        var rig = Rig()
        try rig.launch(definition)
        try rig.hello()
        try train(&rig, 1, [0.4, 0.3])
        try rig.events(1, from: 4, [checkpoint(2, 1)])
        try finish(&rig, 1, 5, end == .steps ? .stopped : .completed)
        if end == .cancelled { try rig.handle(.cancel(Rig.sweep)) }
        if end == .stopped { try rig.handle(.stop(Rig.sweep)) }
        #expect(rig.state.phase == .finished(end))
        let (trials, proposals) = (rig.state.trials.count, rig.proposeRequests.count)
        try rig.handle(.continueTrial(Rig.trial(0), steps: 2))
        #expect(rig.state.phase == .running && rig.leases().map(\.trial) == [trials])
        #expect(throws: EngineError.sweepIsFinished(Rig.sweep)) {
            try rig.handle(.enqueue(Rig.sweep, .proposal(900)))
        }
        // A second slot is no reason to begin another trial.
        try rig.hello("v", boot: "1")
        #expect(rig.open.count == 1 && rig.proposeRequests.count == proposals)
        let fence = try #require(rig.open.first)
        try train(&rig, fence, [0.2, 0.1], from: 2)
        try finish(&rig, fence, 4, .completed)
        #expect(rig.trialState(trials) == .completed && rig.state.phase == .finished(end))
        #expect(rig.state.trials.count == trials + 1 && rig.state.formerEnd == nil)
        #expect(replayDifference(rig.engine, rig.replayed) == nil)
    }

    @Test(arguments: [FinishReason.target, .noImprovement, .stopped])
    func inASweepThatEndedEarlyOnlyTheRetriedTrialRuns(end: FinishReason) throws {
        var definition = SweepDefinition.example(trials: 9, target: end == .target ? 0.3 : nil)
        if end == .noImprovement { definition.limits.noImprovement = 2 }
        var rig = Rig()
        try rig.launch(definition)
        try rig.hello()
        try rig.run(1, values: [0.5])
        try rig.run(2, end: .failure(.user))
        try rig.run(3, values: [end == .target ? 0.3 : 0.6])
        if end == .stopped { try rig.handle(.stop(Rig.sweep)) }
        #expect(rig.state.phase == .finished(end))
        try rig.handle(.retry(Rig.trial(1)))
        try rig.hello("v", boot: "1")
        #expect(rig.state.phase == .running && rig.open.count == 1)
        let fence = try #require(rig.open.first)
        #expect(rig.engine.attempts[Fence(fence)]?.trial == Rig.trial(1))
        try rig.run(fence, by: rig.engine.attempts[Fence(fence)]?.worker.name.hasPrefix("v") == true ? "v" : "w")
        #expect(rig.trialState(1) == .completed && rig.state.phase == .finished(end))
        #expect(replayDifference(rig.engine, rig.replayed) == nil)
    }

    @Test func aLimitOfStepsDoesNotCutWhatIsContinued() throws {
        var definition = SweepDefinition.example(trials: 2)
        definition.limits.steps = 6
        var rig = Rig()
        try rig.launch(definition)
        try rig.hello(slots: 2)
        try train(&rig, 1, [0.4, 0.3])
        try rig.events(1, from: 4, [checkpoint(2, 1)])
        try finish(&rig, 1, 5, .completed)
        try rig.handle(.continueTrial(Rig.trial(0), steps: 4))
        try train(&rig, 2, [0.5, 0.4, 0.3])
        let continued = try #require(rig.engine.attempts.first { $0.value.trial != Rig.trial(1) })
        try train(&rig, continued.key.number, [0.25], from: 2)
        // The limit is reached: the other is asked to stop, this one goes on, and nothing else begins.
        #expect(rig.engine.attempts[Fence(2)]?.stopReason != nil)
        #expect(rig.engine.attempts[continued.key]?.stopReason == nil)
        try finish(&rig, 2, 5, .stopped)
        #expect(rig.open == [continued.key.number] && rig.state.phase == .running)
        try finish(&rig, continued.key.number, 3, .completed)
        #expect(rig.state.phase == .finished(.trials))
    }

    @Test func whatLeftNoCheckpointCannotBeContinued() throws {
        var rig = try rig(.threshold, trials: 2)
        try train(&rig, 1, [0.4])
        #expect(throws: EngineError.trialIsNot("over", Rig.trial(0), "running")) {
            try rig.handle(.continueTrial(Rig.trial(0), steps: 3))
        }
        try finish(&rig, 1, 3, .completed)
        #expect(throws: EngineError.trialHasNoCheckpoint(Rig.trial(0))) {
            try rig.handle(.continueTrial(Rig.trial(0), steps: 3))
        }
    }

    /// A model in the folder in which its checkpoints are, as some libraries save: none may go while the other is held.
    @Test func checkpointsThatLieInEachOtherAreLeft() throws {
        var rig = try rig(.threshold, trials: 1)
        try rig.accept(1)
        func checkpoint(_ step: Int64, _ location: String) -> AttemptEvent {
            .checkpoint(Checkpoint(step: step, location: location, digest: "", bytes: 10))
        }
        var events: [AttemptEvent] = [.started(resumedFrom: nil)]
        for step in 1...4 as ClosedRange<Int64> {
            events += [.loss(1 / Double(step), step: step), checkpoint(step, "/c/1/checkpoint-\(step)")]
        }
        func discarded() -> [String] {
            rig.effects.compactMap { if case .discard(_, let location) = $0 { location } else { nil } }
        }
        try rig.events(1, from: 1, events)
        #expect(discarded() == ["/c/1/checkpoint-1", "/c/1/checkpoint-2"])
        try rig.events(1, from: 10, [.loss(0.2, step: 5), checkpoint(5, "/c/1/")])
        #expect(discarded().isEmpty)
        try finish(&rig, 1, 12, .completed)
        #expect(discarded().isEmpty && rig.state.checkpoints[0]?.map(\.checkpoint.location) == ["/c/1/"])
    }

    /// Saved just before its step is reported.
    @Test func theBestCheckpointIsByItsOwnStep() throws {
        var rig = try rig(.threshold, trials: 1)
        try rig.accept(1)
        var events: [AttemptEvent] = [.started(resumedFrom: nil)]
        for (step, loss) in [3.0, 2, 1, 5, 6, 7, 8].enumerated() {
            events += [checkpoint(Int64(step + 1), 1), .loss(loss, step: Int64(step + 1))]
        }
        try rig.events(1, from: 1, events)
        try finish(&rig, 1, 16, .completed)
        #expect(rig.state.checkpoints[0]?.map(\.checkpoint.step) == [3, 7])
    }

    @Test func checkpointsThatNoRuleNeedsAreDiscarded() throws {
        var rig = try rig(.threshold, trials: 1)
        try rig.accept(1)
        var events: [AttemptEvent] = [.started(resumedFrom: nil)]
        // The best value is at step 2.
        for (step, loss) in [0.5, 0.1, 0.3, 0.4, 0.45].enumerated() {
            events += [.loss(loss, step: Int64(step + 1)), checkpoint(Int64(step + 1), 1)]
        }
        try rig.events(1, from: 1, events)
        func held() -> [Int64] { rig.state.checkpoints[0]?.map(\.checkpoint.step) ?? [] }
        // While it runs one more than the last, should that be damaged.
        #expect(held() == [2, 4, 5] && rig.state.checkpointBytes == 30)
        let discarded = rig.effects.compactMap { if case .discard(_, let location) = $0 { location } else { nil } }
        #expect(discarded == ["/c/1/1", "/c/1/3"])
        try finish(&rig, 1, 12, .completed)
        #expect(held() == [2, 5])
    }

    @Test func overTheBudgetTheWorstTrialsGiveUpAllButOne() throws {
        var rig = try rig(.threshold, trials: 3) { $0.checkpoints = CheckpointPolicy(total: 50) }
        for fence: Int64 in 1...3 {
            try rig.accept(fence)
            let loss = Double(fence)
            try rig.events(
                fence, from: 1,
                [
                    .started(resumedFrom: nil), .loss(loss, step: 1), checkpoint(1, fence), .loss(loss + 1, step: 2),
                    checkpoint(2, fence), .finished(.completed, Resources()),
                ])
        }
        let held = (0..<3).map { rig.state.checkpoints[$0]?.map(\.checkpoint.step) ?? [] }
        #expect(held == [[1, 2], [2], [1, 2]] && rig.state.checkpointBytes == 50)
    }

    @Test func aSweepWithoutImprovementEnds() throws {
        var rig = try rig(.threshold, trials: 9) { $0.limits.noImprovement = 3 }
        for (fence, loss) in [(Int64(1), 0.5), (2, 0.4), (3, 0.6), (4, 0.7), (5, 0.8)] {
            try train(&rig, fence, [loss])
            try finish(&rig, fence, 3, .completed)
        }
        #expect(rig.state.phase == .finished(.noImprovement) && rig.state.counts[.completed] == 5)
    }
}
