// SPDX-License-Identifier: MIT

package import SweepModel

/// The worker's side of the session: what to say when, and what becomes of what is heard. No sockets, no clock.
///
///     idle ──connected──▶ greeting ──welcome──▶ established ──leave──▶ left
///                            ▲  ▲                  │  │
///                            │  └──────resync──────┘  │
///                            └───connected (after a silence, `reconnect`)
///     any ──fatal error──▶ refused ──a minute──▶ greeting
///
/// - greeting: says hello, with every lease it holds, again and again until a welcome comes.
/// - established: says beat; sends events up to the window; goes back to the first unacknowledged event when the
///   acknowledgement does not come, and to the gap that a nack names.
///
/// Each welcome begins a new session: what was in flight counts as never sent, and the verdict on each lease (run, stop,
/// abandon) is obeyed. Attempts go on whatever the session does: their events are spooled until they are durable, in
/// order, each under (`fence`, `sequence`), so that nothing is lost and nothing counts twice.
///
/// A mirror of it in Python is `Workers/Python/src/sweepd/_session.py`.
package struct WorkerSession: Sendable {
    enum Phase: Hashable, Sendable {
        case idle, greeting, established, refused, left
    }

    /// Unacknowledged events at which trials have to wait: a coordinator that is away costs memory, not results.
    package static let spoolEvents = 20_000
    package static let spoolBytes = 64 << 20
    /// Fences that are over, so that a late copy of their lease starts nothing.
    static let rememberedFences = 4096

    let hello: Hello
    let timers: SessionTimers
    var phase = Phase.idle
    var session = ""
    var epoch: Int64 = 0
    /// Of the last welcome.
    var database = ""
    var window = 1
    var heartbeat: Duration
    var isDraining = false
    /// Whether it was ever welcomed.
    package internal(set) var hasBegun = false
    /// Why leases are declined; nil while they are taken.
    package var leaving: String?

    var attempts: [Fence: HeldAttempt] = [:]
    /// The keys of `attempts` in the order in which they were accepted.
    package internal(set) var heldFences: [Fence] = []
    /// Fences with events to send, the one that has waited longest first.
    var unsent: [Fence] = []
    var past: Set<Fence> = []
    /// The same as a ring.
    var pastInOrder: [Fence] = []
    var oldestPast = 0

    /// Recorded and not known to be durable.
    package internal(set) var unacknowledged = 0
    var unacknowledgedBytes = 0
    var inFlight = 0

    /// When the coordinator was last heard, or the session began to listen.
    package internal(set) var heardAt = Instant(milliseconds: 0)
    var greetedAt = Instant(milliseconds: 0)
    var helloAt = Instant(milliseconds: 0)
    var beatAt = Instant(milliseconds: 0)
    var resendAt = Instant(milliseconds: 0)
    var silentAt = Instant(milliseconds: 0)
    var helloBackOff: BackOff
    var resendBackOff: BackOff
    var queueBackOff: BackOff
    var refusalBackOff: BackOff

    /// - Parameter hello: who the worker is; what it says to be running is of no account.
    package init(hello: Hello, timers: SessionTimers = SessionTimers()) {
        self.hello = hello
        self.timers = timers
        heartbeat = timers.heartbeat
        helloBackOff = BackOff(first: timers.helloRetry, maximum: timers.maximumHelloRetry, boot: hello.boot)
        resendBackOff = BackOff(
            first: timers.acknowledgement, maximum: timers.maximumAcknowledgement, boot: hello.boot)
        queueBackOff = BackOff(first: timers.queueRetry, maximum: timers.helloRetry, boot: hello.boot)
        refusalBackOff = BackOff(first: timers.helloRetry, maximum: timers.maximumHelloRetry, boot: hello.boot)
    }

    /// No more room for reports: the agent stops reading them until events are acknowledged. What it records
    /// nevertheless is kept.
    package var isSpoolFull: Bool {
        unacknowledged >= Self.spoolEvents || unacknowledgedBytes >= Self.spoolBytes
    }

    /// When `tick` has something to do if nothing happens before.
    package var nextDeadline: Instant {
        switch phase {
        case .idle, .left: .never
        case .greeting: min(helloAt, silentAt)
        case .refused: helloAt
        case .established: inFlight > 0 ? min(beatAt, silentAt, resendAt) : min(beatAt, silentAt)
        }
    }

    /// Whether the coordinator has welcomed this worker and neither fallen silent nor sent it away since.
    package var isEstablished: Bool { phase == .established }

    /// What a lease would lose if this worker went now.
    package struct Unacknowledged: Hashable, Sendable {
        package let fence: Fence
        package let sweep: SweepID
        package let trial: Int
        package let events: Int
    }

    /// The leases with events that are not known to be durable, in the order in which they were accepted.
    package var unacknowledgedLeases: [Unacknowledged] {
        heldFences.compactMap { fence in
            guard let attempt = attempts[fence], attempt.unacknowledged > 0 else { return nil }
            return Unacknowledged(
                fence: fence, sweep: attempt.sweep, trial: attempt.trial, events: attempt.unacknowledged)
        }
    }

    /// How far the events of a held lease are; nil when it is over.
    package func held(_ fence: Fence) -> HeldLease? { attempts[fence]?.held }

    /// A fresh socket: whatever was under way on the old one is void.
    package mutating func connected(now: Instant) -> [WorkerEffect] {
        switch phase {
        case .left, .refused: return []
        case .idle, .greeting, .established: break
        }
        if phase == .idle { heardAt = now }
        silentAt = now + heartbeat * timers.patience
        queueBackOff.reset()
        return greet(now: now)
    }

    /// The socket was refused before a word was encrypted, and is dead: another is asked for, later each time until a
    /// welcome comes.
    package mutating func handshakeRefused(now: Instant) {
        switch phase {
        case .idle, .refused, .left: break
        case .greeting, .established: silentAt = refusalBackOff.next(after: now)
        }
    }

    /// What happens to an attempt, in the order it happens. Dropped where the attempt is over, abandoned or unknown.
    package mutating func record(_ event: AttemptEvent, for fence: Fence, now: Instant) -> [WorkerEffect] {
        record([event], for: fence, now: now)
    }

    /// The same for several events, which then share messages.
    package mutating func record(_ events: [AttemptEvent], for fence: Fence, now: Instant) -> [WorkerEffect] {
        // No copy of the attempt is held, or each append would copy its spool.
        guard let hadUnsent = attempts[fence]?.hasUnsent else { return [] }
        for event in events where attempts[fence]?.isOver == false {
            unacknowledgedBytes += attempts[fence]?.record(event) ?? 0
            unacknowledged += 1
        }
        if !hadUnsent, attempts[fence]?.hasUnsent == true { unsent.append(fence) }
        return sendEvents(now: now)
    }

    /// Says goodbye: the coordinator releases every lease at once. Nothing happens after it.
    package mutating func leave(reason: String, now: Instant) -> [WorkerEffect] {
        let isHeard = phase == .established
        phase = .left
        return isHeard ? [send(.bye(reason: reason))] : []
    }

    /// A message found no connection or no room. Hello, beat and events are soon tried again; leases are offered again
    /// by the coordinator. Without this call the session's own timers do the same, later.
    package mutating func notQueued(_ envelope: Envelope<WorkerMessage>, now: Instant) {
        switch (envelope.message, phase) {
        case (.hello, .greeting):
            // Nobody was greeted: the wait for an answer begins with the first hello that gets out.
            helloBackOff.reset()
            helloAt = min(helloAt, queueBackOff.next(after: now))
        case (.beat, .established): beatAt = min(beatAt, queueBackOff.next(after: now))
        case (.events, .established): resendAt = min(resendAt, queueBackOff.next(after: now))
        case (.hello, _), (.beat, _), (.events, _), (.accept, _), (.decline, _), (.bye, _): break
        }
    }
}

extension Instant {
    /// Far beyond any boot, and far from overflowing.
    static let never = Instant(milliseconds: 1 << 53)
}
