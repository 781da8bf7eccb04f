// SPDX-License-Identifier: MIT

import SweepEngine
import SweepModel
import WorkerProtocol

/// The simplest worker that keeps the protocol: it trains by counting.
struct MockWorker {
    struct Holding {
        var lease: Lease
        var step: Int64
        let lastStep: Int64
        var made: Int64 = 0
        var acknowledged: Int64 = 0
        /// The last event sent on this session; a nack or a timeout goes back.
        var sent: Int64 = 0
        var unacknowledged: [SequencedEvent] = []
        var isOver = false
        var nextStepAt: Int64
    }

    let name: String
    let isLocal: Bool
    let slots: Int
    var boot: Int
    var connection: Connection
    var session = ""
    var epoch: Int64 = 0
    var held: [Holding] = []
    /// Fences done with: a late copy of their lease starts nothing.
    private var done: Set<Fence> = []
    private var nextHelloAt: Int64 = 0
    private var nextBeatAt: Int64 = 0
    private var resendAt: Int64 = 0
    var acknowledgedByCoordinator: [Fence: Int64] = [:]

    init(name: String, isLocal: Bool, slots: Int, boot: Int, connection: Connection) {
        self.name = name
        self.isLocal = isLocal
        self.slots = slots
        self.boot = boot
        self.connection = connection
    }

    var identity: PeerIdentity { PeerIdentity(name: name, isLocal: isLocal) }

    private var holdings: [HeldLease] {
        held.map { HeldLease(fence: $0.lease.fence, lastSequence: $0.made, acknowledged: $0.acknowledged) }
    }

    // MARK: time

    mutating func step(now: Int64, faults: FaultRates, _ random: inout SeededRandom) -> [Envelope<WorkerMessage>] {
        train(now, faults, &random)
        guard !session.isEmpty else {
            guard now >= nextHelloAt else { return [] }
            nextHelloAt = now + 1000
            let bootText = String(repeating: "0", count: max(0, 8 - String(boot).count)) + String(boot)
            let hello = Hello(
                boot: bootText, agent: "mock", host: "here", processID: 1, slots: slots, prefetch: 1,
                running: holdings)
            return [Envelope(session: "", epoch: 0, message: .hello(hello))]
        }
        var messages: [WorkerMessage] = []
        if now >= nextBeatAt {
            nextBeatAt = now + 5000
            messages.append(.beat(leases: holdings))
        }
        if now >= resendAt {
            resendAt = now + 2000
            for index in held.indices { held[index].sent = 0 }
        }
        for index in held.indices {
            let new = held[index].unacknowledged.filter { $0.sequence > held[index].sent }
            guard let last = new.last else { continue }
            held[index].sent = last.sequence
            messages.append(.events(Array(new.prefix(ProtocolLimits.eventsPerMessage))))
        }
        return messages.map { Envelope(session: session, epoch: epoch, message: $0) }
    }

    private mutating func train(_ now: Int64, _ faults: FaultRates, _ random: inout SeededRandom) {
        for index in held.indices.prefix(slots) where !held[index].isOver && now >= held[index].nextStepAt {
            held[index].nextStepAt = now + Int64(random.int(100...3000))
            if held[index].made == 0 {
                emit(.started(resumedFrom: held[index].lease.resume?.step), index)
            } else if random.chance(faults.userFailure) {
                let cause = AttemptFailure.Cause.allCases[random.int(0...AttemptFailure.Cause.allCases.count - 1)]
                emit(.failed(AttemptFailure(cause: cause, message: "chance"), Resources(seconds: 1)), index)
            } else if held[index].step >= held[index].lastStep {
                emit(.finished(.completed, Resources(seconds: Double(random.int(0...20)) / 10)), index)
            } else {
                held[index].step += 1
                let step = held[index].step
                emit(.report(step: step, metrics: [MetricValue("loss", 1 / Double(step))]), index)
                if random.chance(0.3) {
                    emit(.checkpoint(Checkpoint(step: step, location: "/c/\(step)", digest: "", bytes: 1)), index)
                }
            }
        }
    }

    private mutating func emit(_ event: AttemptEvent, _ index: Int) {
        held[index].made += 1
        let fence = held[index].lease.fence
        held[index].unacknowledged.append(SequencedEvent(fence: fence, sequence: held[index].made, event: event))
        switch event {
        case .finished, .failed: held[index].isOver = true
        case .started, .report, .checkpoint, .warning: break
        }
    }

    // MARK: mail

    mutating func receive(
        _ message: CoordinatorMessage, session: String, now: Int64, faults: FaultRates, _ random: inout SeededRandom
    ) -> [Envelope<WorkerMessage>] {
        if case .welcome(let welcome) = message {
            self.session = welcome.session
            epoch = welcome.epoch
            nextBeatAt = now
            resendAt = now
            obey(welcome.desired)
            return []
        }
        if case .resync = message {
            self.session = ""
            return []
        }
        guard session == self.session else { return [] }
        switch message {
        case .leases(let leases): return leases.compactMap { take($0, now: now, faults, &random) }
        case .ack(let acks): acks.forEach { acknowledge($0) }
        case .nack(let gaps):
            for gap in gaps {
                for index in held.indices where held[index].lease.fence == gap.fence {
                    held[index].sent = gap.sequence - 1
                }
            }
        case .beat(let desired, _): obey(desired)
        case .welcome, .resync, .refusal: break
        }
        return []
    }

    private mutating func take(
        _ lease: Lease, now: Int64, _ faults: FaultRates, _ random: inout SeededRandom
    ) -> Envelope<WorkerMessage>? {
        guard !done.contains(lease.fence) else { return nil }
        if !held.contains(where: { $0.lease.fence == lease.fence }) {
            if random.chance(faults.decline) {
                done.insert(lease.fence)
                return envelope(.decline(fence: lease.fence, reason: "chance"))
            }
            let step = lease.resume?.step ?? 0
            held.append(
                Holding(
                    lease: lease, step: step, lastStep: max(step, Int64(random.int(1...6))), nextStepAt: now))
        }
        let digest = random.chance(faults.decline) ? "wrong" : ParametersDigest.hex(of: lease.configuration)
        return envelope(.accept(fence: lease.fence, parametersDigest: digest))
    }

    private func envelope(_ message: WorkerMessage) -> Envelope<WorkerMessage> {
        Envelope(session: session, epoch: epoch, message: message)
    }

    private mutating func acknowledge(_ ack: FenceSequence) {
        acknowledgedByCoordinator[ack.fence] = max(acknowledgedByCoordinator[ack.fence] ?? 0, ack.sequence)
        guard let index = held.firstIndex(where: { $0.lease.fence == ack.fence }) else { return }
        held[index].acknowledged = max(held[index].acknowledged, ack.sequence)
        held[index].unacknowledged.removeAll { $0.sequence <= ack.sequence }
        if held[index].isOver, held[index].unacknowledged.isEmpty { drop(index) }
    }

    private mutating func obey(_ desired: [DesiredLease]) {
        for wish in desired {
            guard let index = held.firstIndex(where: { $0.lease.fence == wish.fence }) else { continue }
            switch wish.state {
            case .run: break
            case .stop: if !held[index].isOver { emit(.finished(.stopped, Resources(seconds: 1)), index) }
            case .abandon: drop(index)
            }
        }
    }

    private mutating func drop(_ index: Int) {
        done.insert(held[index].lease.fence)
        held.remove(at: index)
    }
}
