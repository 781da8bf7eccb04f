// SPDX-License-Identifier: MIT

package import OrderedCollections
package import SweepModel
import WorkerProtocol

/// A worker the engine knows of. Everything but `facts` is of this process's life only.
package struct WorkerState: Hashable, Sendable {
    package internal(set) var facts: WorkerFacts
    package internal(set) var prefetch = 0
    /// nil until it has said hello to this process.
    package internal(set) var connection: Connection?
    /// It has said hello over others since these: what still comes from them was sent before. The latest of them.
    private(set) var superseded: OrderedSet<Connection> = []
    /// When the transport found nobody behind its connection any more.
    var disconnectedAt: Instant?
    package internal(set) var session = ""
    package internal(set) var lastHeard: Instant?
    package internal(set) var leases: OrderedSet<Fence> = []
    /// It gets no lease before this, after it handed one back.
    var restsUntil: Instant?
    /// Leases handed back since its last success.
    var rests = 0
    /// Trials that failed on it quickly, one after the other: it may be the worker.
    var quickFailures: OrderedSet<TrialID> = []
    /// Whether a trial has come to its end on it in this process's life.
    var hasSucceeded = false
    /// It gets nothing new, on the operator's word.
    package internal(set) var isDraining = false
    /// The protocol's version that its session speaks.
    var version = ProtocolLimits.versions.upperBound
    /// Since when it gets nothing new because its trials failed; for people.
    package internal(set) var quarantinedUntil: Instant?
    /// Seconds its trials take, exponentially averaged; nil before the first.
    var recentSeconds: Double?

    private static let mostSuperseded = 64

    mutating func supersede(_ connection: Connection) {
        superseded.append(connection)
        if superseded.count > Self.mostSuperseded { superseded.removeFirst() }
    }

    /// Leases it may hold now. It gets leases ahead only while its trials are so short that fetching them one by one
    /// would be felt; with long trials a lease ahead would keep a trial from a worker that is free.
    var capacity: Int {
        guard let recentSeconds, recentSeconds < 0.5 else { return facts.slots }
        return facts.slots + prefetch
    }
}

/// How long the engine waits for what.
package struct EngineTimers: Hashable, Sendable {
    package var heartbeat: Duration = .seconds(5)
    /// Not heard of for so long: no new leases.
    package var suspect: Duration = .seconds(15)
    /// Not heard of for so long: its leases are released.
    package var leaseLifetime: Duration = .seconds(60)
    /// What live leases of workers that outlive the coordinator get after its start.
    package var resumeGrace: Duration = .seconds(120)
    /// An unanswered offer is repeated after this.
    package var offerRepeat: Duration = .seconds(1)
    /// An unanswered offer is taken back after this.
    package var offerTimeout: Duration = .seconds(15)
    /// The same where the transport knows of nobody at the other end.
    package var disconnectedOffer: Duration = .seconds(2)
    /// A trial that was accepted and has a slot has to begin within this.
    package var startTimeout: Duration = .seconds(600)
    /// A worker that keeps handing back leases is tried at least this often.
    package var longestRest: Duration = .seconds(60)
    /// A trial may be lost this often before it counts as failed.
    package var maximumLosses = 3
    /// So many quick failures at the start without one success pause the sweep.
    package var quickFailureLimit = 3
    /// So many different trials in a row that fail quickly on one worker put it into quarantine, for so long.
    package var quarantineLimit = 3
    package var quarantine: Duration = .seconds(600)
    /// What "quick" is.
    package var quickFailure: Duration = .seconds(60)
    package init() {}

    /// For networks that are away for longer than a minute: who is silent gets nothing new after a quarter of the lifetime,
    /// and a start gives twice as long.
    package init(leaseLifetime: Duration) {
        self.leaseLifetime = leaseLifetime
        suspect = max(suspect, .milliseconds(leaseLifetime.milliseconds / 4))
        resumeGrace = max(resumeGrace, leaseLifetime * 2)
    }
}
