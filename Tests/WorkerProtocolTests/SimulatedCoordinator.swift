// SPDX-License-Identifier: MIT

import SweepModel
import WorkerProtocol

/// A coordinator in miniature: one worker, leases without trials. What it takes in is durable, and acknowledged, at the
/// next commit; a crash before that loses it.
struct SimulatedCoordinator {
    struct Attempt {
        let lease: Lease
        var isAccepted = false
        var offeredAt: Int64?
        var durable: [AttemptEvent] = []
        var isOver = false
        var stopReason: String?
    }

    private(set) var attempts: [Fence: Attempt]
    /// In the order of their fences.
    let fences: [Fence]
    private(set) var epoch: Int64 = 1
    private var session = ""
    private var sessions = 0
    private var inbox: [Envelope<WorkerMessage>] = []
    private(set) var violations: [String] = []

    init(leases: [Lease]) {
        attempts = Dictionary(uniqueKeysWithValues: leases.map { ($0.fence, Attempt(lease: $0)) })
        fences = leases.map(\.fence)
    }

    var isDone: Bool { fences.allSatisfy { attempts[$0]?.isOver == true } }

    mutating func receive(_ envelope: Envelope<WorkerMessage>) { inbox.append(envelope) }

    mutating func crash() {
        inbox.removeAll()
        session = ""
        epoch += 1
    }

    mutating func stop(_ fence: Fence) {
        if attempts[fence]?.isOver == false, attempts[fence]?.isAccepted == true {
            attempts[fence]?.stopReason = "the pruner"
        }
    }

    /// Takes the inbox in and says what follows.
    mutating func commit(now: Int64) -> [Envelope<CoordinatorMessage>] {
        var answers: [Envelope<CoordinatorMessage>] = []
        for envelope in inbox { answers += take(envelope) }
        inbox.removeAll()
        if session.isEmpty { return answers }
        var offers: [Lease] = []
        for fence in fences {
            guard let attempt = attempts[fence], !attempt.isAccepted, !attempt.isOver else { continue }
            if let offeredAt = attempt.offeredAt, now < offeredAt + 1000 { continue }
            attempts[fence]?.offeredAt = now
            offers.append(attempt.lease)
            // Some later than others.
            if offers.count == 2 { break }
        }
        if !offers.isEmpty { answers.append(say(.leases(offers))) }
        return answers
    }

    private func say(_ message: CoordinatorMessage) -> Envelope<CoordinatorMessage> {
        Envelope(session: session, epoch: epoch, message: message)
    }

    private mutating func take(_ envelope: Envelope<WorkerMessage>) -> [Envelope<CoordinatorMessage>] {
        if case .hello(let hello) = envelope.message { return [welcome(hello)] }
        guard !session.isEmpty, envelope.session == session else {
            return [Envelope(session: "", epoch: epoch, message: .resync)]
        }
        switch envelope.message {
        case .hello: return []
        case .beat(let leases): return [say(.beat(desired: leases.map { desire($0.fence) }, drain: false))]
        case .accept(let fence, let digest):
            if attempts[fence]?.lease.parametersDigest != digest { violations.append("digest of \(fence)") }
            attempts[fence]?.isAccepted = true
            return []
        case .decline(let fence, let reason):
            violations.append("\(fence) declined: \(reason)")
            return []
        case .events(let events): return apply(events)
        case .bye: return []
        }
    }

    private mutating func welcome(_ hello: Hello) -> Envelope<CoordinatorMessage> {
        sessions += 1
        session = "\(epoch)-\(sessions)"
        for held in hello.running {
            guard let attempt = attempts[held.fence] else { continue }
            if held.acknowledged > attempt.durable.count { violations.append("\(held.fence) knows too much") }
            attempts[held.fence]?.isAccepted = true
        }
        return say(
            .welcome(
                Welcome(
                    version: 1, session: session, epoch: epoch, database: "db", window: 8, heartbeat: .seconds(5),
                    desired: hello.running.map { desire($0.fence) })))
    }

    private func desire(_ fence: Fence) -> DesiredLease {
        guard let attempt = attempts[fence], !attempt.isOver else {
            return DesiredLease(fence: fence, state: .abandon, reason: "over", acknowledged: 0)
        }
        let acknowledged = Int64(attempt.durable.count)
        if let reason = attempt.stopReason {
            return DesiredLease(fence: fence, state: .stop, reason: reason, acknowledged: acknowledged)
        }
        return DesiredLease(fence: fence, state: .run, acknowledged: acknowledged)
    }

    private mutating func apply(_ events: [SequencedEvent]) -> [Envelope<CoordinatorMessage>] {
        var acknowledged: [Fence] = []
        var gaps: [Fence] = []
        for event in events {
            let durable = Int64(attempts[event.fence]?.durable.count ?? 0)
            if event.sequence == durable + 1 {
                if attempts[event.fence]?.isOver == true { violations.append("\(event.fence) goes on after its end") }
                attempts[event.fence]?.durable.append(event.event)
                attempts[event.fence]?.isAccepted = true
                switch event.event {
                case .finished, .failed: attempts[event.fence]?.isOver = true
                case .started, .report, .checkpoint, .warning: break
                }
            }
            let isGap = event.sequence > durable + 1
            if isGap, !gaps.contains(event.fence) { gaps.append(event.fence) }
            if !isGap, !acknowledged.contains(event.fence) { acknowledged.append(event.fence) }
        }
        func sequence(_ fence: Fence, plus one: Int64) -> FenceSequence {
            FenceSequence(fence, Int64(attempts[fence]?.durable.count ?? 0) + one)
        }
        var answers: [Envelope<CoordinatorMessage>] = []
        if !acknowledged.isEmpty { answers.append(say(.ack(acknowledged.map { sequence($0, plus: 0) }))) }
        if !gaps.isEmpty { answers.append(say(.nack(gaps.map { sequence($0, plus: 1) }))) }
        return answers
    }
}
