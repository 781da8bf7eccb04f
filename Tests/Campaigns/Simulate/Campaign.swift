// SPDX-License-Identifier: MIT

import Dispatch
import Synchronization
import TestSupport

/// Many worlds on all cores, in batches, each entered into the ledger when it is done.
struct Campaign {
    /// What some worlds gave.
    struct Total: Sendable {
        var seeds: UInt64 = 0
        var events: Int64 = 0
        var virtualSeconds = 0.0
        var tally = Tally()
        var problems: [(seed: UInt64, words: String)] = []

        mutating func add(_ seed: UInt64, _ world: World) {
            seeds += 1
            events += world.events
            virtualSeconds += world.virtualSeconds
            tally.add(world.tally)
            if let words = world.problem { problems.append((seed, words)) }
        }
    }

    let threads: Int

    /// Runs `count` worlds and returns their total; with `stopsAtFirst` as soon as one has a problem.
    func run(_ count: UInt64, stopsAtFirst: Bool = false, _ world: @Sendable (UInt64) -> World) -> Total {
        let next = Mutex<UInt64>(0)
        let total = Mutex(Total())
        DispatchQueue.concurrentPerform(iterations: threads) { _ in
            while true {
                let number = next.withLock { next in
                    defer { next += 1 }
                    return next
                }
                if number >= count { return }
                if stopsAtFirst, total.withLock({ !$0.problems.isEmpty }) { return }
                let made = world(number)
                made.run()
                nonisolated(unsafe) let result = made
                // SAFETY: no other thread has ever seen it.
                total.withLock { $0.add(result.seed, result) }
            }
        }
        var result = total.withLock { $0 }
        result.problems.sort { $0.seed < $1.seed }
        return result
    }

    /// A crash at every turn of small runs, at each of the three points of the commit.
    func crashEverywhere(configurations: UInt64) -> Total {
        var points: [(configuration: UInt64, turn: Int, point: FaultKind)] = []
        for number in 0..<configurations {
            let calm = World(seed: number, scenario: .small(number))
            calm.run()
            for turn in 1...max(1, calm.turns) {
                for point in [FaultKind.crashBeforeCommit, .crashAfterCommit, .crashAfterSend] {
                    points.append((number, turn, point))
                }
            }
        }
        let all = points
        return run(UInt64(all.count)) { place in
            let (number, turn, point) = all[Int(place)]
            var scenario = Scenario.small(number)
            scenario.crash = (turn, point)
            return World(seed: number, scenario: scenario)
        }
    }
}
