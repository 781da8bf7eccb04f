// SPDX-License-Identifier: MIT

import DequeModule
import OrderedCollections
import SweepModel

/// Trials that a caller evaluates himself. They are held by no worker and expire by no clock: after `ask` a trial stays
/// pending until it is told or cancelled, over any number of restarts.
extension Engine {
    mutating func ask(_ sweep: SweepID, _ turn: inout Turn) throws(EngineError) {
        guard let state = sweeps[sweep] else { throw .unknownSweep(sweep) }
        if state.hasEnded { throw .sweepIsFinished(sweep) }
        if case .paused = state.phase { throw .sweepIsPaused(sweep) }
        guard state.isActive else { throw .sweepIsNotAtWork(sweep) }
        guard !isDraining, !isTargetReached(state), limitReached(state, now: turn.now) == nil else {
            throw .nothingLeft(sweep)
        }
        if state.queue.isEmpty { takeReady(sweep, &turn) }
        guard let number = sweeps[sweep]?.queue.first else { throw whyNothing(state, sweep) }
        decide(.asked(TrialID(sweep: sweep, number: number)), &turn)
    }

    private func whyNothing(_ state: SweepState, _ sweep: SweepID) -> EngineError {
        if state.openTrials == 0 || (state.isExhausted && state.ready.isEmpty) { return .nothingLeft(sweep) }
        // Workers' trials end by themselves.
        if let cut = state.deterministicCut, !state.isProposing, state.attended == 0 {
            let waiting = state.asked.filter { $0 < cut }.sorted()
            if !waiting.isEmpty { return .waitsForTells(sweep, waiting) }
        }
        return .nothingReady(sweep)
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
        // The last tell ends a sweep that nobody is running.
        if sweeps[trial.sweep]?.isActive == false, case .running? = sweeps[trial.sweep]?.phase,
            let reason = finishReason(trial.sweep, now: turn.now)
        {
            decide(.sweepFinished(trial.sweep, reason), &turn)
        }
    }
}
