// SPDX-License-Identifier: MIT

/// A number that two runs share only when they did the same.
package struct TraceDigest: Hashable, Sendable {
    package private(set) var value: UInt64 = 0xCBF2_9CE4_8422_2325

    mutating func add(_ word: UInt64) {
        value = (value ^ word) &* 0x0000_0100_0000_01B3
        value ^= value >> 29
    }

    mutating func add(_ bytes: [UInt8]) {
        add(UInt64(bytes.count))
        bytes.withUnsafeBytes { raw in
            var place = 0
            while place + 8 <= raw.count {
                add(raw.loadUnaligned(fromByteOffset: place, as: UInt64.self))
                place += 8
            }
            while place < raw.count {
                add(UInt64(raw[place]))
                place += 1
            }
        }
    }
}
