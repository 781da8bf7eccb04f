// SPDX-License-Identifier: MIT

import Foundation
import Randomness
import SweepModel
import Testing

@testable import SearchAlgorithms

/// The parts of the Parzen estimators, each against numbers from elsewhere.
struct TPEDensityTests {
    // MARK: Which results are good

    @Test func splitByHand() {
        let values: [Double?] = [3, nil, 1, 2, .infinity, 0, 5, 7, 9, 8, 6]
        let lowest = Split(values, goal: .minimize)
        #expect(lowest.below == [2, 5])
        #expect(lowest.above == [0, 1, 3, 4, 6, 7, 8, 9, 10])
        #expect(Split(values, goal: .maximize).below == [8, 9])
        // Of equals the older.
        #expect(Split([4, 4, 4], goal: .minimize).below == [0])
        // Failures are never good, however few others there are.
        #expect(Split([nil, nil, .nan, 1] + Array(repeating: nil, count: 96), goal: .maximize).below == [3])
        #expect(Split([nil, nil], goal: .minimize) == Split([.nan, -.infinity], goal: .minimize))
    }

    @Test(arguments: [(1, 1), (10, 1), (11, 2), (240, 24), (241, 25), (250, 25), (251, 25), (10_000, 25)])
    func goodCount(results: Int, good: Int) {
        let split = Split((0..<results).map(Double.init), goal: .maximize)
        #expect(split.below.count == good)
        #expect(split.below.last == results - 1)
        #expect(split.above.count == results - good)
    }

    @Test func weightsByHand() {
        #expect(ParzenMixture.weights(0).isEmpty)
        #expect(ParzenMixture.weights(25) == Array(repeating: 1, count: 25))
        #expect(ParzenMixture.weights(26) == [1.0 / 26] + Array(repeating: 1, count: 25))
        // numpy.linspace(1 / 30, 1, 5), then ones.
        let ramp = zip(ParzenMixture.weights(30), [1.0 / 30, 11.0 / 40, 31.0 / 60, 91.0 / 120, 1])
        #expect(ramp.allSatisfy { ($0 - $1).magnitude < 1e-15 })
        #expect(ParzenMixture.weights(30).suffix(25).allSatisfy { $0 == 1 })
    }

    // MARK: Kernels

    /// In the order of the coordinates.
    private func deviations(_ coordinates: [Double?]) -> [Double] {
        bandwidths(coordinates).sorted { $0.observation < $1.observation }.map(\.deviation)
    }

    @Test func bandwidthsByHand() {
        // Sorted with the prior: 0.125, 0.25, (0.5), 0.625; 1 / 5 at least.
        #expect(deviations([0.25, 0.625, 0.125]) == [0.25, 0.2, 0.2])
        #expect(deviations([0.25, nil, 0.625, 0.125]) == [0.25, 0.2, 0.2])
        #expect(deviations([0.25]) == [1.0 / 3])
        #expect(deviations([0, 1]) == [0.5, 0.5])
        #expect(deviations([0, 1, 1, 1]) == [0.5, 0.5, 1.0 / 6, 1.0 / 6])
        #expect(deviations(Array(repeating: 0.5, count: 200)) == Array(repeating: 0.01, count: 200))
        #expect(deviations([nil]).isEmpty)
        #expect(bandwidths([0.75, nil, 0.25]).map(\.observation) == [2, 0])
    }

    @Test func truncatedNormalsAgreeWithScipy() {
        for (mean, deviation, x, value) in truncatedDensityFixture {
            let got = TruncatedNormal(mean: mean, deviation: deviation).logDensity(at: x)
            #expect((got - value).magnitude <= 1e-9 * max(1, value.magnitude), "\(mean) \(deviation) \(x) \(got)")
        }
        for (mean, deviation, low, high, value) in truncatedMassFixture {
            let got = TruncatedNormal(mean: mean, deviation: deviation).logMass(from: low, to: high)
            #expect((got - value).magnitude <= 1e-8 * max(1, value.magnitude), "\(mean) \(deviation) \(low) \(got)")
        }
    }

