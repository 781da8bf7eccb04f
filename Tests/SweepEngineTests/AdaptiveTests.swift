// SPDX-License-Identifier: MIT

import DequeModule
import OrderedCollections
import SweepEngine
import SweepModel
import TestSupport
import Testing
import WorkerProtocol

/// Proposals of a sampler that learns: kept ready, made anew with each result, decided when a worker takes them.
@Suite struct AdaptiveTests {
    private func rig(_ definition: SweepDefinition = .example(trials: 10)) throws -> Rig {
        var rig = Rig()
        rig.answersProposals = false
        try rig.launch(definition)
        return rig
    }

    /// What a sampler would give that looks now; `offset` tells its configurations from those of another look.
    private func made(_ rig: Rig, count: Int, offset: Int = 0, isProvisional: Bool = false) -> [ProposedConfiguration] {
        let first = rig.state.nextProposal
        return (0..<count).map { place in
            ProposedConfiguration(
                index: first + place, configuration: .proposal(first + place + offset),
                basis: ProposalBasis(origin: .model, position: rig.engine.eventCount, place: place, fits: []),
                isProvisional: isProvisional)
        }
    }

    @Test func aReadyProposalIsDecidedWhenAWorkerTakesIt() throws {
        var rig = try rig()
        try rig.handle(.proposed(Rig.sweep, made(rig, count: 2)))
        #expect(rig.state.trials.isEmpty && rig.state.ready.count == 2)
        try rig.hello()
        #expect(rig.state.trials.count == 1 && rig.open == [1] && rig.leases().count == 1)
        let kinds = rig.journal.suffix(2).map(\.event)
        guard case .proposed(_, .sampler(0), _, let basis?) = kinds[0], case .leased = kinds[1] else {
            Issue.record("\(kinds)")
            return
        }
        #expect(basis.origin == .model && basis.place == 0)
    }

    @Test func theWorkerThatBecomesFreeGetsTheNextInTheSameTurn() throws {
        var rig = try rig()
        try rig.handle(.proposed(Rig.sweep, made(rig, count: 2)))
        try rig.hello()
        try rig.run(1)
        #expect(rig.open == [2] && rig.leases().map(\.configuration) == [.proposal(1)])
    }

    @Test func aResultHasWhatIsReadyMadeAnew() throws {
        var rig = try rig()
        try rig.handle(.proposed(Rig.sweep, made(rig, count: 2)))
        try rig.hello(slots: 2)
        try rig.handle(.proposed(Rig.sweep, made(rig, count: 3)))
        let requests = rig.proposeRequests.count
        try rig.run(1)
        // Trial 2 took one of the three; the result of trial 0 made the others stale.
        #expect(rig.proposeRequests.count == requests + 1)
        try rig.handle(.proposed(Rig.sweep, made(rig, count: 3, offset: 500)))
        try rig.run(2)
        #expect(rig.leases().map(\.configuration) == [.proposal(3 + 500)])
    }

    @Test func whatWasMadeBeforeATrialWasTakenIsMadeAgain() throws {
        var rig = try rig()
        try rig.handle(.proposed(Rig.sweep, made(rig, count: 1)))
        let old = made(rig, count: 2, offset: 500)
        try rig.hello()
        #expect(rig.state.trials.count == 1)
        let requests = rig.proposeRequests.count
        try rig.handle(.proposed(Rig.sweep, old))
        #expect(rig.state.ready.isEmpty && rig.proposeRequests.count == requests + 1)
    }

    /// With as much kept as was taken while the sampler looked, the next look is of use.
    @Test func asMuchIsKeptAsWasTakenDuringTheLook() throws {
        var rig = try rig()
        try rig.handle(.proposed(Rig.sweep, made(rig, count: 3)))
        try rig.hello()
        #expect(rig.state.ready.map(\.index) == [1, 2])
        // It was asked for before the first became a trial: void, and asked again with one kept.
        try rig.handle(
            .proposed(
                Rig.sweep,
                [
                    ProposedConfiguration(
                        index: 0, configuration: .proposal(900),
                        basis: ProposalBasis(origin: .model, position: 0, place: 0, fits: []))
                ]))
        #expect(rig.state.ready.map(\.index) == [1, 2])
        // The next look, asked for when a result has come, goes on behind as many as were taken during the last.
        try rig.run(1)
        let request = try #require(rig.proposeRequests.last)
        #expect(request.kept == 1 && rig.state.ready.map(\.index) == [2])
        // One for the slot and one for the next, behind the kept one: that may be gone when the look is over.
        #expect(request.stock == 2)
        let behind = made(rig, count: 3, offset: 500).dropFirst()
        // Meanwhile the kept one is taken; what comes behind it holds.
        try rig.run(2)
        try rig.handle(.proposed(Rig.sweep, Array(behind)))
        #expect(rig.state.ready.map(\.index) == [3, 4])
        #expect(rig.state.ready.first?.configuration == behind.first?.configuration)
    }

