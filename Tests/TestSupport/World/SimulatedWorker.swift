// SPDX-License-Identifier: MIT

import SweepEngine
import SweepModel
import WorkerProtocol

/// A worker's process: the session that real workers have, and training that counts steps.
struct SimulatedWorker {
    struct Child {
        enum Mode { case training, hung, stopping }
        let lease: Lease
        var step: Int64
        let lastStep: Int64
        let begunAt: Int64
        var isStarted = false
        var mode = Mode.training
        var nextAt: Int64
    }

    /// What the transport says of it; a revoked identity is followed by another.
    var name: String
    let plan: Scenario.WorkerPlan
    let clock: MachineClock
    /// The first eight digits name the process.
    let boot: String
    /// Adds members that only a later version knows.
    let isNewer: Bool
    let versions: ClosedRange<Int>
    var connection: Connection
    var session: WorkerSession
    var children: [Child] = []
    var isAlive = true
    var isRevoked = false
    var pausedUntil: Int64 = 0
    /// The next planned wake-up; others are stale.
    var wakesAt: Int64 = .max
    /// Lies about the parameters of the next lease.
    var hasBadDecoder = false
    var sending = SendingRecord()
    /// Of the welcome it heard last; empty while it says hello.
    var sessionName = ""
    /// What arrives while it is paused.
    var mailbox: [[UInt8]] = []

    init(
        name: String, plan: Scenario.WorkerPlan, boot: Int, connection: Connection, versions given: ClosedRange<Int>?,
        timers: SessionTimers, drift: Int64
    ) {
        self.name = name
        self.plan = plan
        self.connection = connection
        clock = MachineClock(drift: drift, start: 77_000)
        let digits = String(boot, radix: 16)
        self.boot = String(repeating: "0", count: 8 - digits.count) + digits
        var hello = Hello(
            boot: self.boot + String(repeating: "0", count: 24), agent: "simulated 1", host: "here", processID: 1,
            slots: plan.slots, prefetch: plan.prefetch)
        if let given { hello.versions = given }
        isNewer = hello.versions.upperBound > ownVersions.upperBound
        hello.offer.labels = plan.labels
        self.versions = hello.versions
        session = WorkerSession(hello: hello, timers: timers)
    }

    var identity: PeerIdentity {
        PeerIdentity(name: name, isLocal: plan.isLocal, key: plan.isLocal || !plan.hasKey ? nil : name)
    }

    /// Those in the slots.
    var running: ArraySlice<Child> { children.prefix(plan.slots) }

    /// When there is something to do, in the world's time.
    func nextDue() -> Int64 {
        var due = clock.time(min(session.nextDeadline, Instant(milliseconds: 1 << 50)))
        for child in running { due = min(due, child.nextAt) }
        for child in children.dropFirst(plan.slots) where child.mode == .stopping { due = min(due, child.nextAt) }
        return due
    }
}

/// The versions that a worker of this release speaks.
let ownVersions = Hello(boot: "", agent: "", host: "", processID: 0, slots: 0).versions

/// What one session has under way, as seen from outside it.
struct SendingRecord {
    private var highest: [Fence: Int64] = [:]
    private var acknowledged: [Fence: Int64] = [:]
    /// The gap of each fence that was last filled.
    private var filled: [Fence: Int64] = [:]
    private(set) var window = 1

    /// A welcome, or everything unacknowledged is about to be sent again.
    mutating func restart(window: Int? = nil) {
        highest = [:]
        filled = [:]
        if let window { self.window = max(1, window) }
    }

    mutating func acknowledge(_ fence: Fence, _ sequence: Int64) {
        // Progress makes room for the same gap to be named anew.
        if sequence > acknowledged[fence] ?? 0 { filled[fence] = nil }
        acknowledged[fence] = max(acknowledged[fence] ?? 0, sequence)
    }

    mutating func goBack(_ fence: Fence, to sequence: Int64) {
        if let sent = highest[fence], sent >= sequence { highest[fence] = sequence - 1 }
    }

    mutating func forget(_ fence: Fence) {
        highest[fence] = nil
        acknowledged[fence] = nil
        filled[fence] = nil
    }

    mutating func send(_ events: [SequencedEvent]) {
        for event in events { highest[event.fence] = max(highest[event.fence] ?? 0, event.sequence) }
    }

    func sent(_ fence: Fence) -> Int64 { highest[fence] ?? 0 }

    /// Whether it is the first nack of that number since the last progress.
    mutating func isNews(_ gap: FenceSequence) -> Bool {
        filled.updateValue(gap.sequence, forKey: gap.fence) != gap.sequence
    }

    var outstanding: Int64 {
        highest.reduce(0) { $0 + max(0, $1.value - (acknowledged[$1.key] ?? 0)) }
    }
}