    @Test func quantilesInvertMasses() {
        for (mean, deviation, _, _) in truncatedDensityFixture {
            let law = TruncatedNormal(mean: mean, deviation: deviation)
            for u in [0, 1e-12, 0.1, 0.5, 0.9, 1 - 0x1p-53] {
                let x = law.quantile(u)
                #expect((0...1).contains(x))
                if u > 1e-3, x < 1 { #expect((exp(law.logMass(from: 0, to: x)) - u).magnitude < 1e-9) }
            }
        }
    }

    private static let axes: [Distribution] = [
        .integer(low: 1, high: 7, step: 2, log: false), .integer(low: 1, high: 1000, step: 1, log: true),
        .real(law: .normal(mean: 0, deviation: 1), quantum: .step(0.5)),
        .categorical(values: [.integer(1), .integer(2), .integer(4)], probabilities: [0.1, 0.2, 0.7], ordinal: false),
        .categorical(values: [.integer(1), .string("1"), .number(1), .null], probabilities: [], ordinal: false),
        .categorical(values: [.null, .bool(true), .bool(false)], probabilities: [0.25, 0, 0.75], ordinal: false),
    ]

    /// Each kernel's probabilities of all values sum to 1, also those of kernels on one spot.
    @Test(arguments: axes)
    func massesSumToOne(distribution: Distribution) throws {
        let axis = ParzenAxis(Parameter("p", distribution))
        guard let count = axis.count else { return }
        for copies in [1, 200] {
            let places: [Double?] = [0, nil, Double(count - 1), 1] + Array(repeating: 1, count: copies)
            let kernels = ParzenKernels(axis.kind, places: places)
            let densities = (0..<count).map { kernels.logDensity(at: Double($0)) }
            for kernel in 0...places.count {
                let sum = densities.reduce(0) { $0 + exp($1(kernels.slots[kernel])) }
                #expect((sum - 1).magnitude < 1e-8, "\(distribution) \(kernel): \(sum)")
            }
        }
    }

    /// What is drawn follows the law that is scored, by chi-square.
    @Test(arguments: axes)
    func drawsFollowTheirLaw(distribution: Distribution) {
        let axis = ParzenAxis(Parameter("p", distribution))
        guard let count = axis.count, count < 10 else { return }
        let kernels = ParzenKernels(axis.kind, places: [0, 1])
        var stream = RandomStream(seed: 41, index: 0, purpose: .tests)
        for kernel in 0...2 {
            var tally = [Double](repeating: 0, count: count)
            for _ in 0..<5000 { tally[Int(kernels.place(kernel: kernel, at: stream.nextUniform()))] += 1 }
            let expected = (0..<count).map {
                5000 * exp(kernels.logDensity(at: Double($0))(kernels.slots[kernel]))
            }
            let chiSquare = zip(tally, expected).map { ($0 - $1) * ($0 - $1) / $1 }.reduce(0, +)
            #expect(chiSquare < 42.7, "seed 41, 1 in 10^6 at eight degrees of freedom")
        }
    }

    @Test func categoriesByHand() {
        let kernels = ParzenKernels(.categories(prior: [0.5, 0.5]), places: [1, nil, 1])
        // Three kernels count here: 1 / 3 each and 1 more for what was observed, which makes 1 / 5 and 4 / 5.
        for (place, observed) in [(0.0, 0.2), (1, 0.8)] {
            let found = kernels.slots.map { exp(kernels.logDensity(at: place)($0)) }
            #expect(zip(found, [observed, 0.5, observed, 0.5]).allSatisfy { ($0 - $1).magnitude < 1e-15 })
        }
        let weighted = ParzenKernels(.categories(prior: [0.9, 0.1]), places: [])
        #expect((exp(weighted.logDensity(at: 1)(0)) - 0.1).magnitude < 1e-15)
    }

    @Test func sumsOfExponentials() {
        #expect(logSumExp([]) == -.infinity)
        #expect(logSumExp([-.infinity, -.infinity]) == -.infinity)
        #expect(logSumExp([-1e5, -1e5]) == -1e5 + log(2))
        #expect(logSumExp([1e5, -1e5]) == 1e5)
    }
}
