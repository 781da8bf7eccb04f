// SPDX-License-Identifier: MIT

import SweepEngine
import SweepModel
import TestSupport
import Testing
import WorkerProtocol

/// What a sweep's total counts, and when a sweep ends.
@Suite struct BudgetTests {
    /// How a trial's only attempt ends, and whether the trial uses up the total.
    @Test(arguments: [
        (AttemptEvent.finished(.completed, Resources()), Trial.State.completed),
        (.finished(.stopped, Resources()), .stopped),
        (.failure(.user), .failed),
        (.failure(.signal), .failed),
        (.failure(.memory), .failed),
        (.failure(.timeout), .failed),
        (.failure(.diverged), .failed),
    ])
    func everyEndCountsOnce(end: AttemptEvent, state: Trial.State) throws {
        var rig = Rig()
        try rig.launch(.example(trials: 1))
        try rig.hello()
        try rig.run(1, end: end)
        #expect(rig.trialState(0) == state)
        #expect(rig.state.counted == 1)
        #expect(rig.state.phase == .finished(.trials))
        #expect(rig.open.isEmpty)
    }

    @Test func aCancelledTrialIsReplaced() throws {
        var rig = Rig()
        try rig.launch(.example(trials: 2))
        try rig.hello()
        try rig.handle(.cancelTrial(Rig.trial(0)))
        #expect(rig.trialState(0) == .cancelled)
        try rig.handle(.cancelTrial(Rig.trial(1)))
        #expect(rig.state.counted == 2)
        #expect(rig.state.trials.count == 4)
        try rig.run(3)
        try rig.run(4)
        #expect(rig.state.phase == .finished(.trials))
        #expect(rig.state.counts[.completed] == 2)
    }

    @Test func baselinesRunFirstAndCount() throws {
        var rig = Rig()
        let baseline = Configuration([Configuration.Entry("x", .number(0.25))])
        try rig.launch(.example(trials: 3, baselines: [baseline]))
        #expect(rig.state.trials[0].configuration == baseline)
        try rig.hello()
        for fence: Int64 in 1...3 { try rig.run(fence) }
        #expect(rig.state.trials.map(\.source) == [.baseline(0), .sampler(index: 0), .sampler(index: 1)])
        #expect(rig.state.phase == .finished(.trials))
    }

    @Test func repeatsRunAConfigurationWithDifferentSeeds() throws {
        var rig = Rig()
        try rig.launch(.example(trials: 4, repeats: 2))
        try rig.hello(slots: 4)
        let leases = (1...4).compactMap { rig.engine.attempts[Fence($0)]?.trial.number }
        #expect(leases == [0, 1, 2, 3])
        #expect(rig.state.trials[0].configuration == rig.state.trials[1].configuration)
        #expect(rig.state.trials[1].source == .repetition(of: 0))
        #expect(rig.state.trials[2].source == .sampler(index: 1))
        let seeds = Set(rig.leases().map(\.seed))
        #expect(seeds.count == 4)
    }

    @Test func anExhaustedSpaceEndsTheSweep() throws {
        var rig = Rig()
        rig.spaceSize = 2
        try rig.launch(.example(trials: nil))
        try rig.hello()
        try rig.run(1)
        #expect(rig.state.phase == .running)
        try rig.run(2)
        #expect(rig.state.phase == .finished(.exhausted))
        #expect(rig.state.trials.count == 2)
    }

    @Test func aReachedTargetStartsNothingNewAndLetsTheOthersFinish() throws {
        var rig = Rig()
        try rig.launch(.example(trials: 10, target: 0.1))
        try rig.hello(slots: 2)
        try rig.run(1, values: [0.05])
        #expect(rig.leases().isEmpty)
        #expect(rig.open == [2])
        #expect(rig.state.phase == .running)
        try rig.run(2, values: [0.7])
        #expect(rig.state.phase == .finished(.target))
        // What was proposed ahead waits for a sweep that goes on.
        #expect(rig.state.trials.prefix(2).allSatisfy { $0.state == .completed })
        #expect(rig.state.trials.dropFirst(2).allSatisfy { $0.state == .queued })
        try rig.handle(.redefine(Rig.sweep, .example(trials: 10, target: 0.01)))
        try rig.handle(.activate(Rig.sweep))
        #expect(rig.state.phase == .running)
        #expect(rig.open == [3, 4])
    }

    @Test func theLimitOnStepsStopsWhatRuns() throws {
        var rig = Rig()
        try rig.launch(.example(trials: 10, limits: SweepDefinition.Limits(steps: 5)))
        try rig.hello(slots: 2)
        try rig.accept(1)
        try rig.events(1, from: 1, [.started(resumedFrom: nil), .loss(1, step: 4)])
        #expect(rig.desired().isEmpty)
        try rig.events(1, from: 3, [.loss(1, step: 5)])
        // The one that runs is asked to stop; the one that has not begun goes back and waits for a higher limit.
        #expect(rig.desired().map(\.state) == [.stop, .abandon])
        #expect(rig.trialState(1) == .queued)
        #expect(rig.state.phase == .running)
        try rig.events(1, from: 4, [.finished(.stopped, Resources())])
        #expect(rig.state.phase == .finished(.steps))
        #expect(rig.trialState(0) == .stopped)
        #expect(rig.state.counts[.stopped] == 1)
    }

