// SPDX-License-Identifier: MIT

import SweepModel
import Testing

@testable import GaussianProcess
@testable import SearchAlgorithms

struct RungAdjustmentTests {
    private static func configuration(_ number: Int) -> Configuration {
        Configuration([Configuration.Entry("x", .number(Double(number) / 20))])
    }

    /// Rungs 1, 3, 9 of 27 steps; six trials that went on gained 10 from the first rung to the next, 5 and 1 after.
    private let ladder = FidelityLadder(
        EarlyTermination(rule: .asha(.init(minimumStep: 1, maximumStep: 27), .stopping), maximumStep: 27))
    private let complete = (0..<6).map { number in
        let value = Double(number)
        return TrialEvidence(
            configuration(number), milestones: [value + 16, value + 6, value + 1], end: .completed(value))
    }

    @Test func valuesAreCarriedToTheEnd() throws {
        #expect(ladder?.steps == [1, 3, 9])
        let adjustment = RungAdjustment(ladder, complete)
        func result(_ milestones: [Double], _ end: TrialEvidence.End) -> SearchHistory.Result? {
            adjustment.result(of: TrialEvidence(Self.configuration(9), milestones: milestones, end: end))
        }
        let whole = try #require(result([20, 10, 5], .completed(4)))
        #expect(whole.value == 4 && whole.missingRungs == 0)
        let stopped = try #require(result([30], .stopped(29)))
        #expect(stopped.value == 14 && stopped.missingRungs == 3)
        let running = try #require(result([30, 20, 11], .underWay))
        #expect(running.value == 10 && running.missingRungs == 1)
        #expect(result([], .underWay) == nil)
        let young = try #require(result([], .stopped(7)))
        #expect(young.value == 7 && young.missingRungs == 4)
        let failed = try #require(result([30], .failed))
        #expect(failed.value == nil)
    }

    /// Without a last step there is a rung for every step to come; missing are those that some trial has come to.
    @Test func anEndlessLadderEndsWhereTheTrialsAre() throws {
        let endless = FidelityLadder(EarlyTermination(rule: .asha(.init(minimumStep: 1), .stopping)))
        let adjustment = RungAdjustment(endless, complete)
        let stopped = try #require(
            adjustment.result(of: TrialEvidence(Self.configuration(9), milestones: [30], end: .stopped(29))))
        #expect(stopped.value == 14 && stopped.missingRungs == 3)
    }

    /// What is missing of a training makes its value count for less, the more is missing.
    @Test func carriedValuesHaveMoreNoise() throws {
        let adjustment = RungAdjustment(ladder, complete)
        let trials = [
            complete[0], TrialEvidence(Self.configuration(7), milestones: [30, 20, 11], end: .underWay),
            TrialEvidence(Self.configuration(8), milestones: [30], end: .stopped(29)),
        ]
        let space = SearchSpace([Parameter("x", .real(law: .uniform(low: 0, high: 1), quantum: nil))])
        let evidence = Evidence(
            SearchHistory(results: trials.compactMap { adjustment.result(of: $0) }), encoding: SpaceEncoding(space),
            goal: .minimize)
        let weights = evidence.observations(.objective).weights
        #expect(weights[0] == 1 && weights[1] < weights[0] && weights[2] < weights[1] && weights[2] > 0)
        #expect(evidence.observations(.success).weights == [1, 1, 1])
    }
}
