// SPDX-License-Identifier: MIT

import Randomness
import RealModule
import Testing

@testable import GaussianProcess

struct OutputTransformTests {
    private func draws(_ count: Int, seed: Int) -> [Double?] {
        var stream = RandomStream(seed: 4, index: seed, purpose: .tests)
        return (0..<count).map { _ in
            stream.nextUniform() < 0.1
                ? nil : Double.exp(3 * stream.nextNormal()) * (stream.nextUniform() < 0.5 ? -1 : 1)
        }
    }

    @Test(arguments: 1..<60)
    func standardisesKeepsTheOrderAndPutsFailuresLast(count: Int) {
        let results = draws(count, seed: count)
        let values = OutputTransform(results).values
        #expect(values.count == count)
        let mean = values.reduce(0, +) / Double(count)
        let variance = values.reduce(0) { $0 + $1 * $1 } / Double(count)
        #expect(mean.magnitude < 1e-12 && (variance == 0 || (variance - 1).magnitude < 1e-12), "seed \(count)")
        for (left, first) in zip(results, values) {
            for (right, second) in zip(results, values) {
                switch (left, right) {
                case (let left?, let right?): #expect((left < right) == (first < second), "seed \(count)")
                case (nil, .some): #expect(first < second, "seed \(count)")
                case (_, nil): break
                }
            }
        }
    }

    /// Mean 4.5 and variance 22.25 of 0, 1, 5, 12; the failure lies half the range below the worst.
    @Test func unrankedValuesAreOnlyStandardised() {
        let values = OutputTransform([0, 1, 5, 12], isRanked: false).values
        for (value, expected) in zip(values, [-4.5, -3.5, 0.5, 7.5]) {
            #expect(difference(value, expected / 22.25.squareRoot()) < 1e-12)
        }
        let failed = OutputTransform([0, 1, 5, 12, nil], isRanked: false).values
        #expect(difference((failed[4] - failed[0]) / (failed[0] - failed[3]), 0.5) < 1e-12)
    }

    @Test(arguments: [(1e-280, 0.0), (1e-12, 0.0), (3.0, -7.0), (1e9, 1e10), (1e-3, 1e-3), (1e280, 0.0)], 0..<20)
    func unitAndOriginDoNotMatter(change: (Double, Double), seed: Int) {
        let results = draws(30, seed: seed)
        let plain = OutputTransform(results).values
        let changed = OutputTransform(results.map { $0.map { $0 * change.0 + change.1 } }).values
        #expect(difference(changed, plain) < 1e-6, "seed \(seed)")
    }

    /// Of a value below the median only the rank counts, however far it has diverged.
    @Test(arguments: 0..<20)
    func aDivergedValueHidesNothing(seed: Int) {
        func values(_ diverged: Double) -> [Double] { OutputTransform(draws(30, seed: seed) + [diverged]).values }
        let plain = values(-1e6)
        for diverged in [-1e30, -1e160, -1e200, -1.7e308] {
            #expect(difference(values(diverged), plain) < 1e-12, "seed \(seed), \(diverged)")
        }
    }

    /// Where the good half is one value but for rounding, the others are not taken for it.
    @Test func roundingIsNoSpread() {
        let values = OutputTransform([0.1, 0.1, (0.1).nextUp, 0.1, -3, -7]).values
        #expect(values[0] - values[4] > 1 && values[4] > values[5])
    }

    @Test func edges() {
        #expect(OutputTransform([]).values.isEmpty)
        #expect(OutputTransform([nil, .nan, .infinity]).values == [0, 0, 0])
        #expect(OutputTransform([5]).values == [0])
        #expect(OutputTransform([0.1, 0.1, 0.1]).values == [0, 0, 0])
        #expect(OutputTransform([0.1, nil]).values == [1, -1])
        let huge = OutputTransform([1.7e308, -1.7e308, nil, 0]).values
        #expect(huge.allSatisfy(\.isFinite) && huge[0] > huge[3] && huge[1] > huge[2])
        // The failed: half a range below the worst here, since three deviations are further.
        let failed = OutputTransform([0, 1, nil]).values
        #expect(failed[2] < failed[0] && failed[0] < failed[1])
    }

    @Test(arguments: 2..<30)
    func goesBack(count: Int) throws {
        let results = draws(count, seed: count)
        let transform = OutputTransform(results)
        for (result, value) in zip(results, transform.values) {
            guard let result else { continue }
            let back = try #require(transform.original(of: value))
            #expect(difference(back, result) < 1e-9, "seed \(count)")
        }
    }
}