    /// The sampler looks after the turn that asks it: what a worker took in that turn was not taken during the look.
    @Test func whatIsTakenInTheTurnOfTheResultIsPendingForTheLook() throws {
        var rig = try rig()
        try rig.handle(.proposed(Rig.sweep, made(rig, count: 2)))
        try rig.hello()
        try rig.handle(.proposed(Rig.sweep, made(rig, count: 2)))
        for fence in 1..<4 as Range<Int64> {
            try rig.run(fence)
            let request = try #require(rig.proposeRequests.last)
            #expect(request.kept == 0 && request.stock == 2)
            let made = made(rig, count: 2, offset: 100 * Int(fence))
            try rig.handle(.proposed(Rig.sweep, made))
            #expect(rig.state.ready.map(\.configuration) == made.map(\.configuration))
        }
    }

    @Test func whatWasMadeInHasteIsImprovedOnce() throws {
        var rig = try rig()
        let before = rig.proposeRequests.count
        try rig.handle(.proposed(Rig.sweep, made(rig, count: 1, isProvisional: true)))
        #expect(rig.state.ready.count == 1 && rig.proposeRequests.count == before + 1)
        try rig.handle(.proposed(Rig.sweep, made(rig, count: 1)))
        try rig.advance(.seconds(2))
        #expect(rig.proposeRequests.count == before + 1)
    }

    @Test func aNewFitHasWhatIsReadyMadeAnewOnce() throws {
        var rig = try rig()
        try rig.handle(.proposed(Rig.sweep, made(rig, count: 2)))
        let before = rig.proposeRequests.count
        try rig.handle(.refitted(Rig.sweep))
        #expect(rig.proposeRequests.count == before + 1)
        // One that comes while the sampler looks is not in what it makes.
        try rig.handle(.refitted(Rig.sweep))
        #expect(rig.proposeRequests.count == before + 1)
        try rig.handle(.proposed(Rig.sweep, made(rig, count: 2)))
        #expect(rig.proposeRequests.count == before + 2)
        try rig.handle(.proposed(Rig.sweep, made(rig, count: 2)))
        try rig.advance(.seconds(2))
        #expect(rig.proposeRequests.count == before + 2)
    }

    @Test func aSpaceThatHasFewLeftIsNotAskedWithoutEnd() throws {
        var rig = try rig()
        try rig.hello(slots: 3)
        // One of the four that the stock could hold.
        try rig.handle(.proposed(Rig.sweep, made(rig, count: 1)))
        try rig.accept(1)
        let requests = rig.proposeRequests.count
        try rig.advance(.seconds(3))
        #expect(rig.proposeRequests.count <= requests + 1)
        try rig.handle(.exhausted(Rig.sweep))
        try rig.run(1)
        #expect(rig.state.phase == .finished(.exhausted))
    }

    @Test func noMoreThanTheTotalBecomeTrials() throws {
        var rig = try rig(.example(trials: 3, repeats: 2))
        try rig.handle(.proposed(Rig.sweep, made(rig, count: 5)))
        try rig.hello(slots: 8)
        #expect(rig.state.trials.map(\.source) == [.sampler(index: 0), .repetition(of: 0), .sampler(index: 1)])
    }

    @Test func resultsComeInTheOrderOfTheirEndsAndWithoutLosses() throws {
        var rig = try rig()
        try rig.handle(.proposed(Rig.sweep, made(rig, count: 4)))
        try rig.hello(slots: 4)
        try rig.run(3)
        try rig.run(1, end: .failure(.diverged))
        try rig.run(2, end: .failure(.user))
        try rig.send(.bye(reason: "done"))
        #expect(rig.state.results == [2, 0, 1])
        // A trial that is run again takes its result back.
        try rig.handle(.retry(Rig.trial(1)))
        #expect(rig.state.results == [2, 0])
        var again = Engine(database: "test")
        for entry in rig.journal { again.apply(entry) }
        #expect(again.sweeps[Rig.sweep]?.results == [2, 0])
        #expect(again.sweeps[Rig.sweep]?.resultsChanged == rig.state.resultsChanged)
    }

