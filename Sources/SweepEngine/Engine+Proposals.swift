// SPDX-License-Identifier: MIT

import DequeModule
import OrderedCollections
import SweepModel

/// Which configurations become trials, and when more are asked of the sampler.
///
/// What a sampler that does not learn proposes is queued at once, ahead of demand. What an adaptive one proposes is kept
/// ready and becomes a trial in the turn in which a worker takes it: until then every new result has it made anew, and
/// the worker waits for neither.
extension Engine {
    /// The most proposals that are made ahead in one look.
    private static let stockLimit = 16

    mutating func adopt(_ proposals: [ProposedConfiguration], for sweep: SweepID, _ turn: inout Turn) {
        guard let phase = sweeps[sweep]?.phase else { return }
        let asked = sweeps[sweep]?.requestedStock ?? 0
        sweeps[sweep]?.isProposing = false
        // Made ahead for trials that will not be.
        if case .finished = phase { return }
        if let first = proposals.first, let basis = first.basis {
            return replaceReady(proposals, of: sweep, asked: asked, lookedFrom: first.index - basis.place)
        }
        // No copy of the sweep's state is held over a change of it: the change would copy every trial.
        for proposal in proposals where isWanted(proposal, sweep) { queueTrial(proposal, sweep, &turn) }
    }

    /// What was made takes the place of what was ready, except for what the sampler was told to keep and counted as
    /// pending. When more has been taken than that, the rest may be the same again: it is made anew, with as much kept.
    ///
    /// - Parameter lookedFrom: the next proposal's index when the sampler looked. It does so after the turn that asks, in
    ///   which some may yet have been taken.
    private mutating func replaceReady(
        _ proposals: [ProposedConfiguration], of sweep: SweepID, asked: Int, lookedFrom: Int
    ) {
        guard let state = sweeps[sweep], let first = proposals.first?.index else { return }
        sweeps[sweep]?.takenDuringLook = max(0, state.nextProposal - lookedFrom)
        // What is ready begins at the next index and has no gaps.
        let kept = first - state.nextProposal
        guard kept >= 0, kept <= state.ready.count else { return }
        sweeps[sweep]?.ready = Deque(state.ready.prefix(kept) + proposals)
        sweeps[sweep]?.isReadyShort = proposals.count < asked
    }

    private func isWanted(_ proposal: ProposedConfiguration, _ sweep: SweepID) -> Bool {
        guard let state = sweeps[sweep] else { return false }
        return state.openTrials != 0 && proposal.index >= state.nextProposal
    }

    private mutating func queueTrial(_ proposal: ProposedConfiguration, _ sweep: SweepID, _ turn: inout Turn) {
        queueTrial(.sampler(index: proposal.index), proposal.configuration, proposal.basis, sweep, &turn)
    }

    /// The trial, and where the sweep repeats configurations its repetitions.
    private mutating func queueTrial(
        _ source: TrialSource, _ configuration: Configuration, _ basis: ProposalBasis?, _ sweep: SweepID,
        _ turn: inout Turn
    ) {
        guard let first = sweeps[sweep]?.trials.count else { return }
        let repeats = sweeps[sweep]?.definition.repeats ?? 1
        for copy in 0..<max(1, repeats) where sweeps[sweep]?.openTrials != 0 {
            let trial = TrialID(sweep: sweep, number: first + copy)
            if copy == 0 {
                decide(.proposed(trial, source, configuration, basis: basis), &turn)
            } else {
                decide(.proposed(trial, .repetition(of: first), configuration), &turn)
            }
        }
    }

    /// It counts, and is run as often as every configuration is.
    mutating func enqueue(
        _ configuration: Configuration, in sweep: SweepID, _ turn: inout Turn
    ) throws(EngineError) {
        guard let state = sweeps[sweep] else { throw .unknownSweep(sweep) }
        if state.hasEnded { throw .sweepIsFinished(sweep) }
        if state.openTrials == 0 { throw .totalUsedUp(sweep) }
        let twin = state.trials.firstIndex { $0.configuration == configuration && $0.state != .cancelled }
        if let twin { throw .isThereAlready(TrialID(sweep: sweep, number: twin)) }
        queueTrial(.enqueued(state.enqueued), configuration, nil, sweep, &turn)
    }

    /// Turns the first of the ready proposals into a trial.
    mutating func takeReady(_ sweep: SweepID, _ turn: inout Turn) {
        guard sweeps[sweep]?.openTrials != 0, let proposal = sweeps[sweep]?.ready.popFirst() else { return }
        queueTrial(proposal, sweep, &turn)
    }

