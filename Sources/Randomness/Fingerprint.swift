// SPDX-License-Identifier: MIT

/// A 128-bit digest of a sequence of words: Philox4x32-10 as the block cipher of the Davies-Meyer construction, the
/// word being the key. Equal on every machine and in every run; not a defence against someone who looks for collisions.
package struct Fingerprint: Hashable, Sendable {
    private var state = SIMD4<UInt32>(0x243F_6A88, 0x85A3_08D3, 0x1319_8A2E, 0x0370_7344)

    package init() {}

    package mutating func combine(_ word: UInt64) {
        let key = SIMD2(UInt32(truncatingIfNeeded: word), UInt32(truncatingIfNeeded: word >> 32))
        state ^= Philox4x32.block(counter: state, key: key)
    }

    /// The text's UTF-8 bytes and their number.
    package mutating func combine(_ text: String) {
        var word: UInt64 = 0
        var filled: UInt64 = 0
        for byte in text.utf8 {
            word |= UInt64(byte) << (8 * (filled % 8))
            filled += 1
            if filled % 8 == 0 {
                combine(word)
                word = 0
            }
        }
        if filled % 8 != 0 { combine(word) }
        combine(filled)
    }

    package mutating func combine(_ other: Fingerprint) {
        combine(other.words.0)
        combine(other.words.1)
    }

    /// Adds another digest, so that the order in which digests are added does not show.
    package mutating func add(_ other: Fingerprint) {
        state &+= other.state
    }

    package var words: (UInt64, UInt64) {
        (UInt64(state[1]) << 32 | UInt64(state[0]), UInt64(state[3]) << 32 | UInt64(state[2]))
    }
}
