// SPDX-License-Identifier: MIT

import SweepModel
import TestSupport
import Testing

@testable import SearchAlgorithms

/// That the search finds more than drawing at random does.
struct TPESearchTests {
    /// Three kinds of model, of which the best is good only where its own parameters, and those below these, are.
    static let nested = SearchSpace([
        Parameter("rate", .real(law: .logUniform(low: 1e-4, high: 1), quantum: nil)),
        Parameter("kind", SampleSpaces.choice(.string("line"), .string("tree"), .string("net"))),
        Parameter(
            "slope", .real(law: .uniform(low: 0, high: 1), quantum: nil), when: [.init("kind", in: [.string("line")])]),
        Parameter(
            "leaves", .integer(low: 1, high: 100, step: 1, log: true), when: [.init("kind", in: [.string("tree")])]),
        Parameter(
            "layers", .integer(low: 1, high: 3, step: 1, log: false), when: [.init("kind", in: [.string("net")])]),
        Parameter(
            "norm", SampleSpaces.choice(.bool(false), .bool(true)),
            when: [.init("layers", in: [.integer(2), .integer(3)])]),
        Parameter(
            "epsilon", .real(law: .uniform(low: 0, high: 1), quantum: nil), when: [.init("norm", in: [.bool(true)])]),
    ])

    static func nestedLoss(_ configuration: Configuration) -> Double {
        func distance(_ name: String, _ best: Double) -> Double {
            let difference = (configuration[name]?.doubleValue ?? 0) - best
            return difference * difference
        }
        let rate = configuration["rate"]?.doubleValue ?? 1
        let base = (rate - 0.01).magnitude / (rate + 0.01)
        switch configuration["kind"] {
        case .string("line"): return base + 2 + distance("slope", 0.2)
        case .string("tree"): return base + 1.5 + distance("leaves", 20) / 1e4
        case .string, .null, .bool, .integer, .number, .array, .object, nil: break
        }
        guard configuration["norm"] == .bool(true) else { return base + 1 + distance("layers", 3) / 8 }
        return base + distance("layers", 3) / 8 + 2 * distance("epsilon", 0.7)
    }

    /// Of 40 seeds, 60 trials each: how often the search ends with a lower minimum than random search.
    private func wins(_ space: SearchSpace, _ loss: (Configuration) -> Double) throws -> Int {
        try (0..<40).count { seed in
            let sampler = try TPESamplerTests.sampler(space, seed: UInt64(seed))
            let found = TPESamplerTests.search(sampler, trials: 60, objective: loss).history.results.compactMap(\.value)
            let random = RandomSampler(space: space, seed: UInt64(seed))
            let drawn = (0..<60).compactMap {
                random.proposal(at: $0, excluding: SeenConfigurations()).map { loss($0.configuration) }
            }
            return (found.min() ?? .infinity) < (drawn.min() ?? .infinity)
        }
    }

    // 28 of 40 are a sign test's p = 0.008. The seeds are fixed, so the counts are always the same.

    @Test func beatsRandomSearchOnBranin() throws {
        #expect(try wins(TestFunction.braninSpace, TPESamplerTests.branin) >= 28)
    }

    @Test func beatsRandomSearchOnANestedSpace() throws {
        #expect(try wins(Self.nested, Self.nestedLoss) >= 28)
    }

    /// In the end most proposals are of the best branch, down to its deepest parameter.
    @Test func findsTheDeepestBranch() throws {
        let sampler = try TPESamplerTests.sampler(Self.nested)
        let proposals = TPESamplerTests.search(sampler, trials: 100, objective: Self.nestedLoss).proposals
        #expect(proposals.suffix(40).count { $0.configuration["epsilon"] != nil } >= 30)
    }

    /// Twelve conditions above each other, each a switch.
    @Test func deepNesting() throws {
        let space = SearchSpace(
            (0..<12).map { level in
                Parameter(
                    "p\(level)", .integer(low: 0, high: 1, step: 1, log: false),
                    when: level == 0 ? [] : [.init("p\(level - 1)", in: [.integer(1)])])
            })
        let sampler = try TPESamplerTests.sampler(space)
        let found = TPESamplerTests.search(sampler, trials: 20) { 12 - Double($0.entries.count) }
        #expect(found.proposals.count == 13)
        #expect(found.history.results.contains { $0.value == 0 })
    }
}
