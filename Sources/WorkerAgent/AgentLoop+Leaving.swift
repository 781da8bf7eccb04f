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

    func leaveWhenIdle(_ now: Instant) {
        guard let limit = options.idleLimit, order == .none else { return }
        let isIdle = attempts.isEmpty && waiting.isEmpty && preparations.isEmpty && session.unacknowledged == 0
        guard isIdle else {
            idleSince = nil
            return
        }
        let since = idleSince ?? now
        idleSince = since
        guard now - since >= limit else { return }
        log.info("nothing to do for \(limit.components.seconds) s: leaving")
        orders.give(.drain)
    }

    /// What was not brought to its end is released by the goodbye itself, and charged to nobody: its reports and its last
    /// checkpoint must be durable before, or the next attempt would not find them.
    func leaveWhenDone(_ now: Instant) {
        guard order != .none, attempts.isEmpty else { return }
        let deadline = goodbyeAt ?? now + options.goodbye
        goodbyeAt = deadline
        guard session.unacknowledged == 0 || now >= deadline else { return }
        perform(session.leave(reason: order == .drain ? "drained" : "stopped", now: now))
        hasLeft = true
    }
}