    // MARK: deterministic

    private func deterministic(_ pending: Int, trials: Int = 10) throws -> Rig {
        var definition = SweepDefinition.example(trials: trials)
        definition.deterministicPending = pending
        return try rig(definition)
    }

    @Test func aDeterministicProposalWaitsForAllButTheLatest() throws {
        var rig = try deterministic(2)
        try rig.hello(slots: 4)
        for _ in 0..<2 { try rig.handle(.proposed(Rig.sweep, made(rig, count: 1))) }
        #expect(rig.open == [1, 2])
        #expect(rig.state.deterministicCut == 1)
        let requests = rig.proposeRequests.count
        // The second trial ends first: the third proposal still waits for the first.
        try rig.run(2)
        #expect(rig.proposeRequests.count == requests)
        try rig.run(1)
        #expect(rig.proposeRequests.count == requests + 1)
    }

    @Test func withOnePendingADeterministicSearchIsSequential() throws {
        var rig = try deterministic(1)
        try rig.hello(slots: 4)
        try rig.handle(.proposed(Rig.sweep, made(rig, count: 1)))
        #expect(rig.state.deterministicCut == 1)
        let requests = rig.proposeRequests.count
        try rig.advance(.seconds(2))
        #expect(rig.proposeRequests.count == requests)
        try rig.run(1)
        #expect(rig.proposeRequests.count == requests + 1)
    }

    // MARK: ask and tell

    @Test func askHandsOutATrialThatNoWorkerGets() throws {
        var rig = try rig(.example(trials: 2))
        #expect(throws: EngineError.nothingReady(Rig.sweep)) { try rig.handle(.ask(Rig.sweep)) }
        try rig.handle(.proposed(Rig.sweep, made(rig, count: 2)))
        try rig.handle(.ask(Rig.sweep))
        #expect(rig.trialState(0) == .running && rig.state.asked == [0])
        try rig.hello(slots: 2)
        #expect(rig.open == [1] && rig.leases().map(\.trial) == [1])
        #expect(throws: EngineError.nothingLeft(Rig.sweep)) { try rig.handle(.ask(Rig.sweep)) }
        try rig.run(1)
        #expect(rig.state.phase == .running)
        rig.restart()
        #expect(rig.state.asked == [0])
        try rig.handle(.activate(Rig.sweep))
        try rig.handle(.tell(Rig.trial(0), value: 0.25))
        #expect(rig.state.phase == .finished(.trials) && rig.state.best?.value == 0.25)
        #expect(throws: EngineError.trialIsOver(Rig.trial(0), "completed")) {
            try rig.handle(.tell(Rig.trial(0), value: 0.5))
        }
    }

    @Test func failedAndNotFiniteTellsAreEvidence() throws {
        var rig = try rig()
        try rig.handle(.proposed(Rig.sweep, made(rig, count: 3)))
        for _ in 0..<3 { try rig.handle(.ask(Rig.sweep)) }
        try rig.handle(.tell(Rig.trial(2), value: nil))
        try rig.handle(.tell(Rig.trial(0), value: .nan))
        #expect(rig.trialState(2) == .failed && rig.trialState(0) == .failed)
        #expect(rig.state.trials[0].isInfeasible && !rig.state.trials[2].isInfeasible)
        #expect(rig.state.results == [2, 0])
        try rig.handle(.cancelTrial(Rig.trial(1)))
        #expect(rig.trialState(1) == .cancelled && rig.state.asked.isEmpty && rig.state.results == [2, 0])
    }

    @Test func onlyWhatWasAskedCanBeTold() throws {
        var rig = try rig()
        try rig.handle(.proposed(Rig.sweep, made(rig, count: 1)))
        try rig.hello()
        #expect(throws: EngineError.trialWasNotAsked(Rig.trial(0))) { try rig.handle(.tell(Rig.trial(0), value: 1)) }
        #expect(throws: EngineError.unknownTrial(Rig.trial(9))) { try rig.handle(.tell(Rig.trial(9), value: 1)) }
    }
}
