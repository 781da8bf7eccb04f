// SPDX-License-Identifier: MIT

import SweepEngine
import SweepModel
import WorkerProtocol

/// Events per fence are contiguous and applied once.
enum I3 {
    /// What the workers' agents have recorded: the process's name, the fence, and the events in order.
    typealias Spoken = [String: [Fence: [AttemptEvent]]]

    static func check(_ event: Event, _ book: Book, _ spoken: Spoken) -> String? {
        let (fence, sequence, said): (Fence, Int64, AttemptEvent)
        switch event {
        case .observed(let a, let b, let c): (fence, sequence, said) = (a, b, c)
        case .ended(let a, let b, let c, _): (fence, sequence, said) = (a, b, c)
        default: return nil
        }
        guard let open = book.open[fence] else { return "an event of fence \(fence), which is not open" }
        if sequence != open.sequence + 1 { return "event \(sequence) of fence \(fence) after \(open.sequence)" }
        let known = spoken[String(open.worker.name.suffix(8))]?[fence] ?? []
        guard known.indices.contains(Int(sequence) - 1) else { return "\(fence)/\(sequence) was never recorded" }
        return isSame(known[Int(sequence) - 1], said) ? nil : "\(fence)/\(sequence) is \(said), and was another"
    }

    /// NaN equals itself here.
    private static func isSame(_ one: AttemptEvent, _ other: AttemptEvent) -> Bool {
        guard case .report(let step, let metrics) = one, case .report(let otherStep, let others) = other else {
            return one == other
        }
        return step == otherStep && metrics.count == others.count
            && zip(metrics, others).allSatisfy {
                $0.name == $1.name && ($0.value == $1.value || ($0.value.isNaN && $1.value.isNaN))
            }
    }

    /// Each event of a session that is known is answered: it is durable, or there is a gap.
    static func check(answered events: [SequencedEvent], to connection: Connection, by effects: [Effect]) -> String? {
        var named: Set<Fence> = []
        for case .send(let other, _, let message) in effects where other == connection {
            switch message {
            case .ack(let list), .nack(let list): for element in list { named.insert(element.fence) }
            case .beat(let desired, _): for element in desired { named.insert(element.fence) }
            // It does not know the fence, and asks what the worker holds.
            case .resync: return nil
            case .welcome, .leases, .refusal: break
            }
        }
        return events.first { !named.contains($0.fence) }.map { "\($0.fence)/\($0.sequence) drew no answer" }
    }

    /// A worker that is told of a gap goes back to it.
    static func check(
        filled gap: FenceSequence, by messages: [WorkerMessage], _ worker: SimulatedWorker
    ) -> String? {
        let isFilled = messages.contains { message in
            guard case .events(let events) = message else { return false }
            return events.contains { $0.fence == gap.fence && $0.sequence == gap.sequence }
        }
        if isFilled || worker.sending.outstanding >= Int64(worker.sending.window) { return nil }
        return "the gap at \(gap.fence)/\(gap.sequence) is not filled"
    }
}
