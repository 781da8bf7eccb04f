// SPDX-License-Identifier: MIT

import OrderedCollections
package import SweepModel
import WorkerProtocol

/// The coordinator's side of the session (Docs/protocol.md).
extension Engine {
    mutating func receive(
        _ envelope: Envelope<WorkerMessage>, from connection: Connection, identity: PeerIdentity, _ turn: inout Turn
    ) {
        if case .hello(let hello) = envelope.message {
            register(hello, connection: connection, identity: identity, &turn)
            return
        }
        guard let worker = registrations[connection], let state = workers[worker], !state.session.isEmpty,
            envelope.session == state.session
        else {
            turn.reaction.effects.append(.send(connection, session: "", .resync))
            return
        }
        workers[worker]?.lastHeard = turn.now.boot
        switch envelope.message {
        case .hello: break
        case .beat(let leases): beat(worker, leases, &turn)
        case .accept(let fence, let digest): accept(fence, digest: digest, by: worker, &turn)
        case .decline(let fence, _):
            guard attempts[fence]?.worker == worker else { return }
            rest(worker, now: turn.now.boot)
            release(fence, .declined, &turn)
        case .events(let events): take(events, from: worker, &turn)
        case .bye(let reason): dismiss(worker, .left, reason: reason, &turn)
        }
    }

    private mutating func register(
        _ hello: Hello, connection: Connection, identity: PeerIdentity, _ turn: inout Turn
    ) {
        let ours = ProtocolLimits.versions
        guard hello.versions.overlaps(ours) else {
            let message =
                "this coordinator speaks protocol versions \(ours.lowerBound) to \(ours.upperBound), the worker "
                + "\(hello.agent) speaks \(hello.versions.lowerBound) to \(hello.versions.upperBound): install the same "
                + "release on both"
            send(connection, .refusal(Refusal(code: .version, message: message, isFatal: true)), session: "", &turn)
            return
        }
        let worker = WorkerID("\(identity.name)-\(hello.boot.prefix(8))")
        // A hello that was long under way: it says what the process held when it spoke over another connection.
        if workers[worker]?.superseded.contains(connection) == true { return }
        let facts = WorkerFacts(
            agent: hello.agent, host: hello.host, processID: hello.processID,
            slots: min(max(0, hello.slots), 4096),
            isLocal: identity.isLocal, key: identity.key, offer: hello.offer)
        if workers[worker]?.facts != facts { decide(.workerJoined(worker, facts), &turn) }
        // A restored backup may know fewer fences than its workers.
        for held in hello.running { fences.reserve(held.fence) }
        if let old = workers[worker]?.connection, old != connection {
            registrations[old] = nil
            workers[worker]?.supersede(old)
        }
        if let other = registrations[connection] { workers[other]?.connection = nil }
        registrations[connection] = worker
        // Unique among this process's sessions, and no other process shares the epoch.
        let session = "\(epoch)-\(worker.name)-\(turn.now.boot.milliseconds)"
        let version = min(hello.versions.upperBound, ours.upperBound)
        workers[worker]?.connection = connection
        workers[worker]?.disconnectedAt = nil
        workers[worker]?.session = session
        workers[worker]?.version = version
        workers[worker]?.prefetch = min(max(0, hello.prefetch), ProtocolLimits.leasesPerMessage)
        workers[worker]?.lastHeard = turn.now.boot
        for held in hello.running { readopt(held.fence, by: worker, &turn) }
        var desired = hello.running.map { desire($0.fence, worker: worker) }
        // A lease that was never answered is offered again; one the worker had accepted and now knows nothing of is lost.
        for fence in workers[worker]?.leases ?? [] where !hello.running.contains(where: { $0.fence == fence }) {
            if attempts[fence]?.state == .offered {
                attempts[fence]?.offeredAt = nil
            } else {
                release(fence, .forgotten, &turn)
            }
        }
        desired.sort { $0.fence < $1.fence }
        let welcome = Welcome(
            version: version, session: session, epoch: epoch, database: run, window: window,
            heartbeat: timers.heartbeat, desired: desired)
        send(connection, .welcome(welcome), session: session, &turn)
    }

