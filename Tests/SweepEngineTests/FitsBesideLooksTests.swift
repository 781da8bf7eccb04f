// SPDX-License-Identifier: MIT

import SweepEngine
import SweepModel
import TestSupport
import Testing
import WorkerProtocol

/// An adaptive sampler's models are fitted beside its looks, so that no look lasts as long as a fit.
@Suite struct FitsBesideLooksTests {
    /// A sweep with so many results, where trials 1 and 2 are still running.
    private func rig(results count: Int, deterministic: Int? = nil) throws -> Rig {
        var definition = SweepDefinition.example(trials: 100)
        definition.method = .bayes
        definition.deterministicPending = deterministic
        var rig = Rig()
        rig.answersProposals = false
        try rig.launch(definition)
        let proposals = (0..<count + 2).map { index in
            ProposedConfiguration(
                index: index, configuration: .proposal(index * 37 % 1024),
                basis: ProposalBasis(origin: .design, position: rig.engine.eventCount, place: index, fits: []))
        }
        try rig.hello(slots: count + 2)
        // One by one, as a deterministic search makes them.
        for proposal in proposals { try rig.handle(.proposed(Rig.sweep, [proposal])) }
        for fence in 3..<Int64(count + 3) { try run(&rig, fence) }
        return rig
    }

    private func run(_ rig: inout Rig, _ fence: Int64) throws {
        let x = Double(fence) * 0.04
        try rig.run(fence, values: [(x - 0.3) * (x - 0.3)])
    }

    /// Whoever looks for the engine, as the coordinator does.
    private final class Looker {
        private var maker: ProposalMaker

        init(_ rig: Rig) throws { maker = try ProposalMaker(rig.state) }

        func look(_ rig: Rig, hasWorkers: Bool = true) throws -> MadeProposals {
            let order = maker.order(
                rig.state, sweep: Rig.sweep, stock: 3, kept: 0, position: rig.engine.eventCount,
                hasWorkers: hasWorkers)
            return try #require(order?.made { false })
        }

        func take(_ made: MadeProposals) -> Bool { maker.take(made) }
        func take(_ made: MadeFits) -> Bool { maker.take(made) }
        func fitOrder() -> FitOrder? { maker.fitOrder(Rig.sweep) }
    }

    /// A first fit of eight results, and the next, of nine, ordered.
    private func fitUnderWay() throws -> (rig: Rig, looker: Looker, order: FitOrder) {
        var rig = try rig(results: 8)
        let looker = try Looker(rig)
        #expect(looker.take(try looker.look(rig)))
        try run(&rig, 1)
        #expect(looker.take(try looker.look(rig)))
        return (rig, looker, try #require(looker.fitOrder()))
    }

    @Test func theFirstFitIsWaitedForAndNoOther() throws {
        var rig = try rig(results: 8)
        let looker = try Looker(rig)
        let first = try looker.look(rig)
        #expect(first.fits.map(\.results) == [8] && first.dueFit == nil && looker.take(first))
        #expect(first.proposals.count == 3 && first.proposals.allSatisfy { $0.basis?.fits == first.fits })
        try run(&rig, 1)
        let second = try looker.look(rig)
        #expect(second.fits == first.fits && looker.take(second))
        #expect(second.proposals.first?.basis?.position == rig.engine.eventCount)
        let order = try #require(looker.fitOrder())
        let made = order.made()
        #expect(made.fits.map(\.results) == [9] && looker.take(made))
        // A look from before the fit does not bring back the old one, nor has it made again.
        #expect(looker.take(second) && looker.fitOrder() == nil)
        let third = try looker.look(rig)
        #expect(third.fits == made.fits && third.dueFit == nil)
    }

    /// One is made at a time, and what was found due meanwhile comes next, also when no look finds it due any more.
    @Test func whatIsDueDuringAFitComesAfterIt() throws {
        let (start, looker, order) = try fitUnderWay()
        var rig = start
        try run(&rig, 2)
        #expect(looker.take(try looker.look(rig)))
        #expect(looker.fitOrder() == nil)
        #expect(looker.take(order.made()))
        let next = try #require(looker.fitOrder()).made()
        #expect(next.fits.map(\.results) == [10] && next.fits.map(\.ordinal) == [2] && looker.take(next))
        #expect(looker.fitOrder() == nil)
    }

    /// Workers may come and go while a fit is made.
    @Test func aFitThatALookOvertookIsVoid() throws {
        let (start, looker, order) = try fitUnderWay()
        var rig = start
        try run(&rig, 2)
        let asked = try looker.look(rig, hasWorkers: false)
        #expect(asked.fits.map(\.results) == [10] && looker.take(asked))
        #expect(!looker.take(order.made()) && looker.fitOrder() == nil)
        #expect(try looker.look(rig).fits == asked.fits)
    }

    /// Few in haste when a worker may be waiting, and the rest after them.
    @Test func nothingReadyMeansHasteOnce() throws {
        let rig = try rig(results: 8)
        let looker = try Looker(rig)
        #expect(looker.take(try looker.look(rig)))
        let hasty = try looker.look(rig)
        #expect(hasty.proposals.count == 2 && hasty.proposals.allSatisfy(\.isProvisional))
        let whole = try looker.look(rig)
        #expect(whole.proposals.count == 3 && !whole.proposals.contains(where: \.isProvisional))
    }

    @Test func whoAsksWithoutWorkersGetsTheBestThereIs() throws {
        var rig = try rig(results: 8)
        let looker = try Looker(rig)
        #expect(looker.take(try looker.look(rig)))
        try run(&rig, 1)
        let asked = try looker.look(rig, hasWorkers: false)
        #expect(asked.fits.map(\.results) == [9] && asked.dueFit == nil)
    }

    @Test func aDeterministicSearchWaitsForItsFits() throws {
        var rig = try rig(results: 8, deterministic: 1)
        let looker = try Looker(rig)
        #expect(looker.take(try looker.look(rig)))
        try run(&rig, 1)
        let second = try looker.look(rig)
        #expect(second.fits.map(\.results) == [9] && second.dueFit == nil)
    }

    /// Until it has its first fit, the model of success is done without.
    @Test func theFirstFailureIsLearnedFromWhenItsModelIsThere() throws {
        var rig = try rig(results: 8)
        let looker = try Looker(rig)
        #expect(looker.take(try looker.look(rig)))
        try rig.run(1, end: .failure(.diverged))
        let look = try looker.look(rig)
        #expect(look.fits.map(\.subject) == [.objective] && looker.take(look))
        let made = try #require(looker.fitOrder()).made()
        #expect(Set(made.fits.map(\.subject)) == [.objective, .success] && looker.take(made))
        #expect(try looker.look(rig).dueFit == nil)
    }

    @Test func whatAnotherDefinitionWasFittedForIsVoid() throws {
        let (start, _, order) = try fitUnderWay()
        var rig = start
        let made = order.made()
        var definition = rig.state.definition
        definition.trials = 50
        try rig.handle(.redefine(Rig.sweep, definition))
        let other = try Looker(rig)
        #expect(!other.take(made))
    }
}
