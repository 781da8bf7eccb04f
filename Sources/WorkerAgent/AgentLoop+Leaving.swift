// SPDX-License-Identifier: MIT

import Logging
import SweepModel
import WorkerProtocol

/// The way out.
extension AgentLoop {
    /// Follows an order that is new.
    func obey(_ now: Instant) {
        let wanted = orders.current
        guard wanted > order else { return }
        order = wanted
        orderedAt = now
        session.leaving = "this worker is leaving"
        handBackWaiting()
        switch wanted {
        case .none, .drain: break
        case .stop: for attempt in attempts { attempt.terminate(.workerStops, now: now) }
        case .kill: for attempt in attempts { attempt.kill() }
        }
    }

    /// How a handshake is refused is not encrypted: whoever can come between says it as well as the coordinator, and must
    /// not be able to end what runs. It is believed where nothing is lost by it: at the start, and when no coordinator was
    /// heard for so long that nothing runs any more. (A key that is revoked while its worker is connected is told so within
    /// the session, where nobody else can speak.)
    func hearRefusal(_ now: Instant) {
        let isOffline = attempts.isEmpty && now - session.heardAt >= options.offlineRun
        if !session.hasBegun || isOffline {
            leave(
                refused:
                    "the coordinator does not accept this worker's key: it was revoked, or it is another coordinator's; "
                    + "ask for a new invitation (sweepd invite)")
            return
        }
        if refusedSince != session.heardAt {
            refusedSince = session.heardAt
            log.warning(
                """
                a connection was refused, by somebody who need not be the coordinator: trials go on, and it is tried \
                again. If this worker's key was revoked, it needs a new invitation (sweepd invite)
                """)
        }
        session.handshakeRefused(now: now)
    }

    /// Training goes on without a coordinator, and its events wait; but not for ever.
    func giveUpOffline(_ now: Instant) {
        guard now - session.heardAt >= options.offlineRun else {
            hasGivenUp = false
            return
        }
        guard !hasGivenUp, !attempts.isEmpty else { return }
        hasGivenUp = true
        log.warning("no word from a coordinator for \(options.offlineRun.components.seconds) s: stopping what runs")
        for attempt in attempts { attempt.terminate(.offline(options.offlineRun), now: now) }
    }

    /// Nothing runs here, nor is about to.
    var isUnoccupied: Bool { attempts.isEmpty && preparations.isEmpty }

    /// Only time in which a coordinator was there counts: one that is away, as while it is started again, has nothing
    /// to give, which says nothing of how much it will have. A worker that nobody comes back to goes too, in the end.
    func leaveWhenIdle(_ now: Instant) {
        guard let limit = options.idleLimit, order == .none else { return }
        if isUnoccupied, now - attendedAt >= options.offlineRun {
            log.warning("no word from a coordinator for \(options.offlineRun.components.seconds) s: leaving")
            orders.give(.drain)
            return
        }
        guard isUnoccupied, waiting.isEmpty, session.unacknowledged == 0, session.isEstablished else {
            idleSince = nil
            return
        }
        let since = idleSince ?? now
        idleSince = since
        guard attendedAt - since >= limit else { return }
        log.info("nothing to do for \(limit.components.seconds) s: leaving")
        orders.give(.drain)
    }

    /// What was not brought to its end is released by the goodbye itself, and charged to nobody: its reports and its last
    /// checkpoint must be durable before, or the next attempt would not find them. What was brought to its end would be
    /// lost with this worker, which has the only copy.
    func leaveWhenDone(_ now: Instant) {
        guard order != .none, attempts.isEmpty else { return }
        let since = waitsSince ?? now
        waitsSince = since
        // A goodbye that nobody hears hands nothing back.
        let isSettled = session.unacknowledged == 0 && (session.isEstablished || session.heldFences.isEmpty)
        guard isSettled || now >= givesUpAt(since) else {
            orders.setWaiting()
            if now >= since + Self.silentWait { tellWait(since) }
            return
        }
        perform(session.leave(reason: order == .drain ? "drained" : "stopped", now: now))
        hasLeft = true
    }

    /// A wait that is as short as usual is not worth a word.
    private static let silentWait: Duration = .seconds(1)
    /// Whoever orders the worker killed waits no longer than this for an answer that may be under way.
    private static let lastMoment: Duration = .seconds(5)

    private func givesUpAt(_ since: Instant) -> Instant {
        switch order {
        // Nobody is in a hurry. A coordinator that is there and has no room on its disk acknowledges when it has.
        case .none, .drain: max(since, attendedAt) + options.offlineRun
        case .stop: max(since, orderedAt) + options.goodbye
        case .kill:
            session.isEstablished ? max(since, orderedAt) + min(options.goodbye, Self.lastMoment) : orderedAt
        }
    }

    /// When the wait has to be looked at though nothing happens.
    func waitDeadlines(_ since: Instant) -> [Instant] {
        hasToldWait ? [givesUpAt(since)] : [givesUpAt(since), since + Self.silentWait]
    }

    private func tellWait(_ since: Instant) {
        guard !hasToldWait else { return }
        hasToldWait = true
        let limit = (givesUpAt(since) - since).components.seconds
        let hint = options.wayOut.map { "; \($0)" } ?? ""
        guard session.unacknowledged > 0 else {
            log.warning("waiting for the coordinator, to hand trials back to it, for up to \(limit) s\(hint)")
            return
        }
        log.warning(
            """
            waiting for the coordinator to acknowledge what only this worker has, for up to \(limit) s: \
            \(unacknowledged)\(hint)
            """)
    }

    /// Nil where everything is with the coordinator.
    func lossAtTheEnd() -> String? {
        guard session.unacknowledged > 0 else { return nil }
        let loss = "left before the coordinator acknowledged everything; lost with this worker: \(unacknowledged)"
        log.error("\(loss)")
        return loss
    }

    private var unacknowledged: String {
        let leases = session.unacknowledgedLeases
        let shown = leases.prefix(20).map { lease in
            let events = lease.events == 1 ? "1 event" : "\(lease.events) events"
            return "\(events) of trial \(lease.trial) of sweep \(lease.sweep) (attempt \(lease.fence))"
        }
        let more = leases.count > shown.count ? ", and \(leases.count - shown.count) more trials" : ""
        return shown.joined(separator: ", ") + more
    }
}
