// SPDX-License-Identifier: MIT

import SweepModel
import WorkerProtocol

/// The way out.
extension AgentLoop {
    /// Follows an order that is new.
    func obey(_ now: Instant) {
        let wanted = orders.current
        guard wanted > order else { return }
        order = wanted
        unprepare()
        switch wanted {
        case .none, .drain: break
        case .stop: for attempt in attempts { attempt.terminate(.workerStops, now: now) }
        case .kill: for attempt in attempts { attempt.kill() }
        }
    }

    /// Leases that never began are released by the goodbye itself.
    func leaveWhenDone(_ now: Instant) {
        guard order != .none, attempts.isEmpty else { return }
        let deadline = goodbyeAt ?? now + options.goodbye
        goodbyeAt = deadline
        guard session.unacknowledged == 0 || now >= deadline else { return }
        perform(session.leave(reason: order == .drain ? "drained" : "stopped", now: now))
        hasLeft = true
    }
}
