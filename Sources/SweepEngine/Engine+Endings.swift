// SPDX-License-Identifier: MIT

import OrderedCollections
import SweepModel
import WorkerProtocol

/// What becomes of a trial whose attempt ended by its own word.
extension Engine {
    func disposition(of outcome: AttemptEvent.Outcome, _ attempt: Attempt) -> Disposition {
        // One that was to pause and came to its end before it heard of it has ended.
        let isPaused = attempt.isPausing && outcome == .stopped
        if isPaused || (!attempt.isPausing && (outcome == .stopped || attempt.stopReason != nil)) {
            return stopped(attempt)
        }
        let settlement = settlement(.completed, of: attempt.trial)
        if settlement.value != nil { return .settled(settlement) }
        // It reported nothing but NaN and infinities: a result. It reported nothing at all: the user's failure.
        return settlement.isInfeasible
            ? .settled(self.settlement(.failed, of: attempt.trial)) : failure(of: attempt.trial)
    }

    func disposition(of failure: AttemptFailure, _ attempt: Attempt) -> Disposition {
        switch failure.cause {
        case .memory, .diverged, .timeout:
            let known = settlement(.failed, of: attempt.trial)
            return .settled(Settlement(state: .failed, value: known.value, step: known.step, isInfeasible: true))
        case .infrastructure, .user, .signal:
            // A stopped trial is not run again, however its last attempt ended.
            if attempt.stopReason != nil { return stopped(attempt) }
            if failure.cause != .infrastructure { return self.failure(of: attempt.trial) }
            let losses = trial(attempt.trial)?.losses ?? 0
            if losses < timers.maximumLosses { return .requeued(charged: false) }
            return .settled(plain(settlement(.failed, of: attempt.trial)))
        }
    }

    /// What becomes of a trial that was asked to stop: it pauses, has diverged, or is stopped.
    func stopped(_ attempt: Attempt) -> Disposition {
        if attempt.isPausing {
            let known = settlement(.stopped, of: attempt.trial)
            return .paused(value: known.value, step: known.step)
        }
        let known = settlement(.stopped, of: attempt.trial)
        guard let judgement = trial(attempt.trial)?.judgement, judgement.verdict.rule == .nan,
            judgement.enforcement == .stopped
        else { return .settled(known) }
        // As if it had been left to end with NaN.
        return .settled(Settlement(state: .failed, value: known.value, step: known.step, isInfeasible: true))
    }

    /// The user's failure: tried again while `retries` lasts.
    private func failure(of trial: TrialID) -> Disposition {
        let failures = self.trial(trial)?.failures ?? 0
        if failures < sweeps[trial.sweep]?.definition.retries ?? 0 { return .requeued(charged: true) }
        return .settled(plain(settlement(.failed, of: trial)))
    }

    /// A failure stays one, even where all it had reported was NaN.
    func plain(_ settlement: Settlement) -> Settlement {
        Settlement(state: settlement.state, value: settlement.value, step: settlement.step)
    }

    /// A trial's end with the value its curve gives; infeasible when it reported values and none can be used.
    func settlement(_ state: Settlement.State, of trial: TrialID) -> Settlement {
        guard let sweep = sweeps[trial.sweep], let progress = sweep.progress[trial.number] else {
            return Settlement(state: state)
        }
        let point = progress.curve.summary(sweep.definition.objective.summary)
        let isInfeasible = point == nil && !progress.curve.isEmpty
        return Settlement(state: state, value: point?.value, step: point?.step, isInfeasible: isInfeasible)
    }

    /// The worker can run trials, and how long they take it: for its leases ahead.
    mutating func learn(_ resources: Resources, of worker: WorkerID) {
        workers[worker]?.rests = 0
        guard let seconds = resources.seconds, seconds.isFinite, seconds >= 0 else { return }
        let before = workers[worker]?.recentSeconds ?? seconds
        workers[worker]?.recentSeconds = 0.8 * before + 0.2 * seconds
    }
}
