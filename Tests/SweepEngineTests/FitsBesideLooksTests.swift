// SPDX-License-Identifier: MIT

import SweepEngine
import SweepModel
import TestSupport
import Testing
import WorkerProtocol

/// An adaptive sampler's models are fitted beside its looks, so that no look lasts as long as a fit.
@Suite struct FitsBesideLooksTests {
    /// A sweep with so many results, where trial 1 is still running.
    private func rig(results count: Int, deterministic: Int? = nil) throws -> Rig {
        var definition = SweepDefinition.example(trials: 100)
        definition.method = .bayes
        definition.deterministicPending = deterministic
        var rig = Rig()
        rig.answersProposals = false
        try rig.launch(definition)
        let proposals = (0..<count + 1).map { index in
            ProposedConfiguration(
                index: index, configuration: .proposal(index * 37 % 1024),
                basis: ProposalBasis(origin: .design, position: rig.engine.eventCount, place: index, fits: []))
        }
        if deterministic == nil {
            try rig.handle(.proposed(Rig.sweep, proposals))
            try rig.hello(slots: count + 1)
        } else {
            try rig.hello(slots: count + 1)
            for proposal in proposals { try rig.handle(.proposed(Rig.sweep, [proposal])) }
        }
        for fence in 2..<Int64(count + 2) { try run(&rig, fence) }
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
        func fitOrder(after made: MadeProposals) -> FitOrder? { maker.fitOrder(after: made) }
    }

    @Test func theFirstFitIsWaitedForAndNoOther() throws {
        var rig = try rig(results: 8)
        let looker = try Looker(rig)
        let first = try looker.look(rig)
        #expect(first.fits.map(\.results) == [8] && first.dueFit == nil && looker.take(first))
        #expect(first.proposals.allSatisfy { $0.basis?.fits == first.fits })
        try run(&rig, 1)
        let second = try looker.look(rig)
        #expect(second.fits == first.fits && looker.take(second))
        #expect(second.proposals.allSatisfy { ($0.basis?.position ?? 0) == rig.engine.eventCount })
        let order = try #require(looker.fitOrder(after: second))
        // One at a time.
        #expect(looker.fitOrder(after: second) == nil)
        let made = order.made()
        #expect(made.fits.map(\.results) == [9] && looker.take(made))
        // A look from before the fit does not bring back the old one, and what it found due is made.
        #expect(looker.take(second))
        #expect(looker.fitOrder(after: second)?.made().fits == made.fits)
        let third = try looker.look(rig)
        #expect(third.fits == made.fits && third.dueFit == nil)
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
        let rig = try rig(results: 8, deterministic: 1)
        let looker = try Looker(rig)
        #expect(looker.take(try looker.look(rig)))
        var later = try self.rig(results: 9, deterministic: 1)
        try run(&later, 1)
        let second = try looker.look(later)
        #expect(second.fits.map(\.results) == [10] && second.dueFit == nil)
    }

    /// Until it has its first fit, the model of success is done without.
    @Test func theFirstFailureIsLearnedFromWhenItsModelIsThere() throws {
        var rig = try rig(results: 8)
        let looker = try Looker(rig)
        #expect(looker.take(try looker.look(rig)))
        try rig.run(1, end: .failure(.diverged))
        let look = try looker.look(rig)
        #expect(look.fits.map(\.subject) == [.objective] && looker.take(look))
        let made = try #require(looker.fitOrder(after: look)).made()
        #expect(Set(made.fits.map(\.subject)) == [.objective, .success] && looker.take(made))
        #expect(try looker.look(rig).dueFit == nil)
    }

    @Test func whatAnotherDefinitionWasFittedForIsVoid() throws {
        var rig = try rig(results: 8)
        let looker = try Looker(rig)
        #expect(looker.take(try looker.look(rig)))
        try run(&rig, 1)
        let made = try #require(looker.fitOrder(after: try looker.look(rig))).made()
        var definition = rig.state.definition
        definition.trials = 50
        try rig.handle(.redefine(Rig.sweep, definition))
        let other = try Looker(rig)
        #expect(!other.take(made))
    }
}
