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
