// SPDX-License-Identifier: MIT

import SweepEngine
import SweepModel
import TestSupport
import Testing
import WorkerProtocol

/// Who pays for what: the user's failures, losses, and results that look like failures.
@Suite struct FailureTests {
    /// Retries allowed, how attempts end, and what the trial's account then says.
    struct Case: Sendable {
        let cause: AttemptFailure.Cause
        let retries: Int
        let attempts: Int
        let failures: Int
        let losses: Int
        let isInfeasible: Bool
    }

    @Test(arguments: [
        Case(cause: .user, retries: 0, attempts: 1, failures: 1, losses: 0, isInfeasible: false),
        Case(cause: .user, retries: 2, attempts: 3, failures: 3, losses: 0, isInfeasible: false),
        Case(cause: .signal, retries: 1, attempts: 2, failures: 2, losses: 0, isInfeasible: false),
        Case(cause: .memory, retries: 2, attempts: 1, failures: 0, losses: 0, isInfeasible: true),
        Case(cause: .timeout, retries: 2, attempts: 1, failures: 0, losses: 0, isInfeasible: true),
        Case(cause: .diverged, retries: 2, attempts: 1, failures: 0, losses: 0, isInfeasible: true),
        Case(cause: .infrastructure, retries: 2, attempts: 4, failures: 0, losses: 4, isInfeasible: false),
    ])
    func aTrialThatAlwaysFails(expected: Case) throws {
        var timers = EngineTimers()
        timers.quickFailureLimit = .max
        var rig = Rig(timers: timers)
        try rig.launch(.example(trials: 1, retries: expected.retries))
        try rig.hello()
        for _ in 0..<10 {
            guard let fence = rig.open.first else { break }
            try rig.run(fence, values: [], end: .failure(expected.cause))
            try rig.advance(.seconds(9))
        }
        let trial = rig.state.trials[0]
        #expect(trial.state == .failed)
        #expect(trial.attempts == expected.attempts)
        #expect(trial.failures == expected.failures)
        #expect(trial.losses == expected.losses)
        #expect(trial.isInfeasible == expected.isInfeasible)
        #expect(rig.state.phase == .finished(.trials))
    }

    @Test func aLostWorkerCostsNothingThreeTimes() throws {
        var rig = Rig()
        try rig.launch(.example(trials: 1))
        for round in 1...4 {
            try rig.hello("w\(round)")
            try rig.accept(Int64(round), by: "w\(round)")
            #expect(rig.trialState(0) == .leased)
            try rig.advance(.seconds(61))
            #expect(rig.state.trials[0].losses == round)
            #expect(rig.trialState(0) == (round < 4 ? .queued : .failed))
        }
        #expect(rig.state.trials[0].failures == 0)
    }

    @Test func leavingIsNoLoss() throws {
        var rig = Rig()
        try rig.launch(.example(trials: 1))
        for round in 1...10 {
            try rig.hello("w\(round)")
            try rig.accept(Int64(round), by: "w\(round)")
            try rig.send(.bye(reason: "the machine is wanted back"), from: "w\(round)")
        }
        #expect(rig.trialState(0) == .queued)
        #expect(rig.state.trials[0].losses == 0)
    }

    @Test func shuttingDownAfterADrainIsNoLoss() throws {
        var rig = Rig()
        try rig.launch(.example(trials: 3))
        try rig.hello()
        try rig.handle(.drain)
        try rig.run(1, end: .failure(.infrastructure))
        #expect(rig.trialState(0) == .queued)
        #expect(rig.state.trials[0].losses == 0)
        #expect(rig.acks() == [FenceSequence(Fence(1), 3)])
        #expect(rig.open.isEmpty)
    }

    @Test func threeQuickFailuresPauseTheSweep() throws {
        var rig = Rig()
        try rig.launch(.example(trials: 10))
        try rig.hello()
        for fence: Int64 in 1...3 { try rig.run(fence, values: [], end: .failure(.user, "exit code \(fence)")) }
        #expect(rig.state.phase == .paused(.failures(message: "exit code 3", tail: "Traceback")))
        #expect(rig.open.isEmpty)
        try rig.handle(.unpause(Rig.sweep))
        #expect(rig.open == [4])
        for fence: Int64 in 4...5 { try rig.run(fence, values: [], end: .failure(.user)) }
        #expect(rig.state.phase == .running)
    }

    @Test func oneSuccessProvesTheCommand() throws {
        var rig = Rig()
        try rig.launch(.example(trials: 10))
        try rig.hello()
        try rig.run(1)
        for fence: Int64 in 2...6 { try rig.run(fence, values: [], end: .failure(.user)) }
        #expect(rig.state.phase == .running)
    }

