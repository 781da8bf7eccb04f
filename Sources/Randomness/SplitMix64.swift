// SPDX-License-Identifier: MIT

/// The output function of splitmix64: a bijection of 64 bits in which every input bit reaches every output bit.
///
/// Steele, Lea, Flood: "Fast splittable pseudorandom number generators", OOPSLA 2014 (Stafford's variant 13).
@inline(__always)
func splitMix64(_ value: UInt64) -> UInt64 {
    var mixed = value
    mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
    mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
    return mixed ^ (mixed >> 31)
}
