// SPDX-License-Identifier: MIT

import OrderedCollections
import SweepEngine
import SweepModel
import TestSupport
import Testing
import WorkerProtocol

/// Who gets which trial and when; silence, restarts, drains.
@Suite struct LeaseTests {
    @Test func aLeaseSaysAllAWorkerNeeds() throws {
        var rig = Rig()
        var definition = SweepDefinition.example(trials: 1, limits: SweepDefinition.Limits(trial: .seconds(9)))
        definition.earlyTermination = EarlyTermination(rule: .threshold, maximumStep: 27)
        try rig.launch(definition)
        try rig.hello()
        let lease = try #require(rig.leases().first)
        #expect(lease.fence == Fence(1) && lease.trial == 0 && lease.attempt == 1 && lease.sweep == Rig.sweep)
        #expect(lease.configuration == .proposal(0))
        #expect(lease.parametersDigest == ParametersDigest.hex(of: .proposal(0)))
        #expect(lease.command == ["train"] && lease.workingDirectory == "/sweeps")
        #expect(lease.maximumStep == 27 && lease.timeLimit == .seconds(9) && lease.resume == nil)
    }

    @Test func theSeedIsTheSameInEveryAttempt() throws {
        var rig = Rig()
        try rig.launch(.example(trials: 1))
        try rig.hello("a")
        let first = try #require(rig.leases(to: "a").first)
        try rig.send(.bye(reason: ""), from: "a")
        try rig.hello("b")
        let second = try #require(rig.leases(to: "b").first)
        #expect(first.seed == second.seed)
        #expect(second.attempt == 2 && second.fence > first.fence)
    }

    @Test func idleSlotsFillEvenly() throws {
        var rig = Rig()
        try rig.hello("a", slots: 2)
        try rig.hello("b", slots: 2)
        try rig.launch(.example(trials: 4))
        #expect(rig.engine.workers.values.map(\.leases.count) == [2, 2])
    }

    @Test(arguments: [(seconds: 0.1, ahead: 2), (0.49, 2), (0.5, 0), (60, 0), (Double.nan, 0), (-1, 0)])
    func leasesAheadAreForShortTrials(seconds: Double, ahead: Int) throws {
        var rig = Rig()
        try rig.launch(.example(trials: 100))
        try rig.hello(prefetch: 2)
        #expect(rig.open.count == 1)
        try rig.run(1, seconds: seconds)
        #expect(rig.open.count == 1 + ahead)
    }

    @Test func theLastTrialsAreNotHoarded() throws {
        var rig = Rig()
        try rig.launch(.example(trials: 30))
        try rig.hello("a", prefetch: 64)
        try rig.hello("b", prefetch: 64)
        for _ in 0..<200 {
            guard let fence = rig.open.first, let attempt = rig.engine.attempts[Fence(fence)] else { break }
            try rig.run(fence, by: String(attempt.worker.name.prefix(1)), seconds: 0.01)
            let loads = rig.engine.workers.values.map(\.leases.count)
            let isIdle = loads.contains(0) && rig.state.counts[.queued] == 0
            // A worker is idle only when the other holds no more than what it is running.
            #expect(!isIdle || loads.max() ?? 0 <= 1, "\(loads)")
        }
        #expect(rig.state.phase == .finished(.trials))
    }

    @Test func proposalsAreMadeAheadOfDemand() throws {
        var rig = Rig()
        try rig.launch(.example(trials: 100))
        #expect(rig.state.counts[.queued] >= 1)
        try rig.hello(slots: 4)
        #expect(rig.open.count == 4)
        #expect(rig.state.counts[.queued] >= 4)
    }

    @Test func thereIsOneRequestForProposalsAtATimeAndNoneBeyondTheTotal() throws {
        var rig = Rig()
        rig.answersProposals = false
        try rig.launch(.example(trials: 3))
        try rig.hello(slots: 8)
        try rig.advance(.seconds(3))
        #expect(rig.proposeRequests.count == 1)
        rig.answersProposals = true
        let made = (0..<9).map { ProposedConfiguration(index: $0, configuration: .proposal($0)) }
        try rig.handle(.proposed(Rig.sweep, made))
        #expect(rig.state.trials.count == 3)
        // A second answer to the same request adds nothing.
        try rig.handle(.proposed(Rig.sweep, made))
        #expect(rig.state.trials.count == 3)
    }

    @Test func anAnswerThatComesTwiceAddsNothing() throws {
        var rig = Rig()
        rig.answersProposals = false
        try rig.launch(.example(trials: 20))
        let made = (0..<3).map { ProposedConfiguration(index: $0, configuration: .proposal($0)) }
        for _ in 0..<2 { try rig.handle(.proposed(Rig.sweep, made)) }
        #expect(rig.state.trials.map(\.source) == (0..<3).map { .sampler(index: $0) })
    }