    @Test func aRaisedTotalCompletesTheRepetitionsFirst() throws {
        var rig = Rig()
        try rig.launch(.example(trials: 4, repeats: 3))
        try rig.hello()
        for fence: Int64 in 1...4 { try rig.run(fence) }
        #expect(rig.state.phase == .finished(.trials))
        try rig.handle(.redefine(Rig.sweep, .example(trials: 6, repeats: 3)))
        try rig.handle(.activate(Rig.sweep))
        try rig.send(.beat(leases: []))
        for fence: Int64 in 5...6 { try rig.run(fence) }
        let sources = rig.state.trials.map(\.source)
        #expect(sources[4] == .repetition(of: 3) && sources[5] == .repetition(of: 3))
        #expect(rig.state.trials[5].configuration == rig.state.trials[3].configuration)
    }

    @Test func stepsAreCountedOnceOverAResume() throws {
        var rig = Rig()
        try rig.launch(.example(trials: 1, retries: 1))
        try rig.hello()
        try rig.run(1, values: [1, 2, 3, 4], end: .failure(.user))
        #expect(rig.state.steps == 4)
        try rig.events(2, from: 1, [.started(resumedFrom: 3), .loss(1, step: 4), .loss(1, step: 5)])
        #expect(rig.state.steps == 6)
    }

    @Test func theLimitOnTimeCountsOverRestartsWithoutTheDowntime() throws {
        var rig = Rig()
        try rig.launch(.example(trials: 10, limits: SweepDefinition.Limits(sweep: .seconds(100))))
        try rig.hello()
        try rig.advance(.seconds(40))
        try rig.run(1)
        rig.now += 1_000_000
        rig.restart()
        #expect(rig.state.elapsed(at: rig.moment) == .seconds(40))
        try rig.handle(.activate(Rig.sweep))
        try rig.hello()
        try rig.advance(.seconds(50))
        try rig.send(.beat(leases: rig.open.map { HeldLease(fence: Fence($0), lastSequence: 0, acknowledged: 0) }))
        #expect(rig.state.phase == .running)
        try rig.advance(.seconds(12))
        #expect(rig.state.phase == .finished(.time) || rig.engine.attempts.values.allSatisfy { $0.stopReason != nil })
    }

    @Test func pausedTimeDoesNotCount() throws {
        var rig = Rig()
        try rig.launch(.example(trials: 10, limits: SweepDefinition.Limits(sweep: .seconds(100))))
        rig.now += 10_000
        try rig.handle(.pause(Rig.sweep))
        rig.now += 500_000
        try rig.handle(.unpause(Rig.sweep))
        #expect(rig.state.elapsed(at: rig.moment) == .seconds(10))
        #expect(rig.state.phase == .running)
    }

    @Test func aFinishedSweepCanBeExtended() throws {
        var rig = Rig()
        try rig.launch(.example(trials: 1))
        try rig.hello()
        try rig.run(1)
        #expect(rig.state.phase == .finished(.trials))
        #expect(throws: EngineError.sweepIsFinished(Rig.sweep)) { try rig.handle(.activate(Rig.sweep)) }
        rig.now += 1_000_000
        try rig.handle(.redefine(Rig.sweep, .example(trials: 3)))
        try rig.handle(.activate(Rig.sweep))
        #expect(rig.state.phase == .running)
        #expect(rig.state.elapsed(at: rig.moment) < .seconds(1))
        try rig.send(.beat(leases: []))
        for fence: Int64 in 2...3 { try rig.run(fence) }
        #expect(rig.state.phase == .finished(.trials))
        #expect(rig.state.counts[.completed] == 3)
        #expect(throws: EngineError.totalTooSmall(Rig.sweep, total: 2, counted: 3)) {
            try rig.handle(.redefine(Rig.sweep, .example(trials: 2)))
        }
    }

    @Test func proposalsThatComeAfterTheEndAreDropped() throws {
        var rig = Rig()
        rig.answersProposals = false
        try rig.launch(.example(trials: 5))
        try rig.handle(.cancel(Rig.sweep))
        try rig.handle(.proposed(Rig.sweep, [ProposedConfiguration(index: 0, configuration: .proposal(0))]))
        #expect(rig.state.trials.isEmpty)
        #expect(rig.state.phase == .finished(.cancelled))
    }

    @Test func cancellingASweepCancelsEverythingThatIsNotOver() throws {
        var rig = Rig()
        try rig.launch(.example(trials: 5))
        try rig.hello(slots: 2)
        try rig.run(1)
        try rig.accept(2)
        try rig.handle(.cancel(Rig.sweep))
        #expect(Set(rig.desired().map(\.state)) == [.abandon])
        #expect(rig.trialState(0) == .completed)
        #expect(rig.state.trials.dropFirst().allSatisfy { $0.state == .cancelled })
        #expect(rig.open.isEmpty)
    }
}
