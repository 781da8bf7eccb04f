// SPDX-License-Identifier: MIT

package import SweepModel

/// What the session makes of what the coordinator says.
extension WorkerSession {
    /// Messages of a session that is not ours are ignored; that they come at all shows that somebody is there.
    package mutating func received(_ envelope: Envelope<CoordinatorMessage>, now: Instant) -> [WorkerEffect] {
        switch phase {
        case .idle, .left: return []
        case .greeting, .established, .refused: break
        }
        heardAt = now
        silentAt = now + heartbeat * timers.patience
        let isOurs = phase == .established && envelope.session == session
        switch envelope.message {
        case .welcome(let welcome): return phase == .refused ? [] : begin(welcome, now: now)
        case .refusal(let refusal): return refuse(refusal, now: now)
        case .resync:
            // Each of several messages may have drawn one: the first is enough.
            guard phase == .established, isOurs || envelope.session.isEmpty else { return [] }
            helloBackOff.reset()
            if now - greetedAt >= timers.helloRetry { return greet(now: now) }
            // It may be about the session before. Were it answered at once, two hellos could chase each other for ever:
            // each makes the other's session unknown.
            fallSilent()
            helloAt = greetedAt + timers.helloRetry
            return []
        case .leases(let leases): return isOurs ? leases.flatMap { take($0) } : []
        case .ack(let sequences):
            guard isOurs else { return [] }
            return sequences.flatMap { acknowledge($0.fence, $0.sequence, now: now) } + sendEvents(now: now)
        case .nack(let sequences):
            guard isOurs else { return [] }
            for gap in sequences { fill(gap) }
            return sendEvents(now: now)
        case .beat(let desired, let drain):
            guard isOurs else { return [] }
            var effects = desired.flatMap { obey($0, now: now) }
            if drain != isDraining {
                isDraining = drain
                effects.append(.drain(drain))
            }
            return effects + sendEvents(now: now)
        }
    }

    private mutating func begin(_ welcome: Welcome, now: Instant) -> [WorkerEffect] {
        guard hello.versions.contains(welcome.version) else {
            let message =
                "the coordinator answers in protocol version \(welcome.version), which this worker does not speak"
            return refuse(Refusal(code: .version, message: message, isFatal: true), now: now)
        }
        // Within one run of a coordinator what is durable stays durable; only a restored backup may know less.
        let isAnotherRun = (welcome.epoch, welcome.database) != (epoch, database)
        phase = .established
        hasBegun = true
        session = welcome.session
        epoch = welcome.epoch
        database = welcome.database
        window = max(1, welcome.window)
        heartbeat = welcome.heartbeat
        silentAt = now + heartbeat * timers.patience
        beatAt = now + heartbeat
        helloBackOff.reset()
        resendBackOff.reset()
        queueBackOff.reset()
        refusalBackOff.reset()
        rewind()
        var effects: [WorkerEffect] = []
        for desired in welcome.desired {
            if isAnotherRun, desired.state != .abandon, let held = attempts[desired.fence]?.acknowledged,
                desired.acknowledged < held
            {
                let reason = "the coordinator has lost events that it had acknowledged"
                effects += abandon(desired.fence, reason: reason)
            } else {
                effects += obey(desired, now: now)
            }
        }
        // An accept may have been lost with the old session; a second one does no harm.
        for fence in heldFences {
            guard let attempt = attempts[fence], attempt.acknowledged == 0 else { continue }
            effects.append(send(.accept(fence: fence, parametersDigest: attempt.digest)))
        }
        return effects + sendEvents(now: now)
    }

    private mutating func refuse(_ refusal: Refusal, now: Instant) -> [WorkerEffect] {
        if refusal.isFatal {
            phase = .refused
            helloAt = now + timers.refusalPause
        }
        return [.refused(refusal)]
    }

