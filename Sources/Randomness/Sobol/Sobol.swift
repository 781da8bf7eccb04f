// SPDX-License-Identifier: MIT

/// Sobol's sequence with Joe and Kuo's direction numbers, in Gray-code order, any point directly by its index.
package struct Sobol: Sendable {
    /// The most dimensions there are direction numbers for.
    package static let dimensionLimit = DirectionNumbers.limit

    package let dimensions: Int
    private let directions: DirectionNumbers
    /// One a dimension; empty when the sequence is not scrambled.
    private let scrambles: [OwenScramble]

    /// `seed` keys the scrambling; nil gives the bare sequence, which starts at the origin.
    ///
    /// - Precondition: 0 ≤ dimensions ≤ `dimensionLimit`.
    package init(dimensions: Int, seed: UInt64?) {
        self.dimensions = dimensions
        directions = DirectionNumbers(dimensions: dimensions)
        scrambles = seed.map { seed in (0..<dimensions).map { OwenScramble(seed: seed, dimension: $0) } } ?? []
    }

    /// Coordinate `dimension` of point `index`, in [0, 1).
    package func coordinate(_ dimension: Int, at index: UInt32) -> Double {
        let digits = directions.digits(dimension: dimension, index: index)
        return scrambles.isEmpty ? Double(digits) * 0x1p-32 : scrambles[dimension].unit(digits)
    }

    package func point(at index: UInt32) -> [Double] {
        (0..<dimensions).map { coordinate($0, at: index) }
    }
}
