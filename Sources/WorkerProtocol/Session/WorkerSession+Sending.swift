// SPDX-License-Identifier: MIT

package import SweepModel

/// What the session says of its own accord.
extension WorkerSession {
    /// What is due.
    package mutating func tick(now: Instant) -> [WorkerEffect] {
        switch phase {
        case .idle, .left: return []
        case .refused:
            if now < helloAt { return [] }
            phase = .greeting
            silentAt = now + heartbeat * timers.patience
            return greet(now: now)
        case .greeting:
            if let reconnect = deafness(now: now) { return [reconnect] }
            return now < helloAt ? [] : greet(now: now)
        case .established:
            if let reconnect = deafness(now: now) { return [reconnect] }
            var effects: [WorkerEffect] = []
            if now >= beatAt {
                beatAt = now + heartbeat
                effects.append(send(.beat(leases: heldLeases)))
            }
            if inFlight > 0, now >= resendAt {
                rewind()
                effects += sendEvents(now: now)
            }
            return effects
        }
    }

    /// Should the agent fail to open another socket, the session goes on with the old one.
    private mutating func deafness(now: Instant) -> WorkerEffect? {
        if now < silentAt { return nil }
        silentAt = now + heartbeat * timers.patience
        return .reconnect
    }

    mutating func greet(now: Instant) -> [WorkerEffect] {
        fallSilent()
        greetedAt = now
        helloAt = helloBackOff.next(after: now)
        var hello = hello
        hello.running = heldLeases
        return [.send(Envelope(session: "", epoch: 0, message: .hello(hello)))]
    }

    /// Nothing but a hello is said until the next welcome.
    mutating func fallSilent() {
        phase = .greeting
        session = ""
        rewind()
    }

    func send(_ message: WorkerMessage) -> WorkerEffect {
        .send(Envelope(session: session, epoch: epoch, message: message))
    }

    private var heldLeases: [HeldLease] { heldFences.compactMap { attempts[$0]?.held } }

    /// Sends what the window permits.
    mutating func sendEvents(now: Instant) -> [WorkerEffect] {
        guard phase == .established else { return [] }
        var effects: [WorkerEffect] = []
        while inFlight < window, !unsent.isEmpty {
            if inFlight == 0 { resendAt = resendBackOff.next(after: now) }
            let batch = nextBatch()
            if batch.isEmpty { break }
            effects.append(send(.events(batch)))
        }
        return effects
    }

    private mutating func nextBatch() -> [SequencedEvent] {
        var batch: [SequencedEvent] = []
        var room = ProtocolLimits.eventBytesPerMessage
        while inFlight < window, batch.count < ProtocolLimits.eventsPerMessage, let fence = unsent.first {
            // No event has more bytes than a message may have, so the first always fits.
            guard let stored = attempts[fence]?.takeUnsent(upTo: batch.isEmpty ? .max : room) else { break }
            batch.append(stored.event)
            room -= stored.bytes
            inFlight += 1
            if attempts[fence]?.hasUnsent != true { unsent.removeFirst() }
        }
        return batch
    }

    /// Nothing counts as sent any more.
    mutating func rewind() {
        inFlight = 0
        unsent.removeAll()
        for fence in heldFences {
            attempts[fence]?.rewind()
            if attempts[fence]?.hasUnsent == true { unsent.append(fence) }
        }
    }
}
