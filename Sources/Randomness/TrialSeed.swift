// SPDX-License-Identifier: MIT

/// The seed a trial trains with: below 2^32, as numpy and its kin want it, the same in every attempt, and different for
/// any two of a sweep's first 2^32 trials.
package func trialSeed(sweepSeed: UInt64, trial: Int) -> UInt64 {
    let key = RandomStream(seed: sweepSeed, index: 0, purpose: .trialSeed).bits(draw: 0)
    return KeyedPermutation(count: 1 << 32, seed: key)[UInt64(truncatingIfNeeded: trial) & 0xFFFF_FFFF]
}