    @Test func slowFailuresDoNotPause() throws {
        var rig = Rig()
        try rig.launch(.example(trials: 4))
        try rig.hello()
        for fence: Int64 in 1...3 {
            try rig.accept(fence)
            try rig.events(fence, from: 1, [.started(resumedFrom: nil)])
            for sequence: Int64 in 2...8 {
                try rig.advance(.seconds(10))
                try rig.events(fence, from: sequence, [.loss(1, step: sequence)])
            }
            try rig.events(fence, from: 9, [.failure(.user)])
        }
        #expect(rig.state.phase == .running)
    }

    @Test func noMetricIsTheUsersFailure() throws {
        var rig = Rig()
        try rig.launch(.example(trials: 1, retries: 1))
        try rig.hello()
        try rig.run(1, values: [])
        #expect(rig.state.trials[0].failures == 1)
        try rig.run(2, values: [])
        #expect(rig.trialState(0) == .failed)
        #expect(!rig.state.trials[0].isInfeasible)
    }

    @Test(arguments: [[Double.nan], [.infinity, .nan], [-.infinity]])
    func onlyNonFiniteValuesAreInfeasible(values: [Double]) throws {
        var rig = Rig()
        try rig.launch(.example(trials: 1, retries: 3))
        try rig.hello()
        try rig.run(1, values: values)
        #expect(rig.trialState(0) == .failed)
        #expect(rig.state.trials[0].isInfeasible)
        #expect(rig.state.trials[0].value == nil)
        #expect(rig.state.best == nil)
    }

    /// What a worker that keeps refusing costs: little, and no trial.
    @Test func aWorkerThatDeclinesRestsLongerEachTime() throws {
        var rig = Rig()
        try rig.launch(.example(trials: 1))
        try rig.hello()
        let start = rig.now
        while rig.now < start + 600_000 {
            for fence in rig.open { try rig.send(.decline(fence: Fence(fence), reason: "no")) }
            try rig.advance(.seconds(1))
            try rig.send(.beat(leases: []))
        }
        #expect(rig.engine.fences.next.number < 20)
        #expect(rig.state.trials[0].losses == 0)
        // Others do not wait for it.
        try rig.send(.decline(fence: Fence(rig.open.first ?? 0), reason: "no"))
        try rig.hello("other")
        #expect(rig.open.count == 1)
    }

    @Test func retryStartsAFailedTrialAnew() throws {
        var rig = Rig()
        try rig.launch(.example(trials: 1))
        try rig.hello()
        try rig.run(1, end: .failure(.user))
        #expect(rig.state.phase == .finished(.trials))
        try rig.handle(.retry(Rig.trial(0)))
        #expect(rig.state.phase == .running)
        try rig.run(2, values: [0.25])
        #expect(rig.trialState(0) == .completed)
        #expect(rig.state.best?.value == 0.25)
        #expect(rig.state.phase == .finished(.trials))
    }

    /// A retry goes on with it only from a checkpoint; a daemon that runs for months keeps no other.
    @Test func theCurveOfAFailedTrialIsKeptWhereItMayGoOn() throws {
        var rig = Rig()
        try rig.launch(.example(trials: 2))
        try rig.hello(slots: 2)
        let checkpoint = AttemptEvent.checkpoint(Checkpoint(step: 1, location: "/c/1", digest: "", bytes: 10))
        for (fence, saved) in [(1, [checkpoint]), (2, [])] as [(Int64, [AttemptEvent])] {
            try rig.accept(fence)
            let story = [.started(resumedFrom: nil), .loss(0.5, step: 1)] + saved + [.failure(.user)]
            try rig.events(fence, from: 1, story)
            #expect(rig.trialState(Int(fence) - 1) == .failed)
        }
        #expect(rig.state.progress.keys.sorted() == [0])
        #expect(rig.replayed.sweeps[Rig.sweep]?.progress.keys.sorted() == [0])
    }

    @Test func theEngineNamesWhatDoesNotExist() {
        var rig = Rig()
        let sweep = SweepID(9)
        for stimulus in [Stimulus.activate(sweep), .pause(sweep), .unpause(sweep), .cancel(sweep)] {
            #expect(throws: EngineError.unknownSweep(sweep)) { try rig.handle(stimulus) }
        }
        #expect(throws: EngineError.unknownSweep(sweep)) { try rig.handle(.redefine(sweep, .example())) }
        let trial = TrialID(sweep: sweep, number: 4)
        for stimulus in [Stimulus.cancelTrial(trial), .stopTrial(trial, reason: ""), .retry(trial)] {
            #expect(throws: EngineError.unknownSweep(sweep)) { try rig.handle(stimulus) }
        }
    }
}
