// SPDX-License-Identifier: MIT

import DequeModule
import OrderedCollections
import SweepModel
import WorkerProtocol

/// Operators' wishes, proposals and the end of a sweep.
extension Engine {
    mutating func activate(_ sweep: SweepID, _ turn: inout Turn) throws(EngineError) {
        guard let state = sweeps[sweep] else { throw .unknownSweep(sweep) }
        if case .finished = state.phase { throw .sweepIsFinished(sweep) }
        sweeps[sweep]?.isActive = true
        guard case .paused(let reason) = state.phase else { return }
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
        case .leased, .running:
            guard let fence = fence(of: trial) else { return }
            abandon(fence, reason: "cancelled", &turn)
            decide(.released(fence, .left, .settled(Settlement(state: .cancelled))), &turn)
        case .completed, .stopped, .failed, .cancelled: break
        }
    }

    mutating func stop(_ trial: TrialID, reason: String, _ turn: inout Turn) throws(EngineError) {
        _ = try liveTrial(trial)
        guard let fence = fence(of: trial) else { throw .trialIsNot("running", trial, Trial.State.queued.rawValue) }
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

    private func liveTrial(_ trial: TrialID) throws(EngineError) -> Trial {
        guard let sweep = sweeps[trial.sweep] else { throw .unknownSweep(trial.sweep) }
        guard sweep.trials.indices.contains(trial.number) else { throw .unknownTrial(trial) }
        let found = sweep.trials[trial.number]
        if found.state.isOver { throw .trialIsOver(trial, found.state.rawValue) }
        return found
    }

    func fence(of trial: TrialID) -> Fence? {
        attempts.filter { $0.value.trial == trial }.keys.max()
    }

    mutating func adopt(_ proposals: [ProposedConfiguration], for sweep: SweepID, _ turn: inout Turn) {
        guard let phase = sweeps[sweep]?.phase else { return }
        sweeps[sweep]?.isProposing = false
        // Made ahead for trials that will not be.
        if case .finished = phase { return }
        // No copy of the sweep's state is held over a change of it: the change would copy every trial.
        for proposal in proposals where isWanted(proposal, sweep) {
            queueTrial(.sampler(index: proposal.index), proposal.configuration, sweep, &turn)
        }
    }

    private func isWanted(_ proposal: ProposedConfiguration, _ sweep: SweepID) -> Bool {
        guard let state = sweeps[sweep] else { return false }
        return state.openTrials != 0 && proposal.index >= state.nextProposal
    }

    /// The trial, and where the sweep repeats configurations its repetitions.
    private mutating func queueTrial(
        _ source: TrialSource, _ configuration: Configuration, _ sweep: SweepID, _ turn: inout Turn
    ) {
        guard let first = sweeps[sweep]?.trials.count else { return }
        let repeats = sweeps[sweep]?.definition.repeats ?? 1
        for copy in 0..<max(1, repeats) where sweeps[sweep]?.openTrials != 0 {
            let number = first + copy
            let copied = copy == 0 ? source : .repetition(of: first)
            decide(.proposed(TrialID(sweep: sweep, number: number), copied, configuration), &turn)
        }
    }

    /// After every stimulus: what follows from the state for each active sweep, in the order of their ids.
    mutating func advance(_ turn: inout Turn) {
        for sweep in sweeps.keys where sweeps[sweep]?.isActive == true {
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
        guard let state = sweeps[sweep], case .running = state.phase,
            state.quickFailures >= timers.quickFailureLimit, state.counts[.completed] + state.counts[.stopped] == 0
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

    private func finishReason(_ sweep: SweepID, now: Moment) -> FinishReason? {
        guard let state = sweeps[sweep] else { return nil }
        let isIdle = state.live == 0
        if isTargetReached(state) { return isIdle ? .target : nil }
        if isIdle, state.counts[.queued] == 0 {
            if state.openTrials == 0 { return .trials }
            if state.isExhausted, state.baselinesQueued == state.definition.baselines.count { return .exhausted }
        }
        return limitReached(state, now: now)
    }

    /// The budget that is used up, if one is: nothing more begins, and what runs is asked to stop.
    func limitReached(_ state: SweepState, now: Moment) -> FinishReason? {
        if let limit = state.definition.limits.sweep, state.elapsed(at: now) >= limit { return .time }
        if let limit = state.definition.limits.steps, state.steps >= limit { return .steps }
        return nil
    }

    /// Queued trials of a sweep that ends early stay queued: with a higher limit it goes on with them. Running ones are
    /// asked to stop and end on their own; those that have not begun go back.
    private mutating func finish(_ sweep: SweepID, _ reason: FinishReason, _ turn: inout Turn) {
        if reason == .time || reason == .steps {
            let text = "the sweep's limit of \(reason.rawValue) is reached"
            for (fence, attempt) in liveAttempts() where attempt.trial.sweep == sweep && attempt.stopReason == nil {
                if attempt.state == .running {
                    decide(.stopRequested(fence, reason: text), &turn)
                    sendDesired(fence, &turn)
                } else {
                    takeBack(fence, reason: text, &turn)
                }
            }
            if sweeps[sweep]?.live != 0 { return }
        }
        decide(.sweepFinished(sweep, reason), &turn)
    }

    private mutating func propose(_ sweep: SweepID, _ turn: inout Turn) {
        guard let state = sweeps[sweep], !isTargetReached(state) else { return }
        completeRepetitions(sweep, &turn)
        for position in state.baselinesQueued..<max(state.baselinesQueued, state.definition.baselines.count)
        where sweeps[sweep]?.openTrials != 0 {
            queueTrial(.baseline(position), state.definition.baselines[position], sweep, &turn)
        }
        guard let state = sweeps[sweep], !state.isProposing, !state.isExhausted else { return }
        // Ahead of demand by as much as the workers hold, so that a free worker never waits.
        let demand = max(2, 2 * workers.values.reduce(0) { $0 + ($1.connection == nil ? 0 : $1.capacity) })
        guard state.queue.count * 2 < demand else { return }
        let count = min(demand - state.queue.count, state.openTrials ?? .max)
        guard count > 0 else { return }
        sweeps[sweep]?.isProposing = true
        turn.reaction.effects.append(.propose(sweep, index: state.nextProposal, count: count))
    }

    /// The last configuration gets all its repetitions before another one begins, also where the total that cut them
    /// short has been raised since.
    private mutating func completeRepetitions(_ sweep: SweepID, _ turn: inout Turn) {
        guard let repeats = sweeps[sweep]?.definition.repeats, repeats > 1, let first = lastOriginal(sweep),
            let configuration = sweeps[sweep]?.trials[first].configuration
        else { return }
        while let count = sweeps[sweep]?.trials.count, count - first < repeats, sweeps[sweep]?.openTrials != 0 {
            decide(.proposed(TrialID(sweep: sweep, number: count), .repetition(of: first), configuration), &turn)
        }
    }

    private func lastOriginal(_ sweep: SweepID) -> Int? {
        sweeps[sweep]?.trials.lastIndex { if case .repetition = $0.source { false } else { true } }
    }

    func isTargetReached(_ state: SweepState) -> Bool {
        guard let target = state.definition.objective.target, let best = state.best else { return false }
        return best.value == target || state.definition.objective.isBetter(best.value, than: target)
    }
}
