// SPDX-License-Identifier: MIT

import SweepModel

/// How long a worker's session waits for what. The defaults are those of `Docs/protocol.md`.
package struct SessionTimers: Hashable, Sendable {
    /// Until the welcome names the coordinator's.
    package var heartbeat: Duration = .seconds(5)
    /// Doubles up to the maximum, ±20 %.
    package var helloRetry: Duration = .seconds(1)
    package var maximumHelloRetry: Duration = .seconds(32)
    /// After which everything unacknowledged is sent again; doubles up to the maximum, ±20 %.
    package var acknowledgement: Duration = .seconds(5)
    package var maximumAcknowledgement: Duration = .seconds(30)
    /// Heartbeats without a word until the connection is taken for dead.
    package var patience = 3
    /// After a fatal refusal.
    package var refusalPause: Duration = .seconds(60)
    /// When a message could not be queued because the connection does not stand yet; doubles up to `helloRetry`.
    package var queueRetry: Duration = .milliseconds(20)

    package init() {}
}

/// A wait that doubles, with a jitter that depends on the worker's boot alone.
struct BackOff: Hashable, Sendable {
    private let first: Duration
    private let maximum: Duration
    private var wait: Duration
    private var jitter: UInt64

    init(first: Duration, maximum: Duration, boot: String) {
        self.first = first
        self.maximum = maximum
        wait = first
        // FNV-1a.
        jitter = boot.utf8.reduce(0xCBF2_9CE4_8422_2325) { ($0 ^ UInt64($1)) &* 0x0000_0100_0000_01B3 }
    }

    mutating func reset() {
        wait = first
    }

    /// The next point in time; the one after it will be twice as far.
    mutating func next(after now: Instant) -> Instant {
        // Knuth's linear congruential generator; the upper bits are good enough to keep workers from moving in step.
        jitter = jitter &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
        let permille = 800 + Int64(jitter >> 33) % 401
        let instant = now + .milliseconds(wait.milliseconds * permille / 1000)
        wait = min(wait * 2, maximum)
        return instant
    }
}
