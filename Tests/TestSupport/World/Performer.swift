// SPDX-License-Identifier: MIT

import SweepEngine
import SweepModel
import WorkerProtocol

/// Stands where the shell performs effects, and refuses those that no shell may ever be asked for. It knows nothing but
/// the committed journal.
struct Performer {
    /// Connections this process has heard from.
    var known: Set<Connection> = []
    var ledger = Ledger()

    /// Why the effect is illegal, or nil.
    func objection(_ effect: Effect, worker: (Connection) -> WorkerID?) -> String? {
        guard case .send(let connection, _, let message) = effect else { return nil }
        guard known.contains(connection) else { return "a message to a connection nobody spoke from" }
        let worker = worker(connection)
        switch message {
        case .leases(let leases):
            for lease in leases { if let wrong = objection(lease, worker) { return wrong } }
        case .ack(let acks):
            for ack in acks where !ledger.closed.contains(ack.fence) {
                guard let open = ledger.open[ack.fence], open.worker == worker else {
                    // Void: another's fence, done with for this worker. Only what was never granted may not be named.
                    if ack.fence <= ledger.highestFence { continue }
                    return "an ack of fence \(ack.fence), never granted"
                }
                if ack.sequence > open.sequence { return "an ack of \(ack.fence)/\(ack.sequence), not committed" }
            }
        case .nack(let gaps):
            for gap in gaps where ledger.open[gap.fence] == nil && !ledger.closed.contains(gap.fence) {
                return "a nack of fence \(gap.fence), never granted"
            }
        case .beat(let desired, _): return objection(desired, worker)
        case .welcome(let welcome): return objection(welcome.desired, worker)
        case .resync, .refusal: break
        }
        return nil
    }

    private func objection(_ lease: Lease, _ worker: WorkerID?) -> String? {
        let trial = TrialID(sweep: lease.sweep, number: lease.trial)
        // Later events of the same transaction may have ended it already; the worker learns that from its next beat.
        if ledger.closed.contains(lease.fence) { return nil }
        guard let open = ledger.open[lease.fence] else { return "lease \(lease.fence) was never committed" }
        if open.trial != trial || open.attempt != lease.attempt { return "lease \(lease.fence) is another's" }
        if let worker, open.worker != worker { return "lease \(lease.fence) goes to \(worker), not \(open.worker)" }
        if ledger.ended[trial] != nil { return "lease \(lease.fence) is for trial \(trial), which is over" }
        if lease.configuration != ledger.configurations[trial] { return "lease \(lease.fence) has other parameters" }
        if lease.parametersDigest != ParametersDigest.hex(of: lease.configuration) { return "a wrong digest" }
        return nil
    }

    private func objection(_ desired: [DesiredLease], _ worker: WorkerID?) -> String? {
        for lease in desired where lease.state != .abandon {
            if ledger.closed.contains(lease.fence) { continue }
            guard let open = ledger.open[lease.fence] else { return "\(lease.fence) is wanted and was never granted" }
            if let worker, open.worker != worker { return "\(lease.fence) is wanted of \(worker)" }
            if lease.acknowledged > open.sequence { return "\(lease.fence) is acknowledged beyond the journal" }
        }
        return nil
    }
}
