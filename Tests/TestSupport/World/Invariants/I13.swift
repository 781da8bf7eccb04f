// SPDX-License-Identifier: MIT

import OrderedCollections
import SweepEngine
import SweepModel

/// Liveness: after the faults all trials are over within three times the grace and the lease's life, and the work.
enum I13 {
    static func deadline(_ engine: Engine, timers: EngineTimers, longestTrial: Int64, slots: Int) -> Int64 {
        var left = 0
        for state in engine.sweeps.values {
            let open = state.openTrials ?? 200
            left += (open + state.trials.count { !$0.state.isOver }) * (1 + state.definition.retries)
        }
        let work = Int64(left / max(1, slots) + 2) * longestTrial * 2
        return 3 * (timers.resumeGrace + timers.leaseLifetime).milliseconds + 4 * timers.longestRest.milliseconds
            + 4 * timers.quarantine.milliseconds + work
    }

    static func check(_ engine: Engine, _ plans: [Scenario.SweepPlan]) -> String? {
        for (sweep, state) in engine.sweeps {
            guard case .finished(let reason) = state.phase else {
                return "sweep \(sweep) is \(state.phase), counts \(state.counts), attempts \(engine.attempts)"
            }
            // A sweep that a limit or its target ended may go on: what was queued waits, and so does who was handed one.
            let mayGoOn = reason != .trials && reason != .exhausted && reason != .cancelled
            for (number, trial) in state.trials.enumerated()
            where !trial.state.isOver && !(mayGoOn && (trial.state == .queued || state.asked.contains(number))) {
                return "trial \(sweep)/\(number) is \(trial.state) at the end"
            }
            if reason == .trials, state.counted != state.definition.trials {
                return "sweep \(sweep) ends with \(state.counted) trials"
            }
            if reason == .exhausted, plans.indices.contains(sweep.number - 1),
                let size = plans[sweep.number - 1].spaceSize
            {
                let distinct = Set(state.trials.map(\.configuration)).count
                if distinct < size { return "sweep \(sweep) is exhausted with \(distinct) of \(size) tried" }
            }
        }
        return nil
    }
}
