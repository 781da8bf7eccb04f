// SPDX-License-Identifier: MIT

import SweepEngine
import SweepModel
import WorkerProtocol

/// The journal read a second time by much simpler rules than the engine's: what the invariants are checked against.
struct Book {
    struct Open {
        let trial: TrialID
        let worker: WorkerID
        let attempt: Int
        var sequence: Int64 = 0
        var isAccepted = false
        /// A stop or a verdict that ends it is durable.
        var isStopping = false
    }

    private(set) var entries: Int64 = 0
    private(set) var epoch: Int64 = 0
    private(set) var open: [Fence: Open] = [:]
    private(set) var holders: [TrialID: Fence] = [:]
    private(set) var closed: Set<Fence> = []
    /// Given up as lost, and their trials not given to anybody since.
    private(set) var orphans: [Fence: Open] = [:]
    private(set) var granted: Set<Fence> = []
    private(set) var highestFence = Fence(0)
    private(set) var definitions: [SweepID: SweepDefinition] = [:]
    private(set) var configurations: [SweepID: [Configuration]] = [:]
    private(set) var nextIndex: [SweepID: Int] = [:]
    private(set) var baselines: [SweepID: Int] = [:]
    private(set) var ended: [TrialID: Settlement.State] = [:]
    private(set) var attempts: [TrialID: Int] = [:]
    private(set) var asked: Set<TrialID> = []
    private(set) var paused: Set<TrialID> = []
    /// Of the user's retries, and of what may be lost.
    private(set) var requeues: [TrialID: (charged: Int, free: Int)] = [:]
    private(set) var facts: [WorkerID: WorkerFacts] = [:]
    private(set) var leases: [WorkerID: Set<Fence>] = [:]
    /// Workers that have reported a trial of less than half a second: they may get leases ahead.
    private(set) var quick: Set<WorkerID> = []

    func configuration(_ trial: TrialID) -> Configuration? {
        guard let known = configurations[trial.sweep], known.indices.contains(trial.number) else { return nil }
        return known[trial.number]
    }

    mutating func enter(_ event: Event) {
        entries += 1
        switch event {
        case .coordinatorStarted(let epoch, _): self.epoch = epoch
        case .sweepCreated(let sweep, let definition, _):
            definitions[sweep] = definition
            configurations[sweep] = []
        case .sweepRedefined(let sweep, let definition): definitions[sweep] = definition
        case .workerJoined(let worker, let facts): self.facts[worker] = facts
        case .workerLeft(let worker, _):
            facts[worker] = nil
            leases[worker] = nil
        case .proposed(let trial, let source, let configuration, _):
            configurations[trial.sweep, default: []].append(configuration)
            if case .sampler(let index) = source { nextIndex[trial.sweep] = index + 1 }
            if case .baseline(let place) = source { baselines[trial.sweep] = place + 1 }
        case .leased(let fence, let trial, let worker, let attempt):
            granted.insert(fence)
            highestFence = max(highestFence, fence)
            // A restored coordinator may grant again what was granted after the copy was made.
            closed.remove(fence)
            orphans = orphans.filter { $0.value.trial != trial }
            open[fence] = Open(trial: trial, worker: worker, attempt: attempt)
            holders[trial] = fence
            leases[worker, default: []].insert(fence)
            attempts[trial, default: 0] += 1
        case .accepted(let fence): open[fence]?.isAccepted = true
        case .observed(let fence, let sequence, _):
            open[fence]?.sequence = sequence
            open[fence]?.isAccepted = true
        case .stopRequested(let fence, _): open[fence]?.isStopping = true
        case .judged(let fence, _, let enforcement):
            if enforcement.endsAttempt { open[fence]?.isStopping = true }
        case .ended(let fence, _, let event, let disposition):
            if let worker = open[fence]?.worker, event.seconds ?? 1 < 0.5 { quick.insert(worker) }
            close(fence, disposition, isLoss: event.failed?.cause == .infrastructure)
        case .released(let fence, let reason, let disposition):
            let lost = open[fence]
            close(fence, disposition, isLoss: Self.isLoss(reason))
            if reason == .lost, case .requeued = disposition { orphans[fence] = lost }
        case .readopted(let fence):
            guard let back = orphans.removeValue(forKey: fence) else { break }
            closed.remove(fence)
            open[fence] = back
            holders[back.trial] = fence
            leases[back.worker, default: []].insert(fence)
            requeues[back.trial, default: (0, 0)].free -= 1
        case .trialCancelled(let trial): end(trial, .cancelled)
        case .retired(let trial, let settlement), .told(let trial, let settlement): end(trial, settlement.state)
        case .promoted(let trial): paused.remove(trial)
        case .asked(let trial):
            orphans = orphans.filter { $0.value.trial != trial }
            asked.insert(trial)
        case .trialRetried(let trial):
            ended[trial] = nil
            requeues[trial] = nil
        default: break
        }
    }

    private mutating func end(_ trial: TrialID, _ state: Settlement.State) {
        orphans = orphans.filter { $0.value.trial != trial }
        ended[trial] = state
        asked.remove(trial)
        paused.remove(trial)
    }

    /// Stated here a second time on purpose: a check that asked the engine would believe whatever it says.
    static func isLoss(_ reason: ReleaseReason) -> Bool {
        reason == .lost || reason == .forgotten || reason == .unstarted
    }

    private mutating func close(_ fence: Fence, _ disposition: Disposition, isLoss: Bool) {
        guard let known = open.removeValue(forKey: fence) else { return }
        closed.insert(fence)
        holders[known.trial] = nil
        leases[known.worker]?.remove(fence)
        switch disposition {
        case .requeued(let charged):
            if charged { requeues[known.trial, default: (0, 0)].charged += 1 }
            if isLoss { requeues[known.trial, default: (0, 0)].free += 1 }
        case .paused: paused.insert(known.trial)
        case .settled(let settlement): end(known.trial, settlement.state)
        }
    }
}

extension AttemptEvent {
    var seconds: Double? {
        switch self {
        case .finished(_, let resources), .failed(_, let resources): resources.seconds
        case .started, .report, .checkpoint, .warning: nil
        }
    }

    var failed: AttemptFailure? { if case .failed(let failure, _) = self { failure } else { nil } }
}
