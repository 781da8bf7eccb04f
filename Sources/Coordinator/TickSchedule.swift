// SPDX-License-Identifier: MIT

import SweepEngine
import SweepModel

/// When the engine looks at its clocks.
///
/// A worker whose words wait here unread has not fallen silent, and an offer whose answer waits is answered: under load the
/// tick is put off until everything is read, or for so long that the engine counts it as a stall of our own.
struct TickSchedule {
    private(set) var next: Instant
    /// What the engine takes for a stall.
    private let stall: Duration

    init(from now: Instant, timers: EngineTimers) {
        next = now
        stall = timers.suspect
    }

    func isDue(at now: Instant, hasReadAll: Bool) -> Bool {
        now >= next && (hasReadAll || now - next >= stall)
    }

    mutating func ticked(at now: Instant, _ engine: borrowing Engine) {
        next = engine.nextDeadline(now: now)
    }
}
