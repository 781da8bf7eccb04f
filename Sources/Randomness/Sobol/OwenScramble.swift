// SPDX-License-Identifier: MIT

/// Owen's nested uniform scrambling of binary digits, without storing the tree: digit b is flipped or not by a hash of
/// the digits before it, so points that share a prefix share its flips and a net stays a net.
///
/// Owen, "Randomly permuted (t,m,s)-nets and (t,s)-sequences" (1995); hashed as in Burley, "Practical hash-based Owen
/// scrambling", JCGT 9 (2020). Burley's Laine-Karras permutation is quicker and only approximately uniform; here each
/// node of the tree has a hash of its own, because a point is drawn once and then trained for minutes.
package struct OwenScramble: Sendable {
    /// Numbers the tree's nodes apart: an odd constant, so that keys of neighbouring nodes differ in all bits.
    package static let increment: UInt64 = 0x9E37_79B9_7F4A_7C15
    private let key: UInt64

    package init(seed: UInt64, dimension: Int) {
        key = RandomStream(seed: seed, index: dimension, purpose: .scramble).bits(draw: 0)
    }

    /// A number in [0, 1) whose first 32 binary digits are the scrambled `digits` and whose next 21 are the scrambled
    /// zeros that follow them.
    package func unit(_ digits: UInt32) -> Double {
        let source = UInt64(digits)
        var result: UInt64 = 0
        for depth in 0..<UInt64(32) {
            let bit = (source >> (31 - depth)) & 1
            result = result << 1 | (bit ^ (hash(node: 1 << depth | source >> (32 - depth)) >> 63))
        }
        let rest = hash(node: 1 << 32 | source) >> 43
        return Double(result << 21 | rest) * 0x1p-53
    }

    /// Nodes are numbered as in a heap: the root is 1, the children of n are 2n and 2n + 1.
    private func hash(node: UInt64) -> UInt64 {
        splitMix64(key &+ node &* Self.increment)
    }
}