    mutating func propose(_ sweep: SweepID, _ turn: inout Turn) {
        guard let state = sweeps[sweep], state.formerEnd == nil, !isTargetReached(state) else { return }
        completeRepetitions(sweep, &turn)
        for position in state.baselinesQueued..<max(state.baselinesQueued, state.definition.baselines.count)
        where sweeps[sweep]?.openTrials != 0 {
            queueTrial(.baseline(position), state.definition.baselines[position], nil, sweep, &turn)
        }
        guard let count = wantedProposals(sweep), let index = sweeps[sweep]?.nextProposal else { return }
        // Something newer than what is kept has to come.
        let open = sweeps[sweep]?.openTrials ?? .max
        // Of several slots now one and now two become free during a look, and with more taken than are kept it is in vain.
        let spread = workers.slots > 1 ? 1 : 0
        let kept = min((sweeps[sweep]?.takenDuringLook ?? 0) + spread, sweeps[sweep]?.ready.count ?? 0, open - 1)
        // The whole stock has to be there after the look, though as many may be taken during it as are kept.
        let stock = min(stock(sweep), open - kept)
        sweeps[sweep]?.isProposing = true
        sweeps[sweep]?.isReadyOutdated = false
        sweeps[sweep]?.requestedStock = stock
        turn.reaction.effects.append(.propose(sweep, index: index, count: count, stock: stock, kept: kept))
    }

    /// How many proposals to ask for now; nil when none.
    private mutating func wantedProposals(_ sweep: SweepID) -> Int? {
        guard mayPropose(sweep) else { return nil }
        guard let state = sweeps[sweep], !state.isProposing, !state.isExhausted else { return nil }
        // Ahead of demand by as much as the workers hold, so that a free worker never waits.
        let demand = max(2, 2 * workers.capacity)
        let count = min(demand - state.queue.count, state.openTrials ?? .max)
        guard count > 0 else { return nil }
        if let first = state.ready.first, let basis = first.basis {
            if state.definition.deterministicPending != nil { return nil }
            let isStale = first.isProvisional || state.isReadyOutdated || state.resultsChanged > basis.position
            let isShort = state.ready.count < min(stock(sweep), count) && !state.isReadyShort
            return isStale || isShort ? count : nil
        }
        return state.queue.count * 2 < demand ? count : nil
    }

    /// How many are to be ready whenever no look is under way: one for each slot, which may all become free at once, and
    /// one for the next.
    private func stock(_ sweep: SweepID) -> Int {
        if sweeps[sweep]?.definition.deterministicPending != nil { return 1 }
        return min(Self.stockLimit, workers.slots + 1)
    }

    /// A deterministic search waits until all trials but those of the latest proposals are over.
    private mutating func mayPropose(_ sweep: SweepID) -> Bool {
        guard let cut = sweeps[sweep]?.deterministicCut else { return true }
        // A paused trial has said what it had to say for now; it may wait for the very trials that wait for it.
        while let state = sweeps[sweep], state.firstUnfinished < cut,
            case let found = state.trials[state.firstUnfinished].state, found.isOver || found == .paused
        {
            sweeps[sweep]?.firstUnfinished += 1
        }
        return (sweeps[sweep]?.firstUnfinished ?? cut) >= cut
    }

    /// The last configuration gets all its repetitions before another one begins, also where the total that cut them
    /// short has been raised since.
    private mutating func completeRepetitions(_ sweep: SweepID, _ turn: inout Turn) {
        guard let repeats = sweeps[sweep]?.definition.repeats, repeats > 1, let first = lastOriginal(sweep),
            let configuration = sweeps[sweep]?.trials[first].configuration
        else { return }
        // Trials that continue others may stand between.
        let copies = sweeps[sweep]?.trials[first...].count { !$0.isContinuation } ?? 0
        for _ in 0..<max(0, repeats - copies) where sweeps[sweep]?.openTrials != 0 {
            guard let count = sweeps[sweep]?.trials.count else { return }
            decide(.proposed(TrialID(sweep: sweep, number: count), .repetition(of: first), configuration), &turn)
        }
    }

    private func lastOriginal(_ sweep: SweepID) -> Int? {
        sweeps[sweep]?.trials.lastIndex { trial in
            switch trial.source {
            case .sampler, .baseline, .enqueued: true
            case .repetition, .continuation: false
            }
        }
    }
}

extension SweepState {
    /// For a deterministic search: results of trials below this number may be looked at, and of no others, for the next
    /// proposal. Nil for any other search.
    ///
    /// The trials of the latest `deterministicPending` - 1 proposals are left out, so that as many trials as
    /// `deterministicPending` can run at once.
    package var deterministicCut: Int? {
        guard let pending = definition.deterministicPending else { return nil }
        let oldest = nextProposal - (pending - 1)
        if oldest < 0 { return 0 }
        for number in trials.indices.reversed() {
            guard case .sampler(let index) = trials[number].source else { continue }
            // With nothing pending all that is there may be looked at.
            if index < oldest { return trials.count }
            if index == oldest { return number }
        }
        return trials.count
    }
}
