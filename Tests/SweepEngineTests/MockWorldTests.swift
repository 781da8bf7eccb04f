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
            // A trial that paused and was promoted has had its second.
            let promotions = world.journal.count { if case .promoted = $0.event { true } else { false } }
            let more = world.engine.sweeps.values.reduce(0) { sum, sweep in
                sweep.trials.reduce(sum) { $0 + max(0, $1.attempts - 1) }
            }
            let isCalm = more <= promotions
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
