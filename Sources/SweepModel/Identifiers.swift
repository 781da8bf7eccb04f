// SPDX-License-Identifier: MIT

/// A sweep within one data directory: 1, 2, 3, … in the order of creation, never reused.
package struct SweepID: Hashable, Comparable, Sendable, CustomStringConvertible {
    package let number: Int
    package init(_ number: Int) { self.number = number }
    package static func < (left: SweepID, right: SweepID) -> Bool { left.number < right.number }
    package var description: String { String(number) }
}

/// A trial: its number within its sweep, from 0. Not the index of the sampler's proposal.
package struct TrialID: Hashable, Comparable, Sendable, CustomStringConvertible {
    package let sweep: SweepID
    package let number: Int
    package init(sweep: SweepID, number: Int) {
        self.sweep = sweep
        self.number = number
    }
    package static func < (left: TrialID, right: TrialID) -> Bool {
        (left.sweep, left.number) < (right.sweep, right.number)
    }
    package var description: String { "\(sweep)/\(number)" }
}

/// Names one attempt (one lease of a trial by one worker). It only grows, over all sweeps and restarts of a data
/// directory; the highest fence owns the trial.
package struct Fence: Hashable, Comparable, Sendable, CustomStringConvertible {
    package let number: Int64
    package init(_ number: Int64) { self.number = number }
    package static func < (left: Fence, right: Fence) -> Bool { left.number < right.number }
    package var description: String { String(number) }
    package var next: Fence { Fence(number + 1) }
}

/// A worker's identity as the transport establishes it, never as a message claims it.
package struct WorkerID: Hashable, Comparable, Sendable, CustomStringConvertible {
    package let name: String
    package init(_ name: String) { self.name = name }
    package static func < (left: WorkerID, right: WorkerID) -> Bool { left.name < right.name }
    package var description: String { name }
}

/// Wall-clock time for people and for the journal: milliseconds since 1970-01-01T00:00:00Z. Never used to expire
/// anything.
package struct Timestamp: Hashable, Comparable, Sendable {
    package let milliseconds: Int64
    package init(milliseconds: Int64) { self.milliseconds = milliseconds }
    package static func < (left: Timestamp, right: Timestamp) -> Bool { left.milliseconds < right.milliseconds }
}

/// A point on this machine's clock that counts suspend and never jumps (`CLOCK_BOOTTIME`), in milliseconds. Only
/// differences mean anything, and only within one boot.
package struct Instant: Hashable, Comparable, Sendable {
    package let milliseconds: Int64
    package init(milliseconds: Int64) { self.milliseconds = milliseconds }
    package static func < (left: Instant, right: Instant) -> Bool { left.milliseconds < right.milliseconds }
    package static func + (left: Instant, right: Duration) -> Instant {
        Instant(milliseconds: left.milliseconds + right.milliseconds)
    }
    package static func - (left: Instant, right: Instant) -> Duration {
        .milliseconds(left.milliseconds - right.milliseconds)
    }
}

extension Duration {
    /// Whole milliseconds, rounded towards zero.
    package var milliseconds: Int64 {
        components.seconds * 1000 + components.attoseconds / 1_000_000_000_000_000
    }
}