    @Test func anUnansweredOfferIsRepeatedAndThenTakenBack() throws {
        var rig = Rig()
        try rig.launch(.example(trials: 1))
        try rig.hello()
        var repeats = 0
        for _ in 0..<56 {
            try rig.advance(.milliseconds(250))
            repeats += rig.leases().count
        }
        #expect((12...14).contains(repeats))
        #expect(rig.open == [1])
        try rig.send(.beat(leases: []))
        try rig.advance(.seconds(1))
        #expect(rig.open.isEmpty)
        #expect(rig.trialState(0) == .queued)
        #expect(rig.state.trials[0].losses == 0)
    }

    @Test func whatIsOfferedToAWorkerThatIsGoneSoonGoesToAnother() throws {
        var rig = Rig()
        try rig.launch(.example(trials: 3))
        try rig.hello("gone", boot: "1", slots: 2)
        try rig.accept(1, by: "gone")
        try rig.handle(.unreachable(Rig.connection("gone")))
        try rig.hello("there", boot: "2", slots: 3)
        #expect(rig.leases(to: "there").map(\.trial) == [2])
        try rig.advance(.seconds(1))
        // The answer may have been lost with the connection: a moment is given to come back.
        #expect(rig.engine.attempts[Fence(2)]?.worker.name == "gone-1")
        try rig.advance(.milliseconds(1250))
        #expect(rig.engine.attempts[Fence(2)] == nil && rig.state.trials[1].losses == 0)
        #expect(rig.engine.attempts.values.contains { $0.trial == Rig.trial(1) && $0.worker.name == "there-2" })
        // What it had accepted may be running: its worker has its time.
        #expect(rig.engine.attempts[Fence(1)]?.state == .accepted)
        let held = HeldLease(fence: Fence(1), lastSequence: 0, acknowledged: 0)
        try rig.hello("gone", boot: "1", slots: 2, running: [held])
        #expect(rig.welcome("gone")?.desired.map(\.state) == [.run])
    }

    @Test func whoComesBackTooLateGoesOnIfNobodyElseWasGivenTheTrial() throws {
        var rig = Rig()
        try rig.launch(.example(trials: 1))
        try rig.hello(isLocal: false)
        try rig.accept(1)
        try rig.events(1, from: 1, [.started(resumedFrom: nil), .loss(0.5, step: 1)])
        try rig.advance(.seconds(61))
        #expect(rig.trialState(0) == .queued && rig.state.trials[0].losses == 1 && rig.engine.workers.isEmpty)
        rig.restart()
        try rig.handle(.activate(Rig.sweep))
        let held = HeldLease(fence: Fence(1), lastSequence: 4, acknowledged: 2)
        try rig.hello(isLocal: false, running: [held])
        #expect(rig.welcome("w")?.desired == [DesiredLease(fence: Fence(1), state: .run, acknowledged: 2)])
        #expect(rig.trialState(0) == .running && rig.state.trials[0].losses == 0 && rig.open == [1])
        try rig.events(1, from: 3, [.loss(0.25, step: 2), .finished(.completed, Resources())])
        #expect(rig.trialState(0) == .completed && rig.state.trials[0].value == 0.25)
        #expect(rig.state.phase == .finished(.trials))
        #expect(replayDifference(rig.engine, rig.replayed) == nil)
    }

    @Test func whoComesBackAfterAnotherWasGivenTheTrialLetsItGo() throws {
        var rig = Rig()
        try rig.launch(.example(trials: 1))
        try rig.hello("late", boot: "1", isLocal: false)
        try rig.accept(1, by: "late")
        try rig.events(1, from: 1, [.started(resumedFrom: nil)], by: "late")
        try rig.advance(.seconds(61))
        try rig.hello("other", boot: "2")
        #expect(rig.open == [2])
        let held = HeldLease(fence: Fence(1), lastSequence: 1, acknowledged: 1)
        try rig.hello("late", boot: "1", isLocal: false, running: [held])
        #expect(rig.welcome("late")?.desired.map(\.state) == [.abandon])
        #expect(rig.open == [2] && rig.state.trials[0].losses == 1)
    }

