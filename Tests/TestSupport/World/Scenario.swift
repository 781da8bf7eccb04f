// SPDX-License-Identifier: MIT

import SweepEngine
import SweepModel
import WorkerProtocol

/// What a run is made of, drawn from its seed: a swarm, in which no two runs are alike.
package struct Scenario: Sendable {
    /// Everybody's patience and every duration is so many times the default.
    var scale: Int64 = 1
    var workers: [WorkerPlan] = []
    var sweeps: [SweepPlan] = []
    /// How many faults are injected, and how far they are apart on average.
    package var faults = 0
    var faultInterval: Int64 = 1000
    /// By `FaultKind.rawValue`.
    var weights: [Int] = Array(repeating: 0, count: FaultKind.allCases.count)
    /// No fault lasts as long as a quarter of a lease's life, and no worker has two at a time: nobody may be given up.
    package var isMild = false
    var wishInterval: Int64 = 0
    var stepTime: ClosedRange<Int> = 200...2000
    /// Events a worker may have unacknowledged, in place of the engine's own number.
    var window = ProtocolLimits.window
    /// Chances per trial or step.
    var userFailure = 0.0
    var nonFinite = 0.0
    /// What is reported then; in journals that are compared, infinity, since NaN equals nothing.
    var nonFiniteValue = Double.nan
    var checkpoint = 0.3
    /// Sends fail at once while the coordinator is away, as with a socket that queues nothing for nobody.
    var isImmediate = false
    var batch = 16
    var drift: Int64 = 0
    /// The turn, and the point in it, at which the coordinator crashes.
    package var crash: (turn: Int, point: FaultKind)?
    var networkDelay: ClosedRange<Int> = 1...20

    struct WorkerPlan: Sendable {
        let slots: Int
        let prefetch: Int
        let isLocal: Bool
        let drift: Int64
        var labels: [String] = []
        /// It came in with a key.
        var hasKey = true
    }

    struct SweepPlan: Sendable {
        var definition: SweepDefinition
        /// Proposals come from a stand-in for a sampler that learns.
        var isAdaptive = false
        var steps: ClosedRange<Int> = 1...6
        var spaceSize: Int?
    }

    var engineTimers: EngineTimers {
        var timers = EngineTimers()
        let factor = Int(scale)
        timers.heartbeat = timers.heartbeat * factor
        timers.suspect = timers.suspect * factor
        timers.leaseLifetime = timers.leaseLifetime * factor
        timers.resumeGrace = timers.resumeGrace * factor
        timers.offerRepeat = timers.offerRepeat * factor
        timers.offerTimeout = timers.offerTimeout * factor
        timers.disconnectedOffer = timers.disconnectedOffer * factor
        timers.startTimeout = .seconds(90 * factor)
        timers.longestRest = timers.longestRest * factor
        timers.quarantine = timers.quarantine * factor
        return timers
    }

    var sessionTimers: SessionTimers {
        var timers = SessionTimers()
        let factor = Int(scale)
        timers.heartbeat = timers.heartbeat * factor
        timers.helloRetry = timers.helloRetry * factor
        timers.maximumHelloRetry = timers.maximumHelloRetry * factor
        timers.acknowledgement = timers.acknowledgement * factor
        timers.maximumAcknowledgement = timers.maximumAcknowledgement * factor
        timers.refusalPause = timers.refusalPause * factor
        timers.queueRetry = timers.queueRetry * factor
        return timers
    }

    package static func drawn(_ random: inout SeededRandom) -> Scenario {
        var scenario = Scenario()
        scenario.scale = [1, 1, 1, 2, 6][random.int(0...4)]
        scenario.isMild = random.chance(0.12)
        scenario.drift = random.chance(0.5) ? Int64(random.int(-50_000...50_000)) : 0
        scenario.workers = (0..<random.skewed(1...8)).map { _ in
            WorkerPlan(
                slots: random.skewed(1...4), prefetch: random.chance(0.4) ? random.int(1...3) : 0,
                isLocal: random.chance(0.3),
                drift: random.chance(0.5) ? Int64(random.int(-50_000...50_000)) : 0)
        }
        scenario.workers[0].labels = ["gpu"]
        scenario.faults = random.skewed(30...300)
        scenario.faultInterval = Int64(random.skewed(500...20_000)) * scenario.scale
        scenario.weights = FaultKind.allCases.map { kind in
            if scenario.isMild, !kind.mayBeMild { return 0 }
            return random.chance(0.5) ? random.int(1...20) : 0
        }
        if scenario.weights.allSatisfy({ $0 == 0 }) { scenario.weights[FaultKind.crashAfterCommit.rawValue] = 1 }
        if scenario.isMild { scenario.faultInterval = max(scenario.faultInterval, 5000 * scenario.scale) }
        // Databases are seldom restored: most of what was won would be lost again and again.
        if !random.chance(0.3) { scenario.weights[FaultKind.restore.rawValue] = 0 }
        scenario.wishInterval = random.chance(0.6) ? Int64(random.skewed(2000...120_000)) * scenario.scale : 0
        let quickest = random.skewed(50...3000) * Int(scenario.scale)
        scenario.stepTime = quickest...(quickest * random.int(1...6))
        if random.chance(0.4) { scenario.window = random.int(1...12) }
        if random.chance(0.6) { scenario.userFailure = Double(random.int(0...30)) / 100 }
        if random.chance(0.3) { scenario.nonFinite = Double(random.int(1...20)) / 100 }
        scenario.checkpoint = Double(random.int(0...100)) / 100
        scenario.isImmediate = random.chance(0.5)
        scenario.batch = random.skewed(1...64)
        scenario.sweeps = (0..<random.skewed(1...3)).map { number in SweepPlan.drawn(number, &random) }
        return scenario
    }

    /// Like any other but short: for tests that want a journal in which everything may happen.
    package static func brief(_ random: inout SeededRandom) -> Scenario {
        var scenario = drawn(&random)
        scenario.workers = Array(scenario.workers.prefix(3))
        scenario.sweeps = Array(scenario.sweeps.prefix(1))
        scenario.sweeps[0].definition.trials = random.int(3...15)
        scenario.nonFiniteValue = .infinity
        scenario.faults = random.int(5...20)
        scenario.faultInterval = min(scenario.faultInterval, 3000 * scenario.scale)
        scenario.weights[FaultKind.restore.rawValue] = 0
        return scenario
    }

    /// A brief one of what the first version could do: it had no model, no early stopping, no callers and deleted no
    /// checkpoints.
    static func early(_ random: inout SeededRandom) -> Scenario {
        var scenario = brief(&random)
        scenario.wishInterval = 0
        for place in scenario.workers.indices {
            scenario.workers[place].labels = []
            scenario.workers[place].hasKey = false
        }
        scenario.sweeps[0].definition.placement = Placement()
        scenario.checkpoint = 0
        scenario.nonFinite = 0
        scenario.sweeps[0].isAdaptive = false
        scenario.sweeps[0].definition.earlyTermination = nil
        scenario.sweeps[0].definition.deterministicPending = nil
        if scenario.sweeps[0].definition.method == .tpe { scenario.sweeps[0].definition.method = .random }
        return scenario
    }

    /// Two workers, three trials, no fault but the crash that is planned.
    package static func small(_ number: UInt64) -> Scenario {
        var random = SeededRandom(seed: 0x5311 &+ number)
        var scenario = Scenario()
        scenario.workers = (0..<2).map { _ in
            WorkerPlan(slots: random.int(1...2), prefetch: random.int(0...1), isLocal: random.chance(0.3), drift: 0)
        }
        scenario.stepTime = 300...900
        scenario.batch = random.int(1...8)
        scenario.checkpoint = 0.5
        scenario.userFailure = random.chance(0.4) ? 0.3 : 0
        scenario.nonFinite = random.chance(0.2) ? 0.2 : 0
        var plan = SweepPlan.drawn(0, &random)
        plan.definition.trials = 3
        plan.definition.placement = Placement()
        plan.definition.repeats = min(plan.definition.repeats, 2)
        plan.steps = 1...4
        scenario.sweeps = [plan]
        return scenario
    }
}

extension FaultKind {
    /// Harmless to every lease when it is short.
    var mayBeMild: Bool {
        switch self {
        case .duplicationStorm, .delayStorm, .corruptionStorm, .partitionUp, .partitionDown, .partitionBoth,
            .newConnection, .newRoute, .crashBeforeCommit, .crashAfterCommit, .crashAfterSend, .diskFull, .fsyncError,
            .slowDisk, .workerPause, .childHang, .childCrash, .wallJump, .impostor:
            true
        case .lossStorm, .restore, .workerCrash, .workerLeaves, .childStarved, .olderPeer, .newerPeer, .revocation,
            .badDecoder:
            false
        }
    }
}

extension SeededRandom {
    /// Small numbers more often than large ones: evenly spread in the logarithm of the distance to the lower bound.
    mutating func skewed(_ range: ClosedRange<Int>) -> Int {
        let span = range.upperBound - range.lowerBound
        var highest = span
        // Halved by a coin up to three times: no library function decides a run.
        for _ in 0..<3 where chance(0.5) { highest = (highest + 1) / 2 }
        return range.lowerBound + int(0...max(0, highest))
    }
}
