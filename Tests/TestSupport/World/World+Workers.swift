// SPDX-License-Identifier: MIT

import OrderedCollections
import SweepEngine
import SweepModel
import WorkerProtocol

/// The workers' agents around their sessions.
extension World {
    func made(
        _ index: Int, _ plan: Scenario.WorkerPlan, versions: ClosedRange<Int>?, name: String
    ) -> SimulatedWorker {
        let worker = SimulatedWorker(
            name: name, plan: plan, boot: nextBoot, connection: newConnection(), versions: versions,
            timers: scenario.sessionTimers, drift: plan.drift)
        nextBoot += 1
        processes[worker.boot] = (index, name)
        return worker
    }

    /// A new process in the old one's place.
    func spawn(_ index: Int, versions: ClosedRange<Int>? = nil) {
        let old = workers[index]
        let name = old.isRevoked ? "\(old.name)'" : old.name
        workers[index] = made(index, old.plan, versions: versions, name: name)
        connect(index)
    }

    /// The process is gone, and with it what it trained.
    func kill(_ index: Int, for milliseconds: Int64) {
        workers[index].isAlive = false
        workers[index].children = []
        agenda.plan(.respawn(index), at: now + max(1, milliseconds))
    }

    func connect(_ index: Int, isNew: Bool = true) {
        guard workers[index].isAlive else { return }
        if isNew { workers[index].connection = newConnection() }
        obey(index, workers[index].session.connected(now: local(index)))
        planWake(index)
    }

    func local(_ index: Int) -> Instant { workers[index].clock.boot(now) }

    func wake(_ index: Int) {
        guard workers[index].wakesAt <= now, workers[index].isAlive else { return }
        workers[index].wakesAt = .max
        if now < workers[index].pausedUntil { return planWake(index) }
        let mail = workers[index].mailbox
        workers[index].mailbox = []
        for bytes in mail { receive(bytes, index) }
        let effects = workers[index].session.tick(now: local(index))
        // A tick sends events only to send again what is not acknowledged.
        let isResent = effects.contains { effect in
            if case .send(let envelope) = effect, case .events = envelope.message { true } else { false }
        }
        if isResent { workers[index].sending.restart() }
        obey(index, effects)
        train(index)
        planWake(index)
    }

    func planWake(_ index: Int) {
        let due = max(now + 1, workers[index].pausedUntil, workers[index].nextDue())
        if due < workers[index].wakesAt {
            workers[index].wakesAt = due
            agenda.plan(.wake(index), at: due)
        }
    }

    func receive(_ bytes: [UInt8], _ index: Int) {
        let envelope: Envelope<CoordinatorMessage>
        do throws(CodecError) {
            envelope = try MessageCodec.decodeCoordinatorMessage([Self.magic, bytes])
        } catch {
            return tally.count(.refusedFrame)
        }
        note(envelope, index)
        var gaps: [FenceSequence] = []
        if case .nack(let named) = envelope.message {
            for gap in named {
                guard let held = workers[index].session.held(gap.fence), gap.sequence > held.acknowledged,
                    gap.sequence <= workers[index].sending.sent(gap.fence)
                else { continue }
                if workers[index].sending.isNews(gap) { gaps.append(gap) }
            }
        }
        let before = workers[index].session.heldFences.count
        let effects = workers[index].session.received(envelope, now: local(index))
        let sent = effects.compactMap { effect in
            if case .send(let envelope) = effect { envelope.message } else { nil }
        }
        // A session that does not know itself by this name stays silent.
        let isOurs = !sent.isEmpty || before != workers[index].session.heldFences.count
        for gap in gaps where isOurs || gaps.count == 1 {
            workers[index].sending.goBack(gap.fence, to: gap.sequence)
        }
        obey(index, effects)
        for gap in gaps where envelope.session == workers[index].sessionName {
            fail("I3", I3.check(filled: gap, by: sent, workers[index]))
        }
        planWake(index)
    }

    /// What the session is about to hear, for the checks of what it then sends.
    private func note(_ envelope: Envelope<CoordinatorMessage>, _ index: Int) {
        switch envelope.message {
        case .welcome(let welcome):
            workers[index].sessionName = envelope.session
            workers[index].sending.restart(window: welcome.window)
            for lease in welcome.desired { workers[index].sending.acknowledge(lease.fence, lease.acknowledged) }
        case .ack(let acks) where envelope.session == workers[index].sessionName:
            for ack in acks { workers[index].sending.acknowledge(ack.fence, ack.sequence) }
        case .beat(let desired, _) where envelope.session == workers[index].sessionName:
            for lease in desired { workers[index].sending.acknowledge(lease.fence, lease.acknowledged) }
        case .resync where envelope.session.isEmpty || envelope.session == workers[index].sessionName:
            // It says hello at once or soon, and nothing else until then.
            workers[index].sessionName = ""
            workers[index].sending.restart()
        case .ack, .beat, .leases, .nack, .resync, .refusal: break
        }
    }

    func obey(_ index: Int, _ effects: [WorkerEffect]) {
        for effect in effects {
            switch effect {
            case .send(let envelope): say(envelope, index)
            case .start(let lease): start(lease, index)
            case .stop(let fence, _):
                guard let place = workers[index].children.firstIndex(where: { $0.lease.fence == fence }) else {
                    record([.finished(.stopped, Resources(seconds: 1))], fence, index)
                    continue
                }
                workers[index].children[place].mode = .stopping
                let grace = scenario.isMild ? 2000 : 20_000
                workers[index].children[place].nextAt = now + Int64(random.int(0...grace)) * scenario.scale
            case .abandon(let fence, _), .closed(let fence):
                workers[index].children.removeAll { $0.lease.fence == fence }
                workers[index].sending.forget(fence)
            case .reconnect: connect(index)
            case .drain, .refused: break
            }
        }
    }

