// SPDX-License-Identifier: MIT

import SweepModel

/// One machine's clocks: `boot` runs a little fast or slow, `wall` jumps.
struct MachineClock {
    let drift: Int64
    private let start: Int64
    var wallOffset: Int64 = 1_700_000_000_000

    /// - Parameter drift: in parts per million.
    init(drift: Int64, start: Int64) {
        self.drift = drift
        self.start = start
    }

    func boot(_ now: Int64) -> Instant { Instant(milliseconds: start + now + now * drift / 1_000_000) }

    func wall(_ now: Int64) -> Timestamp { Timestamp(milliseconds: now + wallOffset) }

    /// When this machine's boot clock has come to `instant`.
    func time(_ instant: Instant) -> Int64 {
        let local = instant.milliseconds - start
        var time = local - local * drift / (1_000_000 + drift)
        while boot(time) < instant { time += 1 }
        return time
    }
}
