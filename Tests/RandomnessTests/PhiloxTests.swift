// SPDX-License-Identifier: MIT

import Randomness
import Testing

struct PhiloxTests {
    /// The known answers of the authors' Random123.
    @Test(
        arguments: [
            ([0, 0, 0, 0, 0, 0], [0x6627_e8d5, 0xe169_c58d, 0xbc57_ac4c, 0x9b00_dbd8]),
            (
                [0xffff_ffff, 0xffff_ffff, 0xffff_ffff, 0xffff_ffff, 0xffff_ffff, 0xffff_ffff],
                [0x408f_276d, 0x41c8_3b0e, 0xa20b_c7c6, 0x6d54_51fd]
            ),
            (
                [0x243f_6a88, 0x85a3_08d3, 0x1319_8a2e, 0x0370_7344, 0xa409_3822, 0x299f_31d0],
                [0xd16c_fe09, 0x94fd_cceb, 0x5001_e420, 0x2412_6ea1]
            ),
        ] as [([UInt32], [UInt32])])
    func knownAnswers(counterAndKey: [UInt32], block: [UInt32]) {
        let result = Philox4x32.block(counter: SIMD4(counterAndKey[..<4]), key: SIMD2(counterAndKey[4...]))
        #expect(result == SIMD4(block))
    }

    @Test(arguments: [("", 0x811c_9dc5), ("a", 0xe40c_292c), ("foobar", 0xbf9c_f968)] as [(String, UInt32)])
    func fnv(name: String, hash: UInt32) {
        #expect(fnv1a32(name) == hash)
    }
}
