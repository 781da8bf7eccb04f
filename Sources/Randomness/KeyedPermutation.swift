// SPDX-License-Identifier: MIT

/// A permutation of 0..<count that needs no memory: a Feistel network over the smallest even number of bits that holds
/// count, walked along its cycle until it lands below count (Black and Rogaway, "Ciphers with arbitrary finite
/// domains", CT-RSA 2002). Expected cost below 4 walks of 8 rounds.
package struct KeyedPermutation: Sendable {
    package let count: UInt64
    private let halfBits: UInt64
    private let roundKeys: [UInt64]

    /// - Precondition: 0 < count ≤ 2^62.
    package init(count: UInt64, seed: UInt64, index: Int = 0, name: String = "") {
        precondition(count > 0 && count <= 1 << 62, "a permutation of nothing, or of too much")
        self.count = count
        let bits = UInt64(UInt64.bitWidth - (count - 1).leadingZeroBitCount)
        halfBits = max(1, (bits + 1) / 2)
        let stream = RandomStream(seed: seed, index: index, name: name, purpose: .permutation)
        roundKeys = (0..<8).map { stream.bits(draw: $0) }
    }

    package subscript(_ position: UInt64) -> UInt64 {
        precondition(position < count, "out of the permutation's range")
        var value = position
        repeat { value = encrypted(value) } while value >= count
        return value
    }

    private func encrypted(_ value: UInt64) -> UInt64 {
        let mask = (UInt64(1) << halfBits) - 1
        var left = value >> halfBits
        var right = value & mask
        for key in roundKeys {
            (left, right) = (right, left ^ (splitMix64(key ^ right) & mask))
        }
        return left << halfBits | right
    }
}
