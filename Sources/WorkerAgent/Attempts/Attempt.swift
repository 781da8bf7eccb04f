// SPDX-License-Identifier: MIT

import Foundation
import SweepModel
import WorkerProtocol

/// One attempt and everything that belongs to it: child, pipe, sockets, limits. It lives on the agent's thread.
final class Attempt {
    enum Phase {
        case running
        /// The child is gone; what it left in pipes and sockets is read until their end, or until the time is up.
        case draining(ChildProcess.Exit, since: Instant)
        case over
    }

    /// A process that left the group may hold the pipe open for ever.
    static let drainLimit = Duration.seconds(1)
    /// From SIGTERM to SIGKILL for a script that had its whole grace time after being asked.
    static let afterTerminate = Duration.seconds(10)

    let lease: Lease
    let slot: Int
    let child: ChildProcess
    let listener: ReportListener
    var log: OutputLog
    var pattern: MetricPattern?
    let startedAt: Double

    var phase = Phase.running
    var connections: [ReportConnection] = []
    /// The checkpoint that is being looked at, and its report.
    var look: (look: CheckpointLook, report: ReportLine, connection: ReportConnection)?
    /// Lines that came after it: an attempt's events keep their order.
    var waitingLines: [(line: LineSplitter.Line, connection: ReportConnection)] = []
    /// A look was in vain, and its thread may hang yet: there are no more.
    var storageIsSilent = false
    /// Starts a look at a path.
    let startLook: (String) -> CheckpointLook
    var outputIsAtEnd = false
    var tail = OutputTail()
    var lines = LineSplitter(limit: MetricPattern.maximumLineBytes)
    var progress: ReportProgress
    var termination: Termination?
    /// The next signal to send, and when.
    var pendingSignal: (signal: Int32, at: Instant)?
    var timeLimit: Instant?
    var peakMemory: Int64 = 0

    init(
        lease: Lease, slot: Int, child: consuming ChildProcess, listener: consuming ReportListener,
        log: consuming OutputLog, pattern: MetricPattern?, now: Instant,
        startLook: @escaping (String) -> CheckpointLook
    ) {
        self.lease = lease
        self.slot = slot
        self.child = child
        self.listener = listener
        self.log = log
        self.pattern = pattern
        self.startLook = startLook
        startedAt = BootClock.seconds
        progress = ReportProgress(objective: lease.objective, resumedFrom: lease.resume?.step)
        timeLimit = lease.timeLimit.map { now + $0 }
    }

    var fence: Fence { lease.fence }

    var isRunning: Bool {
        if case .running = phase { true } else { false }
    }

    // MARK: Ending it

    /// Ends the child: a script that follows along is asked and has the grace time before SIGTERM, any other gets
    /// SIGTERM at once; then SIGKILL. Only the first reason counts, except that nothing outranks being abandoned.
    func terminate(_ reason: Termination, now: Instant) {
        guard isRunning else {
            if reason == .abandoned || reason == .workerStops && awaitsSharedSignal { termination = reason }
            return
        }
        switch reason {
        case .abandoned, .memoryLimit:
            termination = reason == .abandoned ? reason : termination ?? reason
            pendingSignal = nil
            child.signalGroup(SIGKILL)
        case .stop, .workerStops, .offline, .timeLimit:
            guard termination == nil else { return }
            termination = reason
            let followers = connections.filter { $0.followsAlong && !$0.isAtEnd }
            if followers.isEmpty {
                child.signalGroup(SIGTERM)
                pendingSignal = (SIGKILL, now + lease.grace)
            } else {
                for connection in followers { tellToStop(connection) }
                pendingSignal = (SIGTERM, now + lease.grace)
            }
        }
    }

    /// Ends the child at once, for the worker's sake.
    func kill() {
        if awaitsSharedSignal { termination = .workerStops }
        guard isRunning else { return }
        termination = termination ?? .workerStops
        pendingSignal = nil
        child.signalGroup(SIGKILL)
    }

    func tellToStop(_ connection: ReportConnection) {
        let reason: String? =
            switch termination {
            case .stop(let reason): reason
            case .workerStops: "the worker is stopping"
            case .offline: "no coordinator answers"
            case .timeLimit: "the trial's time is up"
            case .memoryLimit, .abandoned, nil: nil
            }
        guard let reason else { return }
        connection.send([.init("type", .string("stop")), .init("reason", .string(reason))])
    }

    /// Limits and signals that are due.
    func tick(now: Instant) {
        guard isRunning else { return }
        if let limit = timeLimit, now >= limit, let duration = lease.timeLimit {
            timeLimit = nil
            terminate(.timeLimit(duration), now: now)
        }
        if let next = pendingSignal, now >= next.at {
            child.signalGroup(next.signal)
            pendingSignal = next.signal == SIGTERM ? (SIGKILL, now + min(lease.grace, Self.afterTerminate)) : nil
        }
    }

    /// When `tick` has something to do; nil when only the child can bring news.
    var nextDeadline: Instant? {
        switch phase {
        case .running: [timeLimit, pendingSignal?.at, look?.look.deadline].compactMap { $0 }.min()
        case .draining(_, let since): since + (awaitsSharedSignal ? Self.sharedSignalLimit : Self.drainLimit)
        case .over: nil
        }
    }

    /// Reaps the child if it has ended.
    func reap(now: Instant) -> Bool {
        guard isRunning, let exit = child.reap() else { return false }
        phase = .draining(exit, since: now)
        return true
    }
}
