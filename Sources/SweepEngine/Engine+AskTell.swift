// SPDX-License-Identifier: MIT

import DequeModule
import OrderedCollections
import SweepModel

/// Trials that a caller evaluates himself. They are held by no worker and expire by no clock: after `ask` a trial stays
/// pending until it is told or cancelled, over any number of restarts.
extension Engine {
    mutating func ask(_ sweep: SweepID, _ turn: inout Turn) throws(EngineError) {
        guard let state = sweeps[sweep] else { throw .unknownSweep(sweep) }
        if case .finished = state.phase { throw .sweepIsFinished(sweep) }
        if state.queue.isEmpty { takeReady(sweep, &turn) }
        guard let number = sweeps[sweep]?.queue.first else {
            // The sampler has given all it has, or the total is handed out.
            let isOver = state.openTrials == 0 || (state.isExhausted && state.ready.isEmpty) || isTargetReached(state)
            throw isOver ? .nothingLeft(sweep) : .nothingReady(sweep)
        }
        decide(.asked(TrialID(sweep: sweep, number: number)), &turn)
    }

    mutating func tell(_ trial: TrialID, _ value: Double?, _ turn: inout Turn) throws(EngineError) {
        _ = try liveTrial(trial)
        guard sweeps[trial.sweep]?.asked.contains(trial.number) == true else { throw .trialWasNotAsked(trial) }
        let settlement: Settlement
        switch value {
        case .some(let value) where value.isFinite: settlement = Settlement(state: .completed, value: value)
        // NaN is a result; what the caller calls a failure is one.
        case .some: settlement = Settlement(state: .failed, isInfeasible: true)
        case nil: settlement = Settlement(state: .failed)
        }
        decide(.told(trial, settlement), &turn)
    }
}