    @Test func whatWasCancelledMeanwhileIsNotTakenUpAgain() throws {
        var rig = Rig()
        try rig.launch(.example(trials: 2))
        try rig.hello(isLocal: false)
        try rig.accept(1)
        try rig.advance(.seconds(61))
        try rig.handle(.cancelTrial(Rig.trial(0)))
        try rig.hello(isLocal: false, running: [HeldLease(fence: Fence(1), lastSequence: 0, acknowledged: 0)])
        #expect(rig.welcome("w")?.desired.map(\.state) == [.abandon])
        #expect(rig.trialState(0) == .cancelled)
    }

    @Test func whatDoesNotBeginInTimeGoesToAnother() throws {
        var rig = Rig()
        try rig.launch(.example(trials: 3))
        try rig.hello("stuck", boot: "1", slots: 2)
        try rig.accept(1, by: "stuck")
        try rig.accept(2, by: "stuck")
        try rig.events(2, from: 1, [.started(resumedFrom: nil)], by: "stuck")
        let held = [
            HeldLease(fence: Fence(1), lastSequence: 0, acknowledged: 0),
            HeldLease(fence: Fence(2), lastSequence: 1, acknowledged: 1),
        ]
        for _ in 0..<119 {
            try rig.advance(.seconds(5))
            try rig.send(.beat(leases: held), from: "stuck")
        }
        #expect(rig.engine.attempts[Fence(1)] != nil)
        try rig.advance(.seconds(6))
        #expect(rig.engine.attempts[Fence(1)] == nil && rig.engine.attempts[Fence(2)] != nil)
        #expect(rig.state.trials[0].losses == 1 && rig.trialState(0) == .queued)
    }

    /// A hello from before the database was restored may arrive after it: what it does not name is asked for.
    @Test func whoHoldsWhatWasNeverGrantedSaysHelloAgain() throws {
        var rig = Rig()
        try rig.launch(.example(trials: 1))
        try rig.hello()
        try rig.events(7, from: 1, [.started(resumedFrom: nil)])
        #expect(rig.sent(to: "w") == [.resync])
        try rig.send(.accept(fence: Fence(7), parametersDigest: ""))
        #expect(rig.sent(to: "w") == [.resync])
        try rig.hello(running: [HeldLease(fence: Fence(7), lastSequence: 1, acknowledged: 0)])
        #expect(rig.welcome("w")?.desired.map(\.state) == [.abandon] && rig.engine.fences.next > Fence(7))
    }

    /// Another worker's hello has raised the next fence above it: it is not taken for one that is over.
    @Test func whatWasNeverGrantedIsNotAcknowledgedWhoeverNamedIt() throws {
        var rig = Rig()
        try rig.launch(.example(trials: 1))
        try rig.hello("other", running: [HeldLease(fence: Fence(7), lastSequence: 1, acknowledged: 0)])
        try rig.hello()
        for fence in [7, 3] as [Int64] {
            try rig.events(fence, from: 1, [.started(resumedFrom: nil)])
            #expect(rig.sent(to: "w") == [.resync])
        }
    }

    @Test func fencesThatAreSkippedCountAsNeverGranted() {
        var fences = GrantedFences()
        fences.grant(Fence(1))
        for held in [4, 3, 6, .max] as [Int64] { fences.reserve(Fence(held)) }
        #expect(fences.next == Fence(7))
        fences.grant(Fence(7))
        fences.grant(Fence(10))
        #expect(fences.next == Fence(11))
        #expect((0...12).filter { fences.contains(Fence($0)) } == [1, 7, 10])
    }

    @Test func aRestoredCopyIsAnotherRun() throws {
        var rig = Rig()
        try rig.hello()
        let before = try #require(rig.welcome("w"))
        rig.journal = []
        rig.now += 60_000
        rig.restart()
        try rig.hello()
        let after = try #require(rig.welcome("w"))
        #expect(before.epoch == after.epoch && before.database != after.database)
    }

    @Test func aSilentWorkerGetsNothingNewAndThenLosesWhatItHas() throws {
        var rig = Rig()
        try rig.launch(.example(trials: 5))
        try rig.hello(slots: 2)
        try rig.accept(1)
        try rig.events(1, from: 1, [.started(resumedFrom: nil)])
        try rig.handle(.pause(Rig.sweep))
        try rig.send(.decline(fence: Fence(2), reason: "busy"))
        try rig.advance(.seconds(16))
        try rig.handle(.unpause(Rig.sweep))
        #expect(rig.open == [1])
        try rig.advance(.seconds(45))
        #expect(rig.open.isEmpty)
        #expect(rig.engine.workers.isEmpty)
    }

