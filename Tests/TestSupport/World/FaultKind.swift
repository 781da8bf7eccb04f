// SPDX-License-Identifier: MIT

/// What goes wrong. Storms are faults that last: the messages they hit are counted beside them, in the tally.
package enum FaultKind: Int, CaseIterable, Sendable {
    /// Of one worker's messages, either way: up to 30 % lost, up to 20 % doubled, delayed by up to ten minutes, damaged.
    case lossStorm, duplicationStorm, delayStorm, corruptionStorm
    case partitionUp, partitionDown, partitionBoth
    /// The worker's socket is replaced, or the coordinator's end of it.
    case newConnection, newRoute
    case crashBeforeCommit, crashAfterCommit, crashAfterSend
    /// The coordinator begins again with an older copy of its database.
    case restore
    case diskFull, fsyncError, slowDisk
    case workerCrash, workerPause, workerLeaves
    case childHang, childCrash, childStarved
    case wallJump
    /// A worker of the version before or after ours takes another's place.
    case olderPeer, newerPeer
    /// Nothing more is taken from an identity.
    case revocation
    /// A worker speaks of another's lease.
    case impostor
    /// A worker's decoder changes a lease's parameters.
    case badDecoder

    var isStorm: Bool { rawValue <= FaultKind.corruptionStorm.rawValue }
}

/// How often what happened; a simulation in which nothing happens cannot fail.
package struct Tally: Sendable {
    package private(set) var faults = [Int](repeating: 0, count: FaultKind.allCases.count)
    /// Paths of the engine and the session that are rare without faults.
    package private(set) var paths = [Int](repeating: 0, count: Path.allCases.count)

    package init() {}

    package enum Path: Int, CaseIterable, Sendable {
        case droppedMessage, doubledMessage, delayedMessage, damagedMessage, refusedFrame
        case resync, nack, abandonedLease, stoppedLease, keptLease, refusedVersion
        case lost, declined, left, restarted, forgotten, charged, settledAfterLoss, infeasible
        case judgedStopped, judgedPaused, judgedControl, judgedDryRun, promoted, retired
        case asked, told, retried, continued, repeated, baseline, cancelledTrial, stopRequested
        case pausedByUser, pausedByFailures, finished, exhausted, redefined, discarded, drained, handedBack
        case clockDrift, prefetched, fullWindow, mild, fencesRaised, enqueued, stoppedSweep, unreachable, unstarted,
            readopted
    }

    package mutating func count(_ kind: FaultKind) { faults[kind.rawValue] += 1 }
    package mutating func count(_ path: Path) { paths[path.rawValue] += 1 }
    package subscript(_ kind: FaultKind) -> Int { faults[kind.rawValue] }
    package subscript(_ path: Path) -> Int { paths[path.rawValue] }

    /// Faults that were injected; the messages a storm hit are not counted one by one.
    package var total: Int { faults.reduce(0, +) }

    package mutating func add(_ other: Tally) {
        for place in faults.indices { faults[place] += other.faults[place] }
        for place in paths.indices { paths[place] += other.paths[place] }
    }

    /// What never happened.
    package var missing: [String] {
        FaultKind.allCases.filter { self[$0] == 0 }.map { "\($0)" }
            + Path.allCases.filter { self[$0] == 0 }.map { "\($0)" }
    }

    package var description: String {
        let one = FaultKind.allCases.map { "\($0)=\(self[$0])" }
        let other = Path.allCases.map { "\($0)=\(self[$0])" }
        return (one + other).joined(separator: " ")
    }
}
