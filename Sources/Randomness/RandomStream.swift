// SPDX-License-Identifier: MIT

/// A sequence of random numbers that is a pure function of (seed, index, name, purpose): the same numbers come whatever
/// other streams have been read, in whatever order, on whatever machine.
///
/// Draw n is Philox4x32-10 under the key (seed's low word, seed's high word) at the counter (index's low word,
/// FNV-1a(name), n, purpose and the index's high bits).
package struct RandomStream: RandomNumberGenerator, Sendable {
    /// What the numbers are for; keeps equal indices and names apart. The raw values are part of every recorded sweep:
    /// never reuse or renumber one.
    package enum Purpose: UInt32, CaseIterable, Sendable {
        case proposal = 0
        case trialSeed = 1
        case scramble = 2
        case permutation = 3
        case acquisition = 4
        case fantasies = 5
        case delays = 6
        /// Which condemned trials go on.
        case control = 7
        case tests = 255
    }

    private let key: SIMD2<UInt32>
    private let base: SIMD4<UInt32>
    private var draw: UInt32 = 0

    /// - Precondition: 0 ≤ index < 2^56.
    package init(seed: UInt64, index: Int, name: String = "", purpose: Purpose) {
        self.init(seed: seed, index: index, nameHash: fnv1a32(name), purpose: purpose)
    }

    /// The stream of a name whose hash the caller keeps.
    package init(seed: UInt64, index: Int, nameHash: UInt32, purpose: Purpose) {
        precondition(index >= 0 && index < 1 << 56, "a stream's index is a count")
        key = SIMD2(UInt32(truncatingIfNeeded: seed), UInt32(truncatingIfNeeded: seed >> 32))
        base = SIMD4(
            UInt32(truncatingIfNeeded: index), nameHash, 0,
            UInt32(truncatingIfNeeded: index >> 32) << 8 | purpose.rawValue)
    }

    /// The 64 bits of draw `draw`, without moving the stream.
    package func bits(draw: UInt32) -> UInt64 {
        var counter = base
        counter[2] = draw
        let block = Philox4x32.block(counter: counter, key: key)
        return UInt64(block[1]) << 32 | UInt64(block[0])
    }

    /// Draw `draw` as a number in [0, 1), without moving the stream.
    package func uniform(draw: UInt32) -> Double {
        Self.unit(bits(draw: draw))
    }

    package mutating func next() -> UInt64 {
        defer { draw &+= 1 }
        return bits(draw: draw)
    }

    /// The next number in [0, 1): a multiple of 2^-53.
    package mutating func nextUniform() -> Double {
        Self.unit(next())
    }

    /// The next integer in 0..<bound, every one equally likely.
    ///
    /// Lemire: "Fast random integer generation in an interval", ACM TOMACS 29 (2019).
    package mutating func nextInteger(below bound: UInt64) -> UInt64 {
        precondition(bound > 0, "nothing lies below 0")
        var product = next().multipliedFullWidth(by: bound)
        if product.low < bound {
            let threshold = (0 &- bound) % bound
            while product.low < threshold {
                product = next().multipliedFullWidth(by: bound)
            }
        }
        return product.high
    }

    /// The next draw of the standard normal law.
    package mutating func nextNormal() -> Double {
        // The midpoint of one of 2^53 cells: never 0, so never infinite.
        normalQuantile(nextUniform() + 0x1p-54)
    }

    private static func unit(_ bits: UInt64) -> Double {
        Double(bits >> 11) * 0x1p-53
    }
}