    /// The highest fence owns the trial: whoever comes back with it goes on, however late.
    private mutating func readopt(_ fence: Fence, by worker: WorkerID, _ turn: inout Turn) {
        guard let orphan = orphans[fence], orphan.worker == worker, let sweep = sweeps[orphan.trial.sweep],
            !sweep.hasEnded, sweep.trials[orphan.trial.number].state == .queued
        else { return }
        decide(.readopted(fence), &turn)
    }

    /// Its worker gets nothing new until it comes back over another connection; what runs there may go on. What was only
    /// offered goes to others soon (`expire`): an answer to it may have been lost with the connection.
    mutating func lose(_ connection: Connection, now: Instant) {
        guard let worker = registrations.removeValue(forKey: connection) else { return }
        workers[worker]?.connection = nil
        workers[worker]?.disconnectedAt = now
    }

    private mutating func beat(_ worker: WorkerID, _ leases: [HeldLease], _ turn: inout Turn) {
        guard let state = workers[worker], let connection = state.connection else { return }
        let desired = leases.map { desire($0.fence, worker: worker) }.sorted { $0.fence < $1.fence }
        send(connection, .beat(desired: desired, drain: isDraining || state.isDraining), session: state.session, &turn)
        let held = Set(leases.map(\.fence))
        for fence in state.leases where attempts[fence].map({ $0.state != .offered }) == true && !held.contains(fence) {
            release(fence, .forgotten, &turn)
        }
    }

    private func desire(_ fence: Fence, worker: WorkerID) -> DesiredLease {
        guard let attempt = attempts[fence], attempt.worker == worker else {
            return DesiredLease(fence: fence, state: .abandon, reason: "superseded", acknowledged: 0)
        }
        let acknowledged = attempt.acknowledged
        if let reason = attempt.stopReason {
            return DesiredLease(fence: fence, state: .stop, reason: reason, acknowledged: acknowledged)
        }
        return DesiredLease(fence: fence, state: .run, acknowledged: acknowledged)
    }

    private mutating func accept(_ fence: Fence, digest: String, by worker: WorkerID, _ turn: inout Turn) {
        if !fences.contains(fence) { return askAnew(worker, &turn) }
        guard let attempt = attempts[fence], attempt.worker == worker else { return }
        guard let trial = trial(attempt.trial), ParametersDigest.hex(of: trial.configuration) == digest else {
            // Also where it has begun already: it trains something else than it was asked to.
            abandon(fence, reason: "the parameters' digest differs: they did not survive the worker's decoder", &turn)
            rest(worker, now: turn.now.boot)
            release(fence, .declined, &turn)
            return
        }
        if attempt.state == .offered { decide(.accepted(fence), &turn) }
    }

    /// It holds a lease that this database never granted, and its hello did not name it: that hello was from before the
    /// database was restored. The next one says what it holds, and no fence is granted twice. Acknowledged it is not,
    /// even where another worker's hello named that fence: what is acknowledged is durable.
    private func askAnew(_ worker: WorkerID, _ turn: inout Turn) {
        guard let connection = workers[worker]?.connection else { return }
        send(connection, .resync, session: "", &turn)
    }

    private mutating func take(_ events: [SequencedEvent], from worker: WorkerID, _ turn: inout Turn) {
        guard let state = workers[worker], let connection = state.connection else { return }
        var acknowledged: OrderedDictionary<Fence, Int64> = [:]
        var gaps: OrderedDictionary<Fence, Int64> = [:]
        if events.contains(where: { !fences.contains($0.fence) }) { askAnew(worker, &turn) }
        for event in events {
            guard let attempt = attempts[event.fence], attempt.worker == worker else {
                // Over already (its last acknowledgement was lost) or another's: durable or void, either way done with.
                if fences.contains(event.fence) {
                    acknowledged[event.fence] = max(acknowledged[event.fence] ?? 0, event.sequence)
                }
                continue
            }
            if event.sequence <= attempt.acknowledged {
                acknowledged[event.fence] = attempt.acknowledged
            } else if event.sequence == attempt.acknowledged + 1 {
                apply(event, to: attempt, &turn)
                acknowledged[event.fence] = event.sequence
            } else {
                gaps[event.fence] = attempt.acknowledged + 1
            }
        }
        if !acknowledged.isEmpty {
            send(connection, .ack(acknowledged.map { FenceSequence($0.key, $0.value) }), session: state.session, &turn)
        }
        if !gaps.isEmpty {
            send(connection, .nack(gaps.map { FenceSequence($0.key, $0.value) }), session: state.session, &turn)
        }
    }

