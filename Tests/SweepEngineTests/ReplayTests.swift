// SPDX-License-Identifier: MIT

import OrderedCollections
import SweepEngine
import SweepModel
import TestSupport
import Testing
import WorkerProtocol

/// The journal alone makes the state, however its events came.
@Suite struct ReplayTests {
    /// A worker's whole life, its events in messages of `size`.
    private func journal(size: Int) throws -> Rig {
        var rig = Rig()
        try rig.launch(.example(trials: 4, retries: 1))
        try rig.hello()
        for fence: Int64 in 1...5 {
            try rig.accept(fence)
            let end = fence == 2 ? AttemptEvent.failure(.user) : .finished(.completed, Resources(seconds: 3))
            let values = (1...9).map { AttemptEvent.loss(1 / Double(Int64($0) + fence), step: Int64($0)) }
            let all = [.started(resumedFrom: nil)] + values + [end]
            for first in stride(from: 0, to: all.count, by: size) {
                try rig.events(fence, from: Int64(first) + 1, Array(all[first..<min(all.count, first + size)]))
            }
        }
        return rig
    }

    @Test(arguments: [2, 3, 7, 100]) func howEventsAreBatchedChangesNothing(size: Int) throws {
        let single = try journal(size: 1)
        let batched = try journal(size: size)
        #expect(single.journal == batched.journal)
        #expect(single.state.phase == .finished(.trials))
    }

    @Test func everyPrefixReplaysToASoundState() throws {
        let rig = try journal(size: 4)
        var engine = Engine(database: "test")
        for (position, entry) in rig.journal.enumerated() {
            engine.apply(entry)
            #expect(engine.violatedInvariant() == nil, "after entry \(position)")
        }
        #expect(replayDifference(rig.engine, engine) == nil)
    }

    /// Between any two stimuli, from a world in which everything happens.
    @Test(arguments: 0..<20) func replayIsTheLiveState(seed: UInt64) {
        let world = World.brief(seed: seed &+ 1_000_000)
        world.run()
        #expect(world.problem == nil)
        var engine = Engine(database: "simulated", timers: world.engine.timers)
        for entry in world.journal { engine.apply(entry) }
        #expect(replayDifference(world.engine, engine) == nil, "seed \(world.seed)")
    }

    @Test func fencesGrowOverRestarts() throws {
        var rig = Rig()
        try rig.launch(.example(trials: 50))
        var last: Int64 = 0
        for round in 1...20 {
            rig.restart()
            try rig.handle(.activate(Rig.sweep))
            try rig.hello("w\(round)", slots: 2)
            #expect(rig.open.count == 2)
            #expect(rig.open.allSatisfy { $0 > last })
            last = rig.open.last ?? last
        }
        #expect(rig.state.trials.allSatisfy { $0.losses == 0 })
    }
}
