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
            if !fences.contains(fence) { return "fence \(fence) was never granted" }
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
        // By index: a trial is not copied to be looked at, and the simulation asks this all the time.
        let trials = state.trials
        let queue = Set(state.queue)
        var actual = StateCounts()
        for number in trials.indices {
            let kind = trials[number].state
            actual[kind] += 1
            if kind.isOver, kind != .failed, state.progress[number] != nil {
                return "trial \(number) is over and has progress"
            }
            if kind == .queued, !queue.contains(number) { return "trial \(number) is queued nowhere" }
            if trials[number].value?.isFinite == false { return "trial \(number) has a non-finite value" }
        }
        for kind in Trial.State.allCases where actual[kind] != state.counts[kind] {
            return "\(actual[kind]) trials are \(kind), \(state.counts[kind]) counted"
        }
        return nil
    }
}
