// SPDX-License-Identifier: MIT

import TestSupport
import Testing

/// Whole coordinators and workers under faults, in virtual time. `make test` runs 2,000 seeds in a release build,
/// `make simulate` 200,000; these are so many as a debug build does in a few seconds.
@Suite struct WorldTests {
    @Test(arguments: 0..<4) func everyInvariantHoldsUnderAnyFaults(block: UInt64) {
        for seed in block * 2..<(block + 1) * 2 {
            let world = World(seed: seed)
            world.run()
            #expect(world.problem == nil, "seed \(seed)")
        }
    }

    @Test(arguments: 0..<8) func everyInvariantHoldsInShortRuns(block: UInt64) {
        for seed in block * 5..<(block + 1) * 5 {
            let world = World.brief(seed: seed)
            world.run()
            #expect(world.problem == nil, "brief seed \(seed)")
        }
    }

    @Test func whatFailedOnceHolds() {
        for regression in regressionSeeds {
            let world = World(seed: regression.seed)
            world.run()
            #expect(
                world.problem == nil,
                "seed \(regression.seed), which failed at \(regression.commit): \(regression.what)")
        }
    }

    /// Every so many of the crashes that `make simulate` makes.
    @Test(arguments: 0..<4) func aCrashAtAnyStepIsSurvived(configuration: UInt64) {
        let calm = World(seed: configuration, scenario: .small(configuration))
        calm.run()
        #expect(calm.problem == nil)
        #expect(calm.turns > 10)
        let points = [FaultKind.crashBeforeCommit, .crashAfterCommit, .crashAfterSend]
        for turn in stride(from: 1, through: calm.turns, by: 10) {
            var scenario = Scenario.small(configuration)
            scenario.crash = (turn, points[turn % 3])
            let world = World(seed: configuration, scenario: scenario)
            world.run()
            #expect(world.problem == nil, "configuration \(configuration), \(points[turn % 3]) in turn \(turn)")
        }
    }

    /// Between two processes `Tests/Campaigns/simulate --test` compares.
    @Test func theSameSeedGivesTheSameRun() {
        for seed: UInt64 in 100..<102 {
            let first = World.brief(seed: seed)
            let second = World.brief(seed: seed)
            first.run()
            second.run()
            #expect(first.trace == second.trace, "seed \(seed)")
            #expect(first.journal == second.journal, "seed \(seed)")
        }
    }
}