    /// A suspended machine, a stopped process, a slow disk: nobody was listening.
    @Test func theCoordinatorsOwnStallIsNotTheWorkersSilence() throws {
        var rig = Rig()
        try rig.launch(.example(trials: 1))
        try rig.hello()
        try rig.accept(1)
        try rig.advance(.seconds(1))
        rig.now += 7_200_000
        try rig.handle(.tick)
        #expect(rig.open == [1])
        try rig.advance(.seconds(61))
        #expect(rig.open.isEmpty)
    }

    @Test func aRestartPutsLocalTrialsBackAtOnce() throws {
        var rig = Rig()
        try rig.launch(.example(trials: 3))
        try rig.hello(slots: 2)
        try rig.accept(1)
        let checkpoint = Checkpoint(step: 3, location: "/c", digest: "", bytes: 1)
        try rig.events(1, from: 1, [.started(resumedFrom: nil), .loss(1, step: 3), .checkpoint(checkpoint)])
        rig.restart()
        #expect(rig.open.isEmpty)
        #expect(rig.engine.workers.isEmpty)
        #expect(rig.engine.epoch == 2)
        #expect(rig.state.trials.allSatisfy { $0.losses == 0 && $0.failures == 0 })
        try rig.handle(.activate(Rig.sweep))
        try rig.hello("fresh", slots: 2)
        let resumed = try #require(rig.leases(to: "fresh").first { $0.trial == 0 })
        #expect(resumed.resume == checkpoint && resumed.attempt == 2 && resumed.fence > Fence(2))
    }

    @Test func aRestartKeepsRemoteLeasesForTheGrace() throws {
        var rig = Rig()
        try rig.launch(.example(trials: 1))
        try rig.hello(isLocal: false)
        try rig.accept(1)
        try rig.events(1, from: 1, [.started(resumedFrom: nil)])
        rig.restart()
        try rig.handle(.activate(Rig.sweep))
        try rig.advance(.seconds(115))
        #expect(rig.open == [1])
        var returned = rig
        try returned.hello(isLocal: false, running: [HeldLease(fence: Fence(1), lastSequence: 5, acknowledged: 1)])
        #expect(returned.desired() == [DesiredLease(fence: Fence(1), state: .run, acknowledged: 1)])
        try returned.events(1, from: 2, [.loss(0.5, step: 1), .finished(.completed, Resources())])
        #expect(returned.trialState(0) == .completed)
        try rig.advance(.seconds(10))
        #expect(rig.open.isEmpty)
        #expect(rig.state.trials[0].losses == 1)
    }

    @Test func aDrainStartsNothingAndLetsWhatRunsFinish() throws {
        var rig = Rig()
        try rig.launch(.example(trials: 5))
        try rig.hello()
        try rig.handle(.drain)
        try rig.run(1)
        #expect(rig.trialState(0) == .completed)
        #expect(rig.open.isEmpty)
        try rig.send(.beat(leases: []))
        #expect(rig.sent(to: "w") == [.beat(desired: [], drain: true)])
        #expect(rig.state.phase == .running)
        rig.restart()
        try rig.handle(.activate(Rig.sweep))
        try rig.hello("next")
        #expect(rig.open.count == 1)
    }

    @Test func aPausedSweepLeasesNothing() throws {
        var rig = Rig()
        try rig.launch(.example(trials: 5))
        try rig.handle(.pause(Rig.sweep))
        try rig.hello()
        #expect(rig.open.isEmpty)
        try rig.handle(.unpause(Rig.sweep))
        #expect(rig.open.count == 1)
    }

    @Test func onlyActiveSweepsRun() throws {
        var rig = Rig()
        try rig.hello()
        try rig.handle(.launch(.example(), directory: "/sweeps"))
        #expect(rig.open.isEmpty && rig.state.trials.isEmpty)
        try rig.handle(.activate(Rig.sweep))
        #expect(rig.open.count == 1)
    }

    @Test func aStopIsRepeatedUntilItIsObeyedAndOutlivesItsWorker() throws {
        var rig = Rig()
        try rig.launch(.example(trials: 1))
        try rig.hello()
        try rig.accept(1)
        try rig.events(1, from: 1, [.started(resumedFrom: nil), .loss(0.5, step: 1)])
        try rig.handle(.stopTrial(Rig.trial(0), reason: "hopeless"))
        let held = HeldLease(fence: Fence(1), lastSequence: 2, acknowledged: 2)
        let wish = DesiredLease(fence: Fence(1), state: .stop, reason: "hopeless", acknowledged: 2)
        #expect(rig.desired() == [wish])
        try rig.send(.beat(leases: [held]))
        #expect(rig.desired() == [wish])
        rig.restart()
        #expect(rig.trialState(0) == .stopped)
        #expect(rig.state.trials[0].value == 0.5)
    }
}
