// SPDX-License-Identifier: MIT

import SweepModel
import WorkerProtocol

/// A worker's session, a coordinator, and a network that loses, repeats, delays and reorders, in virtual time. Every run
/// is a function of its seed. Messages travel as bytes.
struct SimulatedWorld {
    struct Faults {
        var dropped = 0
        var duplicated = 0
        /// Milliseconds.
        var delay = 0
        /// Chances a step, per mille.
        var crash = 0
        var stop = 0

        static let none = Faults()
    }

    private struct Mail<Message: Sendable & Hashable> {
        let arrival: Int64
        let frames: [[UInt8]]
    }

    private var random: SplitMix
    private(set) var session: WorkerSession
    private(set) var coordinator: SimulatedCoordinator
    private var toCoordinator: [Mail<WorkerMessage>] = []
    private var toWorker: [Mail<CoordinatorMessage>] = []
    private(set) var now: Int64 = 1000
    /// What the agent recorded, and how many events each attempt still makes.
    private(set) var recorded: [Fence: [AttemptEvent]] = [:]
    private var left: [Fence: Int] = [:]
    private var running: [Fence] = []
    private(set) var violations: [String] = []

    init(seed: UInt64) {
        random = SplitMix(seed)
        let count = 1 + random.below(6)
        coordinator = SimulatedCoordinator(leases: (1...Int64(count)).map { SessionRig.lease($0) })
        session = WorkerSession(
            hello: Hello(boot: Samples.boot, agent: "a", host: "h", processID: 1, slots: count))
        perform(session.connected(now: Instant(milliseconds: now)), .none)
    }

    /// One step of virtual time: 1 to 50 ms.
    mutating func step(_ faults: Faults) throws {
        now += Int64(1 + random.below(50))
        let instant = Instant(milliseconds: now)
        if random.chance(faults.crash) {
            coordinator.crash()
            // Connections break with it; what was under way to the worker is gone.
            toWorker.removeAll()
            if random.chance(500) { toCoordinator.removeAll() }
        }
        if random.chance(faults.stop), let fence = coordinator.fences.randomElement(using: &random) {
            coordinator.stop(fence)
        }
        for mail in Self.arrived(&toCoordinator, now) {
            coordinator.receive(try MessageCodec.decodeWorkerMessage(mail.frames))
        }
        if random.chance(300) {
            for answer in coordinator.commit(now: now) {
                for arrival in arrivals(faults) {
                    toWorker.append(Mail(arrival: arrival, frames: MessageCodec.encode(answer)))
                }
            }
        }
        for mail in Self.arrived(&toWorker, now) {
            perform(session.received(try MessageCodec.decodeCoordinatorMessage(mail.frames), now: instant), faults)
        }
        train(instant, faults)
        perform(session.tick(now: instant), faults)
    }

    private static func arrived<Message>(_ mail: inout [Mail<Message>], _ now: Int64) -> [Mail<Message>] {
        let arrived = mail.filter { $0.arrival <= now }.sorted { $0.arrival < $1.arrival }
        mail.removeAll { $0.arrival <= now }
        return arrived
    }

    private mutating func arrivals(_ faults: Faults) -> [Int64] {
        if random.chance(faults.dropped) { return [] }
        let copies = random.chance(faults.duplicated) ? 2 : 1
        return (0..<copies).map { _ in now + Int64(faults.delay == 0 ? 1 : 1 + random.below(faults.delay)) }
    }

    private mutating func train(_ instant: Instant, _ faults: Faults) {
        for fence in running where random.chance(200) {
            let rest = left[fence] ?? 0
            let count = Int64(recorded[fence]?.count ?? 0)
            record(rest == 0 ? .finished(.completed, Resources()) : report(count), fence, instant, faults)
            left[fence] = rest - 1
            if rest == 0 { running.removeAll { $0 == fence } }
        }
    }

    private mutating func record(_ event: AttemptEvent, _ fence: Fence, _ instant: Instant, _ faults: Faults) {
        recorded[fence, default: []].append(event)
        perform(session.record(event, for: fence, now: instant), faults)
    }

    private mutating func perform(_ effects: [WorkerEffect], _ faults: Faults) {
        let instant = Instant(milliseconds: now)
        for effect in effects {
            switch effect {
            case .send(let envelope):
                for arrival in arrivals(faults) {
                    toCoordinator.append(Mail(arrival: arrival, frames: MessageCodec.encode(envelope)))
                }
            case .start(let lease):
                if left[lease.fence] != nil { violations.append("\(lease.fence) started twice") }
                left[lease.fence] = random.below(40)
                running.append(lease.fence)
                record(.started(resumedFrom: nil), lease.fence, instant, faults)
            case .stop(let fence, _):
                if !running.contains(fence) { violations.append("\(fence) stopped twice, or after its end") }
                running.removeAll { $0 == fence }
                record(.finished(.stopped, Resources()), fence, instant, faults)
            case .abandon(let fence, let reason):
                // Only because its end is durable and the acknowledgement was lost.
                if coordinator.attempts[fence]?.isOver != true { violations.append("\(fence) abandoned: \(reason)") }
            case .reconnect:
                toWorker.removeAll()
                perform(session.connected(now: instant), faults)
            case .refused(let refusal): violations.append("refused: \(refusal.message)")
            case .drain, .closed: break
            }
        }
    }
}
