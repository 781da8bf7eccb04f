// SPDX-License-Identifier: MIT

import SweepModel
import Testing

@testable import SearchAlgorithms

struct GridSamplerTests {
    private func configurations(_ space: SearchSpace, _ order: SweepDefinition.GridOrder, limit: Int = 10_000) throws
        -> [Configuration]
    {
        let sampler = try GridSampler(space: space, seed: 7, order: order)
        return SamplerConformanceTests.proposals(sampler, limit: limit).map(\.configuration)
    }

    @Test func wandbOrderIsThatOfItertools() throws {
        let space = SearchSpace([
            Parameter("width", .real(law: .uniform(low: 8, high: 33), quantum: .wandb(q: 8, integers: true))),
            Parameter("Seed", .constant(.integer(1))),
            Parameter("rate", .real(law: .uniform(low: 0, high: 0.6), quantum: .wandb(q: 0.2, integers: false))),
            Parameter("layers", .integer(low: 1, high: 3, step: 1, log: false)),
            Parameter("optimizer", SampleSpaces.choice(.string("sgd"), .string("adam"))),
        ])
        let rows = try configurations(space, .wandb).map { configuration in
            configuration.entries.sorted { $0.name < $1.name }.map { "\($0.name)=\(text($0.value))" }.joined(
                separator: " ")
        }
        #expect(rows == wandbGridFixture)
    }

    private func text(_ value: JSONValue) -> String {
        switch value {
        case .integer(let integer): "\(integer)"
        case .number(let number): "\(number)"
        case .string(let string): string
        case .null, .bool, .array, .object: "?"
        }
    }

    @Test func wandbOrderOfConditions() throws {
        let rows = try configurations(SampleSpaces.conditional, .wandb)
        let key = { (configuration: Configuration) in
            ["amsgrad", "decay", "depth", "epsilon", "momentum"].map { configuration[$0]?.numericValue ?? -1 }
        }
        #expect(zip(rows, rows.dropFirst()).allSatisfy { !key($1).lexicographicallyPrecedes(key($0)) })
    }

    @Test(arguments: 1...70)
    func refinementVisitsEachLevelOnce(count: Int) {
        for refinement in [Refinement.halving(count), .flat(count)] {
            let order = (0..<count).map(refinement.level)
            #expect(order.sorted() == Array(0..<count))
            #expect(order.map(refinement.rank) == Array(0..<count))
            #expect(refinement.count(through: refinement.depth) == count)
            #expect(refinement.depth == 0 || refinement.count(through: refinement.depth - 1) < count)
        }
    }

    @Test func refinementByHand() {
        let order = (0..<9).map(Refinement.halving(9).level)
        #expect(order == [0, 4, 8, 2, 6, 1, 3, 5, 7])
        #expect((0..<6).map(Refinement.halving(6).level) == [0, 3, 5, 1, 4, 2])
        #expect((0...2).map(Refinement.halving(9).count(through:)) == [3, 5, 9])
        let large = Refinement.halving(1 << 30)
        #expect((0..<3).map(large.level) == [0, 1 << 29, (1 << 30) - 1])
        #expect(large.rank(level: large.level(rank: 123_456_789)) == 123_456_789)
    }

    /// Each depth is the full product of the levels that each parameter has at that depth.
    @Test func everyDepthIsACompleteGrid() throws {
        let space = SearchSpace([
            Parameter("x", .integer(low: 0, high: 8, step: 1, log: false)),
            Parameter("y", .integer(low: 0, high: 4, step: 1, log: false)),
            Parameter("c", SampleSpaces.choice(.string("p"), .string("q"), .string("r"), .string("s"))),
            Parameter("n", SampleSpaces.choice(.number(0.1), .number(0.2), .number(0.4), .number(0.8), .number(1.6))),
        ])
        let all = try configurations(space, .coarse)
        #expect(all.count == 9 * 5 * 4 * 5)
        for (prefix, sizes) in [(3 * 3 * 4 * 3, [3, 3, 4, 3]), (5 * 5 * 4 * 5, [5, 5, 4, 5])] {
            let values = ["x", "y", "c", "n"].map { name in Set(all.prefix(prefix).map { $0[name] }) }
            #expect(values.map(\.count) == sizes)
        }
        #expect(Set(all.prefix(108).map { $0["x"] }) == [.integer(0), .integer(4), .integer(8)])
        #expect(Set(all.prefix(108).map { $0["n"] }) == [.number(0.1), .number(0.4), .number(1.6)])
    }

