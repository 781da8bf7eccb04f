// SPDX-License-Identifier: MIT

import SweepModel

/// A lease the worker has accepted, and those of its events that are not known to be durable.
///
/// `acknowledged <= sent <= last`: what lies between the first two is in flight.
struct HeldAttempt: Hashable, Sendable {
    struct Stored: Hashable, Sendable {
        let event: SequencedEvent
        let bytes: Int
    }

    let fence: Fence
    let sweep: SweepID
    let trial: Int
    let digest: String
    private(set) var acknowledged: Int64 = 0
    private(set) var sent: Int64 = 0
    /// The terminal event is recorded: nothing follows.
    private(set) var isOver = false
    /// The agent knows that it is to stop.
    var isStopping = false
    /// The gap that was last filled: its nack may arrive once for every event behind it.
    private(set) var filledGap: Int64?
    /// Those beyond `acknowledged`, from `start` on.
    private var spool: [Stored] = []
    private var start = 0

    init(_ lease: Lease, digest: String) {
        fence = lease.fence
        sweep = lease.sweep
        trial = lease.trial
        self.digest = digest
    }

    var unacknowledged: Int { spool.count - start }
    var last: Int64 { acknowledged + Int64(unacknowledged) }
    var inFlight: Int { Int(sent - acknowledged) }
    var hasUnsent: Bool { sent < last }
    var isDurable: Bool { isOver && unacknowledged == 0 }
    var bytes: Int { spool[start...].reduce(0) { $0 + $1.bytes } }
    var held: HeldLease { HeldLease(fence: fence, lastSequence: last, acknowledged: acknowledged) }

    /// Bytes stored.
    mutating func record(_ event: AttemptEvent) -> Int {
        switch event {
        case .started, .report, .checkpoint, .warning: break
        case .finished, .failed: isOver = true
        }
        let sequenced = SequencedEvent(fence: fence, sequence: last + 1, event: event)
        let stored = Stored(event: sequenced, bytes: MessageCodec.size(of: sequenced))
        spool.append(stored)
        return stored.bytes
    }

    /// The next event to be sent, which counts as sent from now on; nil when it has more bytes than that.
    mutating func takeUnsent(upTo bytes: Int) -> Stored? {
        let next = spool[start + inFlight]
        if next.bytes > bytes { return nil }
        sent += 1
        return next
    }

    /// Everything up to `sequence` is durable. Returns how many events and bytes are let go.
    mutating func acknowledge(_ sequence: Int64) -> (events: Int, bytes: Int) {
        let sequence = min(sequence, last)
        if sequence <= acknowledged { return (0, 0) }
        let count = Int(sequence - acknowledged)
        let bytes = spool[start..<start + count].reduce(0) { $0 + $1.bytes }
        start += count
        // Amortised: each event is moved at most once for each time it was passed.
        if start * 2 >= spool.count {
            spool.removeFirst(start)
            start = 0
        }
        acknowledged = sequence
        sent = max(sent, sequence)
        filledGap = nil
        return (count, bytes)
    }

    /// Goes back, so that `sequence` is sent next; false when that is not possible or has been done.
    mutating func fillGap(at sequence: Int64) -> Bool {
        guard sequence > acknowledged, sequence <= sent, filledGap != sequence else { return false }
        filledGap = sequence
        sent = sequence - 1
        return true
    }

    /// Nothing counts as sent any more.
    mutating func rewind() {
        sent = acknowledged
        filledGap = nil
    }
}