    private func say(_ envelope: Envelope<WorkerMessage>, _ index: Int) {
        var envelope = envelope
        switch envelope.message {
        case .events(let events):
            workers[index].sending.send(events)
            if workers[index].sending.outstanding == Int64(workers[index].sending.window) { tally.count(.fullWindow) }
            fail("I10", I10.check(workers[index]))
        case .accept(let fence, _) where workers[index].hasBadDecoder:
            workers[index].hasBadDecoder = false
            envelope = Envelope(
                session: envelope.session, epoch: envelope.epoch,
                message: .accept(fence: fence, parametersDigest: String(repeating: "0", count: 64)))
        case .hello:
            workers[index].sessionName = ""
            workers[index].sending.restart()
        case .beat, .accept, .decline, .bye: break
        }
        sendUp(envelope, from: index)
    }

    private func start(_ lease: Lease, _ index: Int) {
        let plans = scenario.sweeps
        let plan = plans[min(max(0, lease.sweep.number - 1), plans.count - 1)]
        var step = lease.resume?.step ?? 0
        // A checkpoint may turn out to be damaged.
        if lease.resume != nil, random.chance(0.1) { step = lease.fallbacks.first?.step ?? 0 }
        let length = Int64(random.int(plan.steps))
        let last = lease.maximumStep.map { min($0, max(step + 1, length)) } ?? max(step, length)
        // Some cannot begin, for longer than anybody waits for it: what they need hangs.
        let isHeldUp = !isCalm && !scenario.isMild && scenario.faults > 0 && random.chance(0.01)
        let begin = now + (isHeldUp ? 2 * engine.timers.startTimeout.milliseconds : 1)
        workers[index].children.append(
            SimulatedWorker.Child(
                lease: lease, step: step, lastStep: max(step, last), begunAt: now, nextAt: begin))
        fail("I9", I9.check(workers[index]))
    }

    func record(_ events: [AttemptEvent], _ fence: Fence, _ index: Int) {
        let before = workers[index].session.held(fence)?.lastSequence
        let effects = workers[index].session.record(events, for: fence, now: local(index))
        if let before, let after = workers[index].session.held(fence)?.lastSequence, after > before {
            spoken[workers[index].boot, default: [:]][fence, default: []] += events.prefix(Int(after - before))
        }
        obey(index, effects)
    }

    /// Each child in a slot does what its time has come for.
    private func train(_ index: Int) {
        for fence in workers[index].children.map(\.lease.fence) {
            guard let place = workers[index].children.firstIndex(where: { $0.lease.fence == fence }) else { continue }
            let child = workers[index].children[place]
            guard child.nextAt <= now, place < workers[index].plan.slots || child.mode == .stopping else { continue }
            let events = step(index, place)
            if events.last?.isEnd == true { workers[index].children.remove(at: place) }
            record(events, fence, index)
        }
    }

    private func step(_ index: Int, _ place: Int) -> [AttemptEvent] {
        let child = workers[index].children[place]
        let used = Resources(seconds: Double(now - child.begunAt) / 1000)
        switch child.mode {
        case .hung: return [.failed(AttemptFailure(cause: .timeout, message: "hung"), used)]
        case .stopping:
            let last = Checkpoint(
                step: child.step, location: "/c/\(child.lease.fence)/end", digest: "", bytes: 1 << 18)
            return (child.isStarted && child.step > 0 ? [.checkpoint(last)] : []) + [.finished(.stopped, used)]
        case .training: break
        }
        workers[index].children[place].nextAt = now + Int64(random.int(scenario.stepTime))
        if !child.isStarted {
            workers[index].children[place].isStarted = true
            let isDamaged = child.lease.resume != nil && child.lease.resume?.step != child.step
            return (isDamaged ? [.warning("a checkpoint is damaged")] : [])
                + [.started(resumedFrom: child.step == 0 ? nil : child.step)]
        }
        if !isCalm || scenario.faults == 0, random.chance(scenario.userFailure / 4) {
            let causes: [AttemptFailure.Cause] = [.user, .user, .signal, .memory, .diverged]
            return [.failed(AttemptFailure(cause: causes[random.int(0...4)], message: "chance"), used)]
        }
        if child.step >= child.lastStep { return [.finished(.completed, used)] }
        workers[index].children[place].step += 1
        let step = child.step + 1
        let loss =
            random.chance(scenario.nonFinite) ? scenario.nonFiniteValue : Self.loss(child.lease.configuration, step)
        var events: [AttemptEvent] = [.report(step: step, metrics: [MetricValue("loss", loss)])]
        if random.chance(scenario.checkpoint) {
            let location = "/c/\(child.lease.fence)/\(step)"
            events.append(.checkpoint(Checkpoint(step: step, location: location, digest: "", bytes: 1 << 20)))
        }
        return events
    }

    /// Falls with the steps, to a floor that the configuration decides.
    private static func loss(_ configuration: Configuration, _ step: Int64) -> Double {
        var digest = TraceDigest()
        for entry in configuration.entries {
            switch entry.value {
            case .number(let number): digest.add(number.bitPattern)
            case .integer(let number): digest.add(UInt64(bitPattern: number))
            case .string(let text): digest.add(Array(text.utf8))
            case .null, .bool, .array, .object: digest.add(1)
            }
        }
        let floor = Double(digest.value >> 40) / Double(1 << 24)
        return floor + 4 / Double(step)
    }
}

extension AttemptEvent {
    var isEnd: Bool {
        switch self {
        case .finished, .failed: true
        case .started, .report, .checkpoint, .warning: false
        }
    }
}
