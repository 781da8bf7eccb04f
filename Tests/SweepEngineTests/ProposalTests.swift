// SPDX-License-Identifier: MIT

import SweepEngine
import SweepModel
import TestSupport
import Testing

/// Proposals of samplers that do not learn: each is made once and becomes a trial once, whatever comes between.
@Suite struct ProposalTests {
    private let grid = {
        var definition = SweepDefinition.example(trials: nil)
        definition.method = .grid
        definition.space = SearchSpace([Parameter("x", .integer(low: 1, high: 12, step: 1, log: false))])
        return definition
    }()

    private func maker() throws -> ProposalMaker {
        var rig = Rig()
        rig.answersProposals = false
        try rig.launch(grid)
        return try ProposalMaker(rig.state)
    }

    @Test func whatWasNotTakenComesAgain() throws {
        var maker = try maker()
        let first = maker.propose(from: 0, count: 6)
        for proposal in first.prefix(2) { maker.remember(proposal.configuration) }
        let again = maker.propose(from: 2, count: 4)
        #expect(again == Array(first.dropFirst(2)))
        for proposal in again { maker.remember(proposal.configuration) }
        #expect(maker.propose(from: 6, count: 12).count == 6)
        #expect(maker.propose(from: 12, count: 1).isEmpty)
    }

    /// Two answers to be waited for would be two proposals of one place.
    @Test func aPauseDoesNotForgetWhatWasAskedFor() throws {
        var rig = Rig()
        rig.answersProposals = false
        try rig.launch(grid)
        try rig.handle(.pause(Rig.sweep))
        try rig.handle(.unpause(Rig.sweep))
        #expect(rig.proposeRequests.count == 1)
        // Where no sampler can be made, the answer is an empty one behind a pause.
        try rig.handle(.pause(Rig.sweep))
        try rig.handle(.proposed(Rig.sweep, []))
        #expect(rig.proposeRequests.count == 1)
        try rig.handle(.unpause(Rig.sweep))
        #expect(rig.proposeRequests.count == 2)
    }
}
