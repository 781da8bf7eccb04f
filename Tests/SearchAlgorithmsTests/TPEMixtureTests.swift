// SPDX-License-Identifier: MIT

import Foundation
import Randomness
import SweepModel
import Testing

@testable import SearchAlgorithms

/// Whole densities: that they are laws of configurations, and the same as a second implementation's.
struct TPEMixtureTests {
    static let mixed = SearchSpace([
        Parameter("lr", .real(law: .logUniform(low: 1e-4, high: 1), quantum: nil)),
        Parameter("layers", .integer(low: 1, high: 5, step: 1, log: false)),
        Parameter("width", .integer(low: 4, high: 64, step: 1, log: true)),
        Parameter(
            "opt",
            .categorical(
                values: [.string("sgd"), .string("adam"), .string("lion")], probabilities: [0.5, 0.3, 0.2],
                ordinal: false)),
        Parameter(
            "momentum", .real(law: .uniform(low: 0, high: 1), quantum: nil), when: [.init("opt", in: [.string("sgd")])]),
        Parameter(
            "warmup", .integer(low: 0, high: 3, step: 1, log: false),
            when: [.init("opt", in: [.string("adam"), .string("lion")])]),
        Parameter(
            "decay", .real(law: .uniform(low: 0, high: 1), quantum: nil),
            when: [.init("warmup", in: [.integer(1), .integer(2)])]),
    ])

    /// From a row of the fixtures.
    private func configuration(_ values: [Double?]) -> Configuration {
        Configuration(
            zip(Self.mixed.parameters, values).compactMap { parameter, value in
                guard let value else { return nil }
                return Configuration.Entry(
                    parameter.name,
                    parameter.name == "opt" ? .string(["sgd", "adam", "lion"][Int(value)]) : .number(value))
            })
    }

    @Test func densitiesAgreeWithPython() {
        let tree = ParameterTree(Self.mixed)
        let points = mixedRowsFixture.map { tree.point(of: configuration($0.values)) }
        let pending = mixedPendingFixture.map { tree.point(of: configuration($0)) }
        let split = Split(mixedRowsFixture.map(\.loss), goal: .minimize)
        let ratio = DensityRatio(
            good: ParzenMixture(split.below.map { points[$0] }, tree: tree),
            rest: ParzenMixture(split.above.map { points[$0] } + pending, tree: tree))
        for (values, good, rest) in mixedDensityFixture {
            let point = tree.point(of: configuration(values))
            #expect((ratio.good.logDensity(at: point) - good).magnitude < 1e-7, "\(values)")
            #expect((ratio.rest.logDensity(at: point) - rest).magnitude < 1e-7, "\(values)")
            #expect((ratio.logRatio(at: point) - (good - rest)).magnitude < 1e-7)
        }
    }

    /// Over all configurations, whatever they activate, the probabilities sum to 1.
    @Test(arguments: SampleSpaces.finite)
    func probabilitiesSumToOne(_ sample: SampleSpaces.Sample) throws {
        let tree = ParameterTree(sample.space)
        let cells = try #require(Cells(sample.space))
        let points = (0..<cells.count).map { tree.point(of: cells.configuration($0)) }
        for count in [0, 1, 7, 40] {
            let observed = (0..<count).map { points[($0 * 7919) % points.count] }
            let mixture = ParzenMixture(observed, tree: tree)
            let sum = points.reduce(0) { $0 + exp(mixture.logDensity(at: $1)) }
            #expect((sum - 1).magnitude < 1e-7, "\(sample.name), \(count) observations: \(sum)")
        }
    }

    /// Momentum's values say nothing about configurations without momentum, and an entry that should not be there
    /// nothing at all.
    @Test func inactiveParametersHaveNoInfluence() {
        let tree = ParameterTree(Self.mixed)
        let points = mixedRowsFixture.map { tree.point(of: configuration($0.values)) }
        let moved = points.map { point in
            point.enumerated().map { $0.offset == 4 && $0.element != nil ? 0.123 : $0.element }
        }
        let (before, after) = (ParzenMixture(points, tree: tree), ParzenMixture(moved, tree: tree))
        for (values, _, _) in mixedDensityFixture {
            let point = tree.point(of: configuration(values))
            let isSame = before.logDensity(at: point) == after.logDensity(at: point)
            #expect(isSame == (values[4] == nil))
        }
        for (values, _) in mixedRowsFixture where values[4] == nil {
            var intruded = values
            intruded[4] = 0.5
            #expect(tree.point(of: configuration(intruded)) == tree.point(of: configuration(values)))
        }
    }

    @Test func pointsAndConfigurationsAreInverse() throws {
        for sample in SampleSpaces.finite + SampleSpaces.endless {
            let tree = ParameterTree(sample.space)
            let sampler = RandomSampler(space: sample.space, seed: 5)
            for index in 0..<50 {
                guard let drawn = sampler.proposal(at: index, excluding: SeenConfigurations()) else { continue }
                let point = tree.point(of: drawn.configuration)
                let again = tree.configuration(at: point)
                #expect(again.entries.map(\.name) == drawn.configuration.entries.map(\.name))
                let difference = zip(tree.point(of: again), point).map { (($0 ?? 0) - ($1 ?? 0)).magnitude }.max() ?? 0
                // Rounding to a step moves a value by half a step at most.
                #expect(difference < (sample.name == "unbounded" ? 2e-3 : 1e-9), "\(sample.name) \(index)")
                if sample.cardinality != nil { #expect(again.json.canonical == drawn.configuration.json.canonical) }
            }
        }
    }

    /// No NaN, whatever the observations are.
    @Test(arguments: [0, 1, 2, 25, 26, 1000, 10_000])
    func densitiesAreNumbers(count: Int) {
        let tree = ParameterTree(Self.mixed)
        let corner = tree.point(of: configuration([1e-4, 1, 4, 0, 0, nil, nil]))
        let unknown = tree.point(
            of: Configuration([
                .init("lr", .string("?")), .init("opt", .string("gone")), .init("layers", .number(1e300)),
            ]))
        let far = tree.point(of: configuration([1, 5, 64, 1, nil, 1, 1]))
        for observed in [corner, unknown, far] {
            let mixture = ParzenMixture(Array(repeating: observed, count: count), tree: tree)
            for point in [corner, far] { #expect(mixture.logDensity(at: point).isFinite) }
            for u in [0, 0.5, 1 - 0x1p-53] {
                let drawn = tree.point { mixture.place($0, kernel: mixture.kernel(at: u), at: u) }
                #expect(drawn.allSatisfy { $0?.isFinite != false })
                #expect(isLegal(tree.configuration(at: drawn), in: Self.mixed))
            }
        }
    }
}
