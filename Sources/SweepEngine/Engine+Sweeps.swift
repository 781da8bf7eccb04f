// SPDX-License-Identifier: MIT

import OrderedCollections
import SearchAlgorithms
import SweepModel
import WorkerProtocol

/// Operators' wishes and the end of a sweep.
extension Engine {
    mutating func adopt(_ sweep: SweepID) throws(EngineError) {
        guard let state = sweeps[sweep] else { throw .unknownSweep(sweep) }
        if case .finished = state.phase { throw .sweepIsFinished(sweep) }
        sweeps[sweep]?.isActive = true
    }

    mutating func unpause(_ sweep: SweepID, _ turn: inout Turn) {
        guard let state = sweeps[sweep], case .paused(let reason) = state.phase else { return }
        if case .failures = reason {
            // The mistake is mended, or so the user says: what it spoilt is run again, or a small budget would be gone.
            for number in state.trials.indices
            where state.trials[number].state == .failed && !state.trials[number].isInfeasible {
                decide(.trialRetried(TrialID(sweep: sweep, number: number)), &turn)
            }
        }
        decide(.sweepUnpaused(sweep), &turn)
    }

    mutating func cancel(_ sweep: SweepID, _ turn: inout Turn) throws(EngineError) {
        guard let state = sweeps[sweep] else { throw .unknownSweep(sweep) }
        if case .finished = state.phase { throw .sweepIsFinished(sweep) }
        for number in state.trials.indices where !state.trials[number].state.isOver {
            try cancel(TrialID(sweep: sweep, number: number), &turn)
        }
        decide(.sweepFinished(sweep, .cancelled), &turn)
    }

    mutating func cancel(_ trial: TrialID, _ turn: inout Turn) throws(EngineError) {
        let state = try liveTrial(trial).state
        switch state {
        case .queued, .paused:
            decide(.trialCancelled(trial), &turn)
            discardCheckpoints(of: trial, &turn)
        case .leased, .running:
            guard let fence = fence(of: trial) else {
                // Handed out by ask: no worker has to be told.
                decide(.trialCancelled(trial), &turn)
                return
            }
            abandon(fence, reason: "cancelled", &turn)
            decide(.released(fence, .left, .settled(Settlement(state: .cancelled))), &turn)
            discardCheckpoints(of: trial, &turn)
        case .completed, .stopped, .failed, .cancelled: break
        }
    }

    mutating func stop(_ trial: TrialID, reason: String, _ turn: inout Turn) throws(EngineError) {
        let state = try liveTrial(trial).state
        guard let fence = fence(of: trial) else { throw .trialIsNot("running", trial, state.rawValue) }
        if attempts[fence]?.stopReason != nil { return }
        decide(.stopRequested(fence, reason: reason), &turn)
        sendDesired(fence, &turn)
    }

    mutating func retry(_ trial: TrialID, _ turn: inout Turn) throws(EngineError) {
        guard let sweep = sweeps[trial.sweep] else { throw .unknownSweep(trial.sweep) }
        guard sweep.trials.indices.contains(trial.number) else { throw .unknownTrial(trial) }
        let state = sweep.trials[trial.number].state
        // Only what counts towards the total already: a retry must not go past it.
        guard state == .failed else { throw .trialIsNot("failed", trial, state.rawValue) }
        decide(.trialRetried(trial), &turn)
    }

    func liveTrial(_ trial: TrialID) throws(EngineError) -> Trial {
        guard let sweep = sweeps[trial.sweep] else { throw .unknownSweep(trial.sweep) }
        guard sweep.trials.indices.contains(trial.number) else { throw .unknownTrial(trial) }
        let found = sweep.trials[trial.number]
        if found.state.isOver { throw .trialIsOver(trial, found.state.rawValue) }
        return found
    }

    func fence(of trial: TrialID) -> Fence? {
        attempts.filter { $0.value.trial == trial }.keys.max()
    }

    /// After every stimulus: what follows from the state for each active sweep, in the order of their ids.
    mutating func advance(_ turn: inout Turn) {
        for sweep in sweeps.keys where sweeps[sweep]?.isActive == true {
            guard case .running? = sweeps[sweep]?.phase else { continue }
            pauseOnQuickFailures(sweep, &turn)
            guard case .running? = sweeps[sweep]?.phase else { continue }
            if sweeps[sweep]?.activeBoot == nil { sweeps[sweep]?.activeBoot = turn.now.boot }
            if let reason = finishReason(sweep, now: turn.now) {
                finish(sweep, reason, &turn)
                continue
            }
            if !isDraining { propose(sweep, &turn) }
        }
        if !isDraining { assign(&turn) }
    }

