// SPDX-License-Identifier: MIT

import Randomness
import Testing

struct SobolTests {
    @Test func firstPointsInSixDimensions() {
        let sobol = Sobol(dimensions: 6, seed: nil)
        let expected: [[Double]] = [
            [0, 0, 0, 0, 0, 0], [0.5, 0.5, 0.5, 0.5, 0.5, 0.5], [0.75, 0.25, 0.25, 0.25, 0.75, 0.75],
            [0.25, 0.75, 0.75, 0.75, 0.25, 0.25], [0.375, 0.375, 0.625, 0.875, 0.375, 0.125],
        ]
        #expect((0..<5).map { sobol.point(at: $0) } == expected)
    }

    @Test func agreesWithScipy() {
        let sobol = Sobol(dimensions: Sobol.dimensionLimit, seed: nil)
        for (dimension, index, digits) in sobolFixture {
            #expect(sobol.coordinate(dimension, at: index) == Double(digits) * 0x1p-32, "\(dimension), \(index)")
        }
    }

    /// Every dimension is a (0, m, 1)-net in base 2: one point in each of the 2^m intervals, after scrambling too.
    @Test(arguments: [nil, 7] as [UInt64?])
    func everyProjectionIsANet(seed: UInt64?) {
        let sobol = Sobol(dimensions: Sobol.dimensionLimit, seed: seed)
        for dimension in 0..<sobol.dimensions {
            let cells = (0..<128).map { Int(sobol.coordinate(dimension, at: $0) * 128) }
            #expect(Set(cells).count == 128, "dimension \(dimension)")
        }
    }

    /// The first two dimensions are a (0, m, 2)-net: one point in each elementary rectangle of area 2^-m, for each of
    /// its shapes, in every aligned block of 2^m points.
    @Test(arguments: [nil, 7, 8] as [UInt64?])
    func firstTwoDimensionsAreANet(seed: UInt64?) {
        let sobol = Sobol(dimensions: 2, seed: seed)
        for (m, start) in [(4, 0), (6, 64), (8, 1024)] as [(Int, UInt32)] {
            for split in 0...m {
                let cells = (start..<start + 1 << UInt32(m)).map { index in
                    let point = sobol.point(at: index)
                    return Int(point[0] * Double(1 << split)) << (m - split) | Int(point[1] * Double(1 << (m - split)))
                }
                #expect(Set(cells).count == 1 << m, "2^\(m) points from \(start), split \(split)")
            }
        }
    }

    @Test func seedsDifferAndRepeat() {
        let points = (0..<50).map { seed in Sobol(dimensions: 3, seed: seed).point(at: 0) }
        #expect(Set(points).count == 50)
        #expect(Sobol(dimensions: 3, seed: 4).point(at: 0) == points[4])
        #expect(Set(points[0]).count == 3, "dimensions are scrambled apart")
    }

    @Test func anyIndexWorks() {
        let sobol = Sobol(dimensions: 2, seed: 1)
        for index in [0, 1, UInt32.max - 1, .max] {
            #expect(sobol.point(at: index).allSatisfy { (0..<1).contains($0) })
        }
    }

    /// A single scrambled point is uniform over seeds.
    @Test func scramblingIsUniform() {
        let values = (0..<20_000).map { Sobol(dimensions: 1, seed: $0).coordinate(0, at: 5) }.sorted()
        #expect(kolmogorovDistance(values) < 2.7 / Double(values.count).squareRoot())
    }

    /// Owen's definition taken at its word: the interval is halved again and again, and each half of each half is
    /// swapped or not by a coin of its own, here the ones of the product's hash.
    @Test func agreesWithSwappingHalves() {
        let key = RandomStream(seed: 21, index: 3, purpose: .scramble).bits(draw: 0)
        let scramble = OwenScramble(seed: 21, dimension: 3)
        // A full binary tree of depth 10 over the 1,024 values whose low 22 digits are zero.
        func scrambled(_ values: ArraySlice<UInt32>, node: UInt64) -> [UInt32] {
            guard values.count > 1 else { return Array(values) }
            let middle = values.startIndex + values.count / 2
            let low = scrambled(values[..<middle], node: 2 * node)
            let high = scrambled(values[middle...], node: 2 * node + 1)
            return coin(key: key, node: node) ? high + low : low + high
        }
        let order = scrambled((0..<1024).map { UInt32($0) }[...], node: 1)
        for (place, value) in order.enumerated() {
            #expect(Int(scramble.unit(value << 22) * 1024) == place, "seed 21, value \(value)")
        }
    }

    /// The coin of a node, written once more: splitmix64's output number `node` under the key, top bit.
    private func coin(key: UInt64, node: UInt64) -> Bool {
        var mixed = key
        mixed &+= node &* 0x9E37_79B9_7F4A_7C15
        mixed ^= mixed >> 30
        mixed &*= 0xBF58_476D_1CE4_E5B9
        mixed ^= mixed >> 27
        mixed &*= 0x94D0_49BB_1331_11EB
        mixed ^= mixed >> 31
        return mixed >> 63 == 1
    }

    /// What scrambling is for: the error of a smooth integral falls far faster than random sampling's.
    @Test func integratesBetterThanChance() {
        var squares = 0.0
        for seed in 0..<20 as Range<UInt64> {
            let sobol = Sobol(dimensions: 5, seed: seed)
            let sum = (0..<1024).map { sobol.point(at: $0).map { 1 + ($0 - 0.5) }.reduce(1, *) }.reduce(0, +)
            squares += (sum / 1024 - 1) * (sum / 1024 - 1) / 20
        }
        // Plain Monte Carlo's deviation is sqrt((1 + 1/12)^5 - 1) / 32 = 0.022.
        #expect(squares.squareRoot() < 0.002, "seeds 0 to 19")
    }
}
