// SPDX-License-Identifier: MIT

import SweepModel
import Testing
import WorkerProtocol

@Suite struct SimulationTests {
    #if DEBUG
    private static let runs: UInt64 = 50
    #else
    private static let runs: UInt64 = 2000
    #endif

    private static let menus: [(name: String, faults: SimulatedWorld.Faults)] = [
        ("none", .none),
        ("loss", .init(dropped: 300)),
        ("duplication", .init(duplicated: 500)),
        ("reordering", .init(delay: 3000)),
        ("crashes", .init(crash: 5)),
        ("everything", .init(dropped: 200, duplicated: 200, delay: 2000, crash: 3, stop: 5)),
    ]

    @Test(arguments: menus)
    func everythingArrivesOnceInOrder(name: String, faults: SimulatedWorld.Faults) throws {
        for seed in 1...Self.runs {
            var world = SimulatedWorld(seed: seed)
            for _ in 0..<1500 where !(world.coordinator.isDone && world.session.heldFences.isEmpty) {
                try world.step(faults)
                try check(world, "\(name), seed \(seed), \(world.now) ms")
            }
            // The faults end: then everything has to, within two beats, the longest waits and a silence.
            let deadline = world.now + 240_000
            while world.now < deadline, !(world.coordinator.isDone && world.session.heldFences.isEmpty) {
                try world.step(.none)
                try check(world, "\(name), seed \(seed), \(world.now) ms, after the faults")
            }
            try #require(world.coordinator.isDone, "\(name), seed \(seed): not everything was delivered")
            try #require(world.session.heldFences.isEmpty, "\(name), seed \(seed): leases are left over")
            try #require(world.session.unacknowledged == 0, "\(name), seed \(seed)")
            for fence in world.coordinator.fences {
                try #require(
                    world.coordinator.attempts[fence]?.durable == world.recorded[fence],
                    "\(name), seed \(seed), attempt \(fence)")
            }
        }
    }

    private func check(_ world: SimulatedWorld, _ place: String) throws {
        try #require(world.violations.isEmpty, "\(place): \(world.violations)")
        try #require(world.coordinator.violations.isEmpty, "\(place): \(world.coordinator.violations)")
        for fence in world.coordinator.fences {
            let durable = world.coordinator.attempts[fence]?.durable ?? []
            let recorded = world.recorded[fence] ?? []
            try #require(recorded.starts(with: durable), "\(place): attempt \(fence)")
        }
    }
}