    private mutating func pauseOnQuickFailures(_ sweep: SweepID, _ turn: inout Turn) {
        guard sweeps[sweep]?.quickFailures ?? 0 >= timers.quickFailureLimit, let counts = sweeps[sweep]?.counts,
            counts[.completed] + counts[.stopped] == 0
        else { return }
        var message = "", tail = ""
        for entry in turn.reaction.events.reversed() {
            guard case .ended(_, _, let event, _) = entry.event, let failure = event.failure else { continue }
            (message, tail) = (failure.message, failure.tail)
            break
        }
        decide(.sweepPaused(sweep, .failures(message: message, tail: tail)), &turn)
        // Leases ahead that have not begun would fail the same way.
        for (fence, attempt) in liveAttempts() where attempt.trial.sweep == sweep && attempt.state != .running {
            takeBack(fence, reason: "the sweep is paused", &turn)
        }
    }

    func finishReason(_ sweep: SweepID, now: Moment) -> FinishReason? {
        guard let state = sweeps[sweep] else { return nil }
        if let formerEnd = state.formerEnd { return state.hasErrandsLeft ? nil : formerEnd }
        let isIdle = state.live == 0
        if isTargetReached(state) { return state.attended == 0 ? .target : nil }
        if isIdle, state.counts[.queued] == 0 {
            // A paused trial may have earned to go on.
            if state.promotable != nil { return limitReached(state, now: now) }
            if state.openTrials == 0 { return .trials }
            if state.isExhausted, state.ready.isEmpty, state.baselinesQueued == state.definition.baselines.count {
                return .exhausted
            }
        }
        return limitReached(state, now: now)
    }

    /// The budget that is used up, if one is: nothing more begins, and what runs is asked to stop.
    func limitReached(_ state: SweepState, now: Moment) -> FinishReason? {
        if let limit = state.definition.limits.sweep, state.elapsed(at: now) >= limit { return .time }
        if let limit = state.definition.limits.steps, state.steps >= limit { return .steps }
        if let limit = state.definition.limits.noImprovement, state.sinceBest >= limit { return .noImprovement }
        return nil
    }

    /// Queued trials of a sweep that ends early stay queued: with a higher limit it goes on with them. Running ones are
    /// asked to stop and end on their own; those that have not begun go back.
    private mutating func finish(_ sweep: SweepID, _ reason: FinishReason, _ turn: inout Turn) {
        if reason == .time || reason == .steps || reason == .noImprovement {
            // Whoever asks for a trial to be trained further means it; the clock is for all.
            stopRunning(
                sweep, reason: "the sweep's limit of \(reason.rawValue) is reached",
                sparesContinuations: reason != .time, &turn)
            if sweeps[sweep]?.attended != 0 { return }
        }
        retirePaused(sweep, &turn)
        decide(.sweepFinished(sweep, reason), &turn)
    }

    /// On the user's word a sweep is over at once; what runs ends in its grace time and keeps its results.
    mutating func stop(_ sweep: SweepID, _ turn: inout Turn) throws(EngineError) {
        guard let state = sweeps[sweep] else { throw .unknownSweep(sweep) }
        if case .finished = state.phase { throw .sweepIsFinished(sweep) }
        stopRunning(sweep, reason: "the sweep was stopped", &turn)
        retirePaused(sweep, &turn)
        decide(.sweepFinished(sweep, .stopped), &turn)
    }

    private mutating func stopRunning(
        _ sweep: SweepID, reason: String, sparesContinuations: Bool = false, _ turn: inout Turn
    ) {
        // A stop outranks a pause: nobody would ever take the paused trial up again.
        for (fence, attempt) in liveAttempts()
        where attempt.trial.sweep == sweep && (attempt.stopReason == nil || attempt.isPausing) {
            if sparesContinuations, trial(attempt.trial)?.isContinuation == true { continue }
            if attempt.state == .running {
                decide(.stopRequested(fence, reason: reason), &turn)
                sendDesired(fence, &turn)
            } else {
                takeBack(fence, reason: reason, &turn)
            }
        }
    }

    func isTargetReached(_ state: SweepState) -> Bool {
        guard let target = state.definition.objective.target, let best = state.best else { return false }
        return best.value == target || state.definition.objective.isBetter(best.value, than: target)
    }
}
