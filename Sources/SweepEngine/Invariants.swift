// SPDX-License-Identifier: MIT

import DequeModule
import OrderedCollections
import SweepModel

extension Engine {
    /// The first violated invariant, in words; nil when the state is sound. Checked after each step in debug builds and
    /// in tests. Cost: linear in live attempts and workers, and in trials only for small sweeps.
    package func violatedInvariant() -> String? {
        var holders: [TrialID: Fence] = [:]
        for (fence, attempt) in liveAttempts() {
            if fence >= nextFence { return "fence \(fence) was never granted" }
            if let other = holders[attempt.trial] { return "trial \(attempt.trial) is held by \(other) and \(fence)" }
            holders[attempt.trial] = fence
            guard let trial = trial(attempt.trial) else { return "fence \(fence) holds an unknown trial" }
            let expected: Trial.State = attempt.state == .running ? .running : .leased
            if trial.state != expected { return "trial \(attempt.trial) is \(trial.state) under a live lease" }
            if workers[attempt.worker]?.leases.contains(fence) != true { return "\(attempt.worker) forgot \(fence)" }
        }
        if !workers.isTrue { return "the workers' slots are counted wrongly" }
        for (worker, state) in workers {
            for fence in state.leases where attempts[fence]?.worker != worker {
                return "worker \(worker) lists fence \(fence), which is not its own"
            }
        }
        for (sweep, state) in sweeps {
            if let total = state.definition.trials, state.counted > total {
                return "sweep \(sweep) has \(state.counted) counted trials of \(total)"
            }
            if state.queue.count != state.counts[.queued] { return "sweep \(sweep): queue and count differ" }
            if state.trials.count <= 1000, let wrong = violatedCount(state) { return "sweep \(sweep): \(wrong)" }
        }
        return nil
    }

    private func violatedCount(_ state: SweepState) -> String? {
        for kind in Trial.State.allCases {
            let actual = state.trials.reduce(0) { $0 + ($1.state == kind ? 1 : 0) }
            if actual != state.counts[kind] { return "\(actual) trials are \(kind), \(state.counts[kind]) counted" }
        }
        for (number, trial) in state.trials.enumerated() {
            if trial.state.isOver, state.progress[number] != nil { return "trial \(number) is over and has progress" }
            if trial.state == .queued, !state.queue.contains(number) { return "trial \(number) is queued nowhere" }
            if trial.value?.isFinite == false { return "trial \(number) has a non-finite value" }
        }
        return nil
    }
}