    /// The same for conditions: at each depth exactly the legal combinations of the levels seen so far are there.
    @Test func everyDepthOfAConditionalGridIsComplete() throws {
        let space = SearchSpace([
            Parameter("kind", .integer(low: 0, high: 4, step: 1, log: false)),
            Parameter(
                "a", .integer(low: 0, high: 8, step: 1, log: false),
                when: [.init("kind", in: [.integer(1), .integer(2)])]),
            Parameter(
                "b", .integer(low: 0, high: 16, step: 1, log: false),
                when: [.init("a", in: [.integer(3), .integer(4)])]),
        ])
        let levels = [
            Levels.integers(low: 0, step: 1, count: 5), .integers(low: 0, step: 1, count: 9),
            .integers(low: 0, step: 1, count: 17),
        ]
        let cells = try #require(Cells(space, levels: levels, refined: true, limit: 1000))
        #expect(cells.count == 3 + 2 * (7 + 2 * 17))
        for depth in 0...cells.depth {
            let allowed = [5, 9, 17].map { count in
                let refinement = Refinement.halving(count)
                return Set((0..<refinement.count(through: depth)).map { Int64(refinement.level(rank: $0)) })
            }
            var expected: Set<[Int64?]> = []
            for kind in allowed[0] {
                for a in allowed[1] {
                    for b in allowed[2] {
                        let hasA = kind == 1 || kind == 2
                        let hasB = hasA && (a == 3 || a == 4)
                        expected.insert([kind, hasA ? a : nil, hasB ? b : nil])
                    }
                }
            }
            let found = (0..<cells.count(through: depth)).map { cell in
                ["kind", "a", "b"].map { cells.configuration(cell)[$0]?.integerValue }
            }
            #expect(found.count == expected.count)
            #expect(Set(found) == expected, "depth \(depth)")
        }
    }

    @Test func hugeGridsAreNotListed() throws {
        let space = SearchSpace((0..<6).map { Parameter("p\($0)", .integer(low: 0, high: 1000, step: 1, log: false)) })
        let sampler = try GridSampler(space: space, seed: 7, order: .coarse)
        let proposals = SamplerConformanceTests.proposals(sampler, limit: 1000)
        #expect(Set(proposals.map(\.configuration)).count == 1000)
        #expect(
            proposals.prefix(729).allSatisfy {
                $0.configuration.entries.allSatisfy { [0, 500, 1000].contains($0.value.integerValue) }
            })
    }

    @Test(arguments: [
        (Distribution.real(law: .uniform(low: 0, high: 1), quantum: nil), true),
        (.real(law: .normal(mean: 0, deviation: 1), quantum: .wandb(q: 1, integers: false)), true),
        (.real(law: .logUniform(low: 1, high: 10), quantum: .wandb(q: 1, integers: false)), false),
        (.categorical(values: [.null, .bool(true)], probabilities: [0.5, 0.5], ordinal: false), false),
    ])
    func refusals(distribution: Distribution, endless: Bool) throws {
        let space = SearchSpace([Parameter("fine", .constant(.null)), Parameter("culprit", distribution)])
        #expect(throws: SamplerError.foreignToWandbOrder(parameter: "culprit")) {
            try GridSampler(space: space, seed: 7, order: .wandb)
        }
        if endless {
            #expect(throws: SamplerError.endless(parameter: "culprit")) {
                try GridSampler(space: space, seed: 7, order: .coarse)
            }
        } else {
            #expect(try configurations(space, .coarse).count == (distribution.levels.map { Int($0.count) }))
        }
    }

    @Test func tooLargeAGridNamesItsSizes() throws {
        let space = SearchSpace([
            Parameter("a", .integer(low: 0, high: .max, step: 1, log: false)), Parameter("b", .constant(.null)),
        ])
        let error = #expect(throws: SamplerError.self) { try GridSampler(space: space, seed: 7, order: .coarse) }
        #expect(error?.description.contains("(a: 9223372036854775808)") == true)
    }

    @Test func tooManyConditionsAreRefusedQuickly() throws {
        let switches = (0..<40).map { Parameter("s\($0)", SampleSpaces.choice(.bool(true), .bool(false))) }
        let child = Parameter(
            "child", SampleSpaces.choice(.null), when: switches.map { .init($0.name, in: [.bool(true)]) })
        let space = SearchSpace(switches + [child])
        #expect(space.cardinality == nil)
        #expect(throws: SamplerError.self) { try GridSampler(space: space, seed: 7, order: .coarse) }
    }
}
