// SPDX-License-Identifier: MIT

import SweepEngine
import SweepModel
import WorkerProtocol

/// The journal read a second time by much simpler rules than the engine's: what it contradicts is a bug of one of the
/// two.
struct Ledger {
    struct Open {
        let trial: TrialID
        let worker: WorkerID
        let attempt: Int
        var sequence: Int64 = 0
    }

    /// What a worker says of leases that are not its own.
    static let lawless = "lawless"

    private(set) var open: [Fence: Open] = [:]
    private(set) var closed: Set<Fence> = []
    private(set) var highestFence = Fence(0)
    private(set) var configurations: [TrialID: Configuration] = [:]
    private(set) var ended: [TrialID: Settlement.State] = [:]
    private var attempts: [TrialID: Int] = [:]
    private var asked: Set<TrialID> = []
    private var paused: Set<TrialID> = []
    private var requeues: [TrialID: (charged: Int, free: Int)] = [:]
    private var nextIndex = 0
    private var epoch: Int64 = 0

    /// What is wrong with the entry, or nil.
    mutating func append(_ entry: JournalEntry, retries: Int, losses: Int) -> String? {
        switch entry.event {
        case .coordinatorStarted(let epoch, _):
            defer { self.epoch = epoch }
            return epoch > self.epoch ? nil : "epoch \(epoch) after \(self.epoch)"
        case .proposed(let trial, let source, let configuration, _):
            if configurations[trial] != nil { return "trial \(trial) is proposed twice" }
            configurations[trial] = configuration
            if case .sampler(let index) = source {
                if index < nextIndex { return "proposal \(index) is used twice" }
                if configuration != .proposal(index) { return "trial \(trial) is not proposal \(index)" }
                nextIndex = index + 1
            }
        case .leased(let fence, let trial, let worker, let attempt):
            if fence <= highestFence { return "fence \(fence) after \(highestFence)" }
            highestFence = fence
            if ended[trial] != nil { return "trial \(trial) is leased after its end" }
            if configurations[trial] == nil { return "trial \(trial) is leased before it exists" }
            if paused.contains(trial) { return "trial \(trial) is leased while it is paused" }
            if asked.contains(trial) { return "trial \(trial) is leased while a caller has it" }
            if open.values.contains(where: { $0.trial == trial }) { return "trial \(trial) is leased twice" }
            attempts[trial, default: 0] += 1
            if attempts[trial] != attempt { return "attempt \(attempt) of \(trial) is its \(attempts[trial] ?? 0)th" }
            open[fence] = Open(trial: trial, worker: worker, attempt: attempt)
        case .accepted(let fence), .stopRequested(let fence, _), .judged(let fence, _, _):
            if open[fence] == nil { return "fence \(fence) is not open" }
        case .observed(let fence, let sequence, let event):
            if event == .warning(Self.lawless) {
                return "an event of fence \(fence) from a worker that does not hold it"
            }
            return advance(fence, to: sequence)
        case .ended(let fence, let sequence, let event, let disposition):
            let isInfrastructure =
                if case .failed(let failure, _) = event { failure.cause == .infrastructure } else { false }
            return advance(fence, to: sequence)
                ?? close(fence, disposition, isLoss: isInfrastructure, retries: retries, losses: losses)
        case .released(let fence, let reason, let disposition):
            let isLoss = reason == .lost || reason == .forgotten
            return close(fence, disposition, isLoss: isLoss, retries: retries, losses: losses)
        case .trialCancelled(let trial):
            if ended[trial] != nil { return "trial \(trial) is cancelled after its end" }
            if open.values.contains(where: { $0.trial == trial }) { return "trial \(trial) is cancelled under a lease" }
            asked.remove(trial)
            paused.remove(trial)
            ended[trial] = .cancelled
        case .promoted(let trial):
            if paused.remove(trial) == nil { return "trial \(trial) is promoted and was not paused" }
        case .retired(let trial, let settlement):
            if paused.remove(trial) == nil { return "trial \(trial) is retired and was not paused" }
            ended[trial] = settlement.state
        case .asked(let trial):
            if ended[trial] != nil { return "trial \(trial) is handed out after its end" }
            if open.values.contains(where: { $0.trial == trial }) {
                return "trial \(trial) is handed out under a lease"
            }
            if !asked.insert(trial).inserted { return "trial \(trial) is handed out twice" }
        case .told(let trial, let settlement):
            if ended[trial] != nil { return "trial \(trial) is told after its end" }
            if asked.remove(trial) == nil { return "trial \(trial) is told and was never handed out" }
            ended[trial] = settlement.state
        case .trialRetried(let trial):
            if ended[trial] != .failed { return "trial \(trial) is retried and had not failed" }
            ended[trial] = nil
            requeues[trial] = nil
        case .workerLeft(let worker, _):
            if open.values.contains(where: { $0.worker == worker }) { return "\(worker) left with a lease" }
        case .sweepFinished(let sweep, let reason):
            if open.values.contains(where: { $0.trial.sweep == sweep }) {
                return "sweep \(sweep) is finished under a lease"
            }
            // A sweep that a limit or its target ended may go on: what was queued waits.
            let isOver = reason == .trials || reason == .exhausted || reason == .cancelled
            if isOver, configurations.keys.contains(where: { $0.sweep == sweep && ended[$0] == nil }) {
                return "sweep \(sweep) is finished before its trials"
            }
        case .sweepCreated, .sweepRedefined, .sweepPaused, .sweepUnpaused, .spaceExhausted, .workerJoined,
            .checkpointDiscarded:
            break
        }
        return nil
    }

    private mutating func advance(_ fence: Fence, to sequence: Int64) -> String? {
        guard let known = open[fence] else { return "an event of fence \(fence), which is not open" }
        if sequence != known.sequence + 1 { return "event \(sequence) of fence \(fence) after \(known.sequence)" }
        open[fence]?.sequence = sequence
        return nil
    }

    private mutating func close(
        _ fence: Fence, _ disposition: Disposition, isLoss: Bool, retries: Int, losses: Int
    ) -> String? {
        guard let known = open.removeValue(forKey: fence) else { return "fence \(fence) ends twice" }
        closed.insert(fence)
        switch disposition {
        case .requeued(let charged):
            if charged { requeues[known.trial, default: (0, 0)].charged += 1 }
            if isLoss { requeues[known.trial, default: (0, 0)].free += 1 }
            let count = requeues[known.trial] ?? (0, 0)
            if count.charged > retries { return "trial \(known.trial) is retried \(count.charged) times" }
            if count.free > losses { return "trial \(known.trial) is put back \(count.free) times" }
        case .paused:
            if !paused.insert(known.trial).inserted { return "trial \(known.trial) pauses twice" }
        case .settled(let settlement):
            if ended[known.trial] != nil { return "trial \(known.trial) ends twice" }
            ended[known.trial] = settlement.state
        }
        return nil
    }
}
