// SPDX-License-Identifier: MIT

import OrderedCollections
import SweepEngine
import SweepModel
import WorkerProtocol

/// A lease or a stop that is sent is a durable decision; and a durable decision is in every verdict, not only in the
/// first.
enum I5 {
    /// - Parameter fresh: fences that the transaction before these effects has changed: what was said in its middle may
    ///   be older than its end.
    static func check(_ message: CoordinatorMessage, to worker: WorkerID?, _ book: Book, fresh: Set<Fence>) -> String? {
        switch message {
        case .leases(let leases):
            for lease in leases { if let wrong = check(lease, to: worker, book, fresh) { return wrong } }
            return nil
        case .beat(let desired, _): return check(desired, to: worker, book, fresh)
        case .welcome(let welcome): return check(welcome.desired, to: worker, book, fresh)
        case .ack, .nack, .resync, .refusal: return nil
        }
    }

    private static func check(_ lease: Lease, to worker: WorkerID?, _ book: Book, _ fresh: Set<Fence>) -> String? {
        let trial = TrialID(sweep: lease.sweep, number: lease.trial)
        guard let open = book.open[lease.fence] else {
            if book.closed.contains(lease.fence), fresh.contains(lease.fence) { return nil }
            return "lease \(lease.fence) is offered and is not durable"
        }
        if open.trial != trial || open.attempt != lease.attempt { return "lease \(lease.fence) is another's" }
        if let worker, open.worker != worker { return "lease \(lease.fence) goes to \(worker), not \(open.worker)" }
        if lease.configuration != book.configuration(trial) { return "lease \(lease.fence) has other parameters" }
        if lease.parametersDigest != ParametersDigest.hex(of: lease.configuration) { return "a wrong digest" }
        return nil
    }

    private static func check(
        _ desired: [DesiredLease], to worker: WorkerID?, _ book: Book, _ fresh: Set<Fence>
    ) -> String? {
        for lease in desired where !fresh.contains(lease.fence) {
            let open = book.open[lease.fence].flatMap { worker == nil || $0.worker == worker ? $0 : nil }
            switch lease.state {
            case .run:
                guard let open else { return "\(lease.fence) is to run and is not its worker's" }
                if open.isStopping { return "\(lease.fence) is to run, and its stop is durable" }
            case .stop:
                guard let open else { return "\(lease.fence) is to stop and is not its worker's" }
                if !open.isStopping { return "\(lease.fence) is to stop, and that is not durable" }
            case .abandon:
                // Whoever has left may have held what is another's by now.
                if worker != nil, let open { return "\(lease.fence) is to be abandoned, and \(open.worker) holds it" }
            }
        }
        return nil
    }

    /// An offer that is not answered is repeated.
    static func check(offers engine: Engine, sent: [Fence: Instant], now: Instant, patience: Duration) -> String? {
        for (fence, attempt) in engine.attempts where attempt.state == .offered {
            guard engine.workers[attempt.worker]?.connection != nil, let at = sent[fence] else { continue }
            if now - at > patience { return "the offer of \(fence) is not repeated" }
        }
        return nil
    }
}
