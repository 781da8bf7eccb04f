// SPDX-License-Identifier: MIT

import SweepEngine
import SweepModel
import WorkerProtocol

/// A worker never runs more than its slots, nor two attempts of one trial.
enum I9 {
    /// - Parameter prefetch: leases ahead that the worker wants while its trials are short.
    static func check(_ event: Event, _ book: Book, prefetch: (WorkerID) -> Int) -> String? {
        guard case .leased(let fence, _, let worker, _) = event else { return nil }
        guard let facts = book.facts[worker] else { return "fence \(fence) goes to \(worker), who is not there" }
        if let trial = event.leased, let definition = book.definitions[trial.sweep], !facts.offer.suits(definition) {
            return "fence \(fence) goes to \(worker), who does not offer what it needs"
        }
        let held = (book.leases[worker]?.count ?? 0) + 1
        let allowed = facts.slots + (book.quick.contains(worker) ? prefetch(worker) : 0)
        return held > allowed ? "\(worker) holds \(held) leases and may hold \(allowed)" : nil
    }

    static func check(_ worker: SimulatedWorker) -> String? {
        var trials: Set<TrialID> = []
        for child in worker.children {
            let trial = TrialID(sweep: child.lease.sweep, number: child.lease.trial)
            if !trials.insert(trial).inserted { return "\(worker.name) runs trial \(trial) twice" }
        }
        return nil
    }
}

extension Event {
    fileprivate var leased: TrialID? { if case .leased(_, let trial, _, _) = self { trial } else { nil } }
}
