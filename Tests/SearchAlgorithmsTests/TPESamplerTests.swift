// SPDX-License-Identifier: MIT

import Randomness
import SweepModel
import TestSupport
import Testing

@testable import SearchAlgorithms

struct TPESamplerTests {
    static func sampler(_ space: SearchSpace, seed: UInt64 = 7, goal: Objective.Goal = .minimize, trials: Int? = nil)
        throws -> TPESampler
    {
        try TPESampler(
            SweepDefinition(
                name: "t", method: .tpe, objective: Objective(metric: "loss", goal: goal), space: space, trials: trials,
                seed: seed))
    }

    /// Trials one after the other, each `width` at once; all of them, and the history they leave.
    static func search(
        _ sampler: TPESampler, trials: Int, width: Int = 1, objective: (Configuration) -> Double?
    ) -> (proposals: [AdaptiveProposal], history: SearchHistory) {
        var history = SearchHistory()
        var proposals: [AdaptiveProposal] = []
        while proposals.count < trials {
            let learned = sampler.learn(history, fits: [], mayFit: true)
            let next = learned.proposals(from: proposals.count, count: min(width, trials - proposals.count))
            if next.isEmpty { break }
            proposals += next
            for proposal in next {
                history.seen.insert(proposal.configuration)
                history.results.append(.init(proposal.configuration, value: objective(proposal.configuration)))
            }
        }
        return (proposals, history)
    }

    static func branin(_ configuration: Configuration) -> Double {
        TestFunction.branin(configuration["x"]?.doubleValue ?? .nan, configuration["y"]?.doubleValue ?? .nan)
    }

    /// Some number that depends on the configuration alone; nil for one in eight.
    private func hash(_ configuration: Configuration) -> Double? {
        let hash = fnv1a32("\(configuration.json.canonical)")
        return hash % 8 == 0 ? nil : Double(hash % 1000)
    }

    @Test(arguments: SampleSpaces.finite + SampleSpaces.endless, [1, 3])
    func deterministicLegalAndFreeOfDuplicates(_ sample: SampleSpaces.Sample, width: Int) throws {
        let trials = sample.cardinality.map { $0 + 10 } ?? 40
        let first = Self.search(try Self.sampler(sample.space), trials: trials, width: width, objective: hash)
        let second = Self.search(try Self.sampler(sample.space), trials: trials, width: width, objective: hash)
        #expect(first.proposals == second.proposals)
        for proposal in first.proposals {
            #expect(isLegal(proposal.configuration, in: sample.space), "\(proposal)")
            #expect(proposal.basis.fits.isEmpty)
        }
        #expect(Set(first.proposals.map { $0.configuration.json.canonical }).count == first.proposals.count)
        // All of a finite space, and then nothing.
        #expect(first.proposals.count == sample.cardinality ?? trials)
    }

    @Test func originsByPhase() throws {
        let sampler = try Self.sampler(TestFunction.braninSpace)
        #expect(sampler.start == 8)
        let origins = Self.search(sampler, trials: 12, objective: hash).proposals.map(\.basis.origin)
        #expect(origins == Array(repeating: .design, count: 8) + Array(repeating: .density, count: 4))
        // Two results are needed, however late it is.
        let failing = Self.search(sampler, trials: 20) { _ in nil }.proposals
        #expect(failing.allSatisfy { $0.basis.origin == .design })
        let short = try Self.sampler(TestFunction.braninSpace, trials: 12)
        #expect(short.start == 3)
    }

    /// What is proposed depends on the seed, the index and the history, and on nothing that was proposed before.
    @Test func proposalsAreFunctions() throws {
        let sampler = try Self.sampler(SampleSpaces.endless[0].space)
        let history = Self.search(sampler, trials: 30, objective: hash).history
        func proposal(_ index: Int, _ history: SearchHistory, seed: UInt64 = 7) throws -> Configuration? {
            try Self.sampler(SampleSpaces.endless[0].space, seed: seed).learn(history, fits: [], mayFit: false)
                .proposals(from: index, count: 1).first?.configuration
        }
        let base = try proposal(30, history)
        #expect(try proposal(30, history) == base)
        #expect(try proposal(31, history) != base)
        #expect(try proposal(30, history, seed: 8) != base)
        var pending = history
        pending.pending = [try #require(base)]
        #expect(try proposal(30, pending) != nil)
        let fit = ModelFit(subject: .objective, position: 1, ordinal: 0, results: 2, start: [], found: [1])
        #expect(sampler.repeated(fit, history) == fit)
        #expect(sampler.learn(history, fits: [fit], mayFit: true).fits == [fit])
    }

    /// Proposals made at once stay apart, because what is pending counts as no good.
    @Test func pendingProposalsSpreadOut() throws {
        let sampler = try Self.sampler(TestFunction.braninSpace)
        let history = Self.search(sampler, trials: 40, objective: Self.branin).history
        let together = sampler.learn(history, fits: [], mayFit: true).proposals(from: 40, count: 10)
        let alone = (40..<50).map {
            sampler.learn(history, fits: [], mayFit: true).proposals(from: $0, count: 1)[0]
        }
        #expect(spread(together) > spread(alone))
    }

    /// The sum of all distances.
    private func spread(_ proposals: [AdaptiveProposal]) -> Double {
        let points = proposals.map { proposal in
            ["x", "y"].map { proposal.configuration[$0]?.doubleValue ?? 0 }
        }
        var sum = 0.0
        for first in points {
            for second in points {
                let squares = zip(first, second).map { pair in (pair.0 - pair.1) * (pair.0 - pair.1) }
                sum += squares.reduce(0, +).squareRoot()
            }
        }
        return sum
    }

    /// The objective's scale and direction do not matter, only the order.
    @Test func onlyRanksCount() throws {
        let space = SampleSpaces.endless[0].space
        let base = Self.search(try Self.sampler(space), trials: 40) { self.hash($0) }
        let huge = Self.search(try Self.sampler(space, goal: .maximize), trials: 40) {
            self.hash($0).map { 1e308 - $0 * 1e304 }
        }
        #expect(base.proposals == huge.proposals)
    }

    @Test(arguments: [2, 25, 26, 300])
    func degenerateHistories(count: Int) throws {
        let space = SampleSpaces.endless[0].space
        let random = RandomSampler(space: space, seed: 3)
        let points = (0..<count).compactMap { random.proposal(at: $0, excluding: SeenConfigurations())?.configuration }
        let histories: [[SearchHistory.Result]] = [
            points.map { .init($0, value: 1) },
            points.map { .init($0, value: nil) },
            points.enumerated().map {
                .init($1, value: $0 % 2 == 0 ? .greatestFiniteMagnitude : -.greatestFiniteMagnitude)
            },
            points.map { _ in .init(points[0], value: 0) },
            points.enumerated().map { .init($1, value: $0 < 2 ? 1 : .nan) },
        ]
        let sampler = try Self.sampler(space)
        for results in histories {
            let history = SearchHistory(results: results, pending: points)
            let proposals = sampler.learn(history, fits: [], mayFit: true).proposals(from: count + 8, count: 3)
            #expect(proposals.count == 3)
            #expect(proposals.allSatisfy { isLegal($0.configuration, in: space) })
        }
    }
}