    private mutating func apply(_ sequenced: SequencedEvent, to attempt: Attempt, _ turn: inout Turn) {
        let fence = sequenced.fence
        switch sequenced.event {
        case .started where attempt.state == .running:
            // Lawless: it would void what the attempt has reported. Its number in the sequence is taken all the same.
            let warning = AttemptEvent.warning("it said a second time that it starts; that was ignored")
            decide(.observed(fence, sequence: sequenced.sequence, warning), &turn)
        case .started, .report, .checkpoint, .warning:
            let verdict = decide(.observed(fence, sequence: sequenced.sequence, sequenced.event), &turn)
            if let verdict { enforce(verdict, on: fence, &turn) }
            if case .checkpoint = sequenced.event { discardCheckpoints(of: attempt.trial, &turn) }
        case .finished(let outcome, let resources):
            learn(resources, of: attempt.worker)
            workers[attempt.worker]?.quickFailures = []
            workers[attempt.worker]?.hasSucceeded = true
            let disposition = disposition(of: outcome, attempt)
            decide(.ended(fence, sequence: sequenced.sequence, sequenced.event, disposition), &turn)
            discardCheckpoints(of: attempt.trial, &turn)
        case .failed(let failure, let resources):
            if failure.cause == .infrastructure {
                // Shutting down after a drain is no loss.
                if isDraining || state(of: attempt)?.isDraining == true {
                    release(fence, .left, &turn)
                    return
                }
                rest(attempt.worker, now: turn.now.boot)
                // It never began: no disk space, no descriptors. The worker rests, the trial is charged nothing.
                if attempt.state != .running {
                    release(fence, .declined, &turn)
                    return
                }
            } else {
                learn(resources, of: attempt.worker)
            }
            let disposition = disposition(of: failure, attempt)
            decide(.ended(fence, sequence: sequenced.sequence, sequenced.event, disposition), &turn)
            discardCheckpoints(of: attempt.trial, &turn)
            suspect(attempt, failure, &turn)
        }
    }

    private func state(of attempt: Attempt) -> WorkerState? { workers[attempt.worker] }

    func tellOfDrain(_ worker: WorkerID, _ turn: inout Turn) {
        guard let state = workers[worker], let connection = state.connection else { return }
        let isDraining = isDraining || state.isDraining
        send(connection, .beat(desired: [], drain: isDraining), session: state.session, &turn)
    }

    /// The last word to a worker whose key counts no more; from now on it is not even heard.
    func refuseRevoked(_ worker: WorkerState, _ turn: inout Turn) {
        guard let connection = worker.connection else { return }
        let message = "this worker's key was revoked: it needs a new invitation"
        send(connection, .refusal(Refusal(code: .revoked, message: message, isFatal: true)), session: "", &turn)
    }

    package func trial(_ trial: TrialID) -> Trial? {
        guard let trials = sweeps[trial.sweep]?.trials, trials.indices.contains(trial.number) else { return nil }
        return trials[trial.number]
    }

    func send(_ connection: Connection, _ message: CoordinatorMessage, session: String, _ turn: inout Turn) {
        turn.reaction.effects.append(.send(connection, session: session, message))
    }

    /// Tells the holder of a lease at once what is wanted of it; the next beat repeats it if this is lost.
    func sendDesired(_ fence: Fence, _ turn: inout Turn) {
        guard let attempt = attempts[fence], let worker = workers[attempt.worker], let connection = worker.connection
        else { return }
        let desired = desire(fence, worker: attempt.worker)
        let isDraining = isDraining || worker.isDraining
        send(connection, .beat(desired: [desired], drain: isDraining), session: worker.session, &turn)
    }

    func abandon(_ fence: Fence, reason: String, _ turn: inout Turn) {
        guard let attempt = attempts[fence], let worker = workers[attempt.worker], let connection = worker.connection
        else { return }
        let desired = DesiredLease(
            fence: fence, state: .abandon, reason: reason, acknowledged: attempt.acknowledged)
        let isDraining = isDraining || worker.isDraining
        send(connection, .beat(desired: [desired], drain: isDraining), session: worker.session, &turn)
    }
}
