// SPDX-License-Identifier: MIT

import OrderedCollections
import SweepEngine
import TestSupport
import Testing

/// Whole sweeps under faults, in virtual time.
@Suite struct MockWorldTests {
    @Test(arguments: 0..<16)
    func everyTrialEndsUnderAnyFaults(block: UInt64) {
        for seed in block * 50..<(block + 1) * 50 {
            var world = MockWorld(seed: seed)
            world.run()
            #expect(world.problem == nil, "seed \(seed)")
        }
    }

    @Test func aCalmWorldNeedsNoSecondAttempt() {
        for seed: UInt64 in 0..<50 {
            var world = MockWorld(seed: seed, faults: FaultRates.none)
            world.run(faultySeconds: 0)
            #expect(world.problem == nil, "seed \(seed)")
            let isCalm = world.engine.sweeps.values.allSatisfy { $0.trials.allSatisfy { $0.attempts <= 1 } }
            #expect(isCalm, "seed \(seed)")
        }
    }

    @Test func theSameSeedGivesTheSameJournal() {
        for seed: UInt64 in 0..<10 {
            var first = MockWorld(seed: seed)
            var second = MockWorld(seed: seed)
            first.run()
            second.run()
            #expect("\(first.journal)" == "\(second.journal)", "seed \(seed)")
        }
    }
}