    private mutating func take(_ lease: Lease) -> [WorkerEffect] {
        let fence = lease.fence
        if let attempt = attempts[fence] {
            return [send(.accept(fence: fence, parametersDigest: attempt.digest))]
        }
        if past.contains(fence) { return [] }
        // Nothing is remembered of it: should this answer be lost, the lease is offered and declined again.
        if let leaving { return [send(.decline(fence: fence, reason: leaving))] }
        let rivals = heldFences.filter { attempts[$0]?.sweep == lease.sweep && attempts[$0]?.trial == lease.trial }
        if let rival = rivals.max(), rival > fence {
            return [send(.decline(fence: fence, reason: "superseded by attempt \(rival)"))]
        }
        if let reason = hello.offer.refusal(of: lease) { return [send(.decline(fence: fence, reason: reason))] }
        let digest = ParametersDigest.hex(of: lease.configuration)
        guard digest == lease.parametersDigest else {
            return [send(.decline(fence: fence, reason: "parameters changed in transit"))]
        }
        let abandoned = rivals.flatMap { abandon($0, reason: "superseded by attempt \(fence)") }
        attempts[fence] = HeldAttempt(lease, digest: digest)
        heldFences.append(fence)
        return abandoned + [send(.accept(fence: fence, parametersDigest: digest)), .start(lease)]
    }

    private mutating func obey(_ desired: DesiredLease, now: Instant) -> [WorkerEffect] {
        let fence = desired.fence
        guard attempts[fence] != nil else { return [] }
        switch desired.state {
        case .abandon: return abandon(fence, reason: desired.reason)
        case .run: return acknowledge(fence, desired.acknowledged, now: now)
        case .stop:
            let effects = acknowledge(fence, desired.acknowledged, now: now)
            guard let attempt = attempts[fence], !attempt.isStopping, !attempt.isOver else { return effects }
            attempts[fence]?.isStopping = true
            return effects + [.stop(fence, reason: desired.reason)]
        }
    }

    private mutating func acknowledge(_ fence: Fence, _ sequence: Int64, now: Instant) -> [WorkerEffect] {
        guard let before = attempts[fence]?.inFlight, let gone = attempts[fence]?.acknowledge(sequence),
            gone.events > 0, let attempt = attempts[fence]
        else { return [] }
        unacknowledged -= gone.events
        unacknowledgedBytes -= gone.bytes
        inFlight += attempt.inFlight - before
        resendBackOff.reset()
        if inFlight > 0 { resendAt = resendBackOff.next(after: now) }
        if !attempt.hasUnsent { unsent.removeAll { $0 == fence } }
        if !attempt.isDurable { return [] }
        forget(fence)
        return [.closed(fence)]
    }

    private mutating func fill(_ gap: FenceSequence) {
        guard let attempt = attempts[gap.fence], attempts[gap.fence]?.fillGap(at: gap.sequence) == true else { return }
        inFlight -= attempt.inFlight - Int(gap.sequence - 1 - attempt.acknowledged)
        if !unsent.contains(gap.fence) { unsent.append(gap.fence) }
    }

    private mutating func abandon(_ fence: Fence, reason: String) -> [WorkerEffect] {
        guard let attempt = attempts[fence] else { return [] }
        unacknowledged -= attempt.unacknowledged
        unacknowledgedBytes -= attempt.bytes
        inFlight -= attempt.inFlight
        forget(fence)
        return [.abandon(fence, reason: reason)]
    }

    private mutating func forget(_ fence: Fence) {
        attempts[fence] = nil
        heldFences.removeAll { $0 == fence }
        unsent.removeAll { $0 == fence }
        guard past.insert(fence).inserted else { return }
        if pastInOrder.count < Self.rememberedFences {
            pastInOrder.append(fence)
        } else {
            past.remove(pastInOrder[oldestPast])
            pastInOrder[oldestPast] = fence
            oldestPast = (oldestPast + 1) % Self.rememberedFences
        }
    }
}

extension WorkerOffer {
    /// Why the worker does not run it, whatever the coordinator believes: nothing else runs than it offered.
    fileprivate func refusal(of lease: Lease) -> String? {
        if let task = lease.task {
            return runs(task) ? nil : "this worker declares no task '\(task)'"
        }
        if runsCommands || hasFunction { return nil }
        return "this worker runs no commands but its own tasks"
    }
}
