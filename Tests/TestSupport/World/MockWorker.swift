// SPDX-License-Identifier: MIT

import SweepEngine
import SweepModel
import WorkerProtocol

/// A worker that trains by counting, around the session that real workers have.
struct MockWorker {
    struct Training {
        let lease: Lease
        var step: Int64
        let lastStep: Int64
        var isStarted = false
        var nextStepAt: Int64
    }

    let name: String
    let isLocal: Bool
    let slots: Int
    var connection: Connection
    var wantsReconnection = false
    private(set) var session: WorkerSession
    private(set) var running: [Training] = []

    init(name: String, isLocal: Bool, slots: Int, boot: Int, connection: Connection) {
        self.name = name
        self.isLocal = isLocal
        self.slots = slots
        self.connection = connection
        let digits = String(boot)
        let hello = Hello(
            boot: String(repeating: "0", count: max(0, 8 - digits.count)) + digits, agent: "mock", host: "here",
            processID: 1, slots: slots, prefetch: 1)
        session = WorkerSession(hello: hello)
    }

    var identity: PeerIdentity { PeerIdentity(name: name, isLocal: isLocal) }

    mutating func connected(
        now: Int64, faults: FaultRates, _ random: inout SeededRandom
    ) -> [Envelope<WorkerMessage>] {
        perform(session.connected(now: Instant(milliseconds: now)), now, faults, &random)
    }

    mutating func step(now: Int64, faults: FaultRates, _ random: inout SeededRandom) -> [Envelope<WorkerMessage>] {
        let due = session.tick(now: Instant(milliseconds: now))
        return perform(due, now, faults, &random) + train(now, faults, &random)
    }

    mutating func receive(
        _ envelope: Envelope<CoordinatorMessage>, now: Int64, faults: FaultRates, _ random: inout SeededRandom
    ) -> [Envelope<WorkerMessage>] {
        perform(session.received(envelope, now: Instant(milliseconds: now)), now, faults, &random)
    }

    private mutating func train(
        _ now: Int64, _ faults: FaultRates, _ random: inout SeededRandom
    ) -> [Envelope<WorkerMessage>] {
        var sent: [Envelope<WorkerMessage>] = []
        for fence in running.prefix(slots).filter({ now >= $0.nextStepAt }).map(\.lease.fence) {
            guard let index = running.firstIndex(where: { $0.lease.fence == fence }) else { continue }
            running[index].nextStepAt = now + Int64(random.int(100...3000))
            var events: [AttemptEvent] = []
            if !running[index].isStarted {
                running[index].isStarted = true
                events = [.started(resumedFrom: running[index].lease.resume?.step)]
            } else if random.chance(faults.userFailure) {
                let cause = AttemptFailure.Cause.allCases[random.int(0...AttemptFailure.Cause.allCases.count - 1)]
                events = [.failed(AttemptFailure(cause: cause, message: "chance"), Resources(seconds: 1))]
                running.remove(at: index)
            } else if running[index].step >= running[index].lastStep {
                events = [.finished(.completed, Resources(seconds: Double(random.int(0...20)) / 10))]
                running.remove(at: index)
            } else {
                running[index].step += 1
                let step = running[index].step
                let scale = Double(running[index].lease.trial * 7919 % 13 + 1) / 4
                let loss = random.chance(faults.userFailure / 20) ? Double.infinity : scale / Double(step)
                events = [.report(step: step, metrics: [MetricValue("loss", loss)])]
                if random.chance(0.3) {
                    let location = "/c/\(fence)/\(step)"
                    events.append(.checkpoint(Checkpoint(step: step, location: location, digest: "", bytes: 1 << 20)))
                }
            }
            sent += perform(session.record(events, for: fence, now: Instant(milliseconds: now)), now, faults, &random)
        }
        return sent
    }

    private mutating func perform(
        _ effects: [WorkerEffect], _ now: Int64, _ faults: FaultRates, _ random: inout SeededRandom
    ) -> [Envelope<WorkerMessage>] {
        var sent: [Envelope<WorkerMessage>] = []
        for effect in effects {
            switch effect {
            case .send(let envelope): sent.append(random.chance(faults.decline) ? spoiled(envelope) : envelope)
            case .start(let lease):
                let step = lease.resume?.step ?? 0
                let lastStep = max(step, Int64(random.int(1...6)))
                running.append(Training(lease: lease, step: step, lastStep: lastStep, nextStepAt: now))
            case .stop(let fence, _):
                running.removeAll { $0.lease.fence == fence }
                let ended = AttemptEvent.finished(.stopped, Resources(seconds: 1))
                sent += perform(
                    session.record(ended, for: fence, now: Instant(milliseconds: now)), now, faults, &random)
            case .abandon(let fence, _), .closed(let fence): running.removeAll { $0.lease.fence == fence }
            case .reconnect: wantsReconnection = true
            case .drain, .refused: break
            }
        }
        return sent
    }

    /// A worker that cannot decode its lease.
    private func spoiled(_ envelope: Envelope<WorkerMessage>) -> Envelope<WorkerMessage> {
        guard case .accept(let fence, _) = envelope.message else { return envelope }
        return Envelope(
            session: envelope.session, epoch: envelope.epoch, message: .accept(fence: fence, parametersDigest: "wrong"))
    }
}
