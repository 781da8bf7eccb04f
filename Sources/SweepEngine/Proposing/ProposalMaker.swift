// SPDX-License-Identifier: MIT

package import SearchAlgorithms
package import SweepModel

/// Computes a sweep's proposals. What it has proposed before comes from the journal, so a restart goes on where the last
/// process stopped.
package struct ProposalMaker {
    private let sampler: SweepSampler
    private var seen = SeenConfigurations()
    /// Proposed and not known to be trials. The engine may have had no use for them any more; then they come again.
    private var untaken: [Configuration] = []
    private let definition: SweepDefinition
    private let repeats: Int
    /// An adaptive sampler's latest fits, also those of proposals that nobody took.
    private var fits: [ModelFit]
    /// What the latest look that found a fit due has seen, and whether a fit is made beside the looks.
    private var due: SearchHistory?
    private var isFitting = false
    /// Whether the last look was taken in haste.
    private var wasUrgent = false

    /// So many proposals at most are made before any is handed over when a worker may be waiting.
    private static let urgentCount = 2

    package init(_ state: SweepState) throws(SamplerError) {
        definition = state.definition
        sampler = try SweepSampler(for: definition)
        repeats = max(1, state.definition.repeats)
        fits = state.fits
        for trial in state.trials { seen.insert(trial.configuration) }
    }

    /// The configuration has become a trial.
    package mutating func remember(_ configuration: Configuration) {
        seen.insert(configuration)
        if let place = untaken.firstIndex(of: configuration) { untaken.remove(at: place) }
    }

    /// Enough configurations for `count` trials, fewer at the end of a finite space, none when it is exhausted. Whatever was
    /// proposed before and is no trial by now is free again.
    package mutating func propose(from index: Int, count: Int) -> [ProposedConfiguration] {
        guard case .fixed(let sampler) = sampler else { return [] }
        for configuration in untaken { seen.remove(configuration) }
        untaken = []
        var proposals: [ProposedConfiguration] = []
        var next = index
        while proposals.count * repeats < count, let proposal = sampler.proposal(at: next, excluding: seen) {
            seen.insert(proposal.configuration)
            next = proposal.index + 1
            untaken.append(proposal.configuration)
            proposals.append(ProposedConfiguration(index: proposal.index, configuration: proposal.configuration))
        }
        return proposals
    }

    /// What an adaptive sampler has to compute; nil when the sampler is none.
    ///
    /// - Parameter position: how many events the state is made of.
    /// - Parameter hasWorkers: whether a worker may be waiting, and not only a caller of `ask`, who gets the best there is.
    package mutating func order(
        _ state: SweepState, sweep: SweepID, stock: Int, kept: Int, position: Int64, hasWorkers: Bool
    ) -> ProposalOrder? {
        guard case .adaptive(let sampler) = sampler else { return nil }
        // No worker waits for a fit: looks are taken with the last one while the next is made beside them.
        let fitsBeside = state.definition.deterministicPending == nil && !fits.isEmpty && hasWorkers
        // With nothing ready a few come first, and then the rest. But not twice in a row, or where trials are shorter than
        // a look there would never be more than a few.
        let isUrgent = fitsBeside && state.ready.isEmpty && stock > Self.urgentCount && !wasUrgent
        wasUrgent = isUrgent
        return ProposalOrder(
            sweep: sweep, sampler: sampler, history: SearchHistory(state, position: position, seen: seen),
            kept: state.ready.prefix(kept).map(\.configuration), fits: fits, mayFit: !fitsBeside, isUrgent: isUrgent,
            index: state.nextProposal, count: isUrgent ? Self.urgentCount : stock, definition: definition)
    }

    /// Keeps the fits of what was made, unless it was made for another definition.
    ///
    /// - Returns: whether it was made for this one.
    package mutating func take(_ made: MadeProposals) -> Bool {
        guard made.definition == definition else { return false }
        // What a fit was due for stays due though later results are no surprise.
        due = made.dueFit ?? due
        keep(made.fits)
        return true
    }

    /// The fit that is due, to be made beside the next looks and given to `take`; nil when none is, or one is made.
    package mutating func fitOrder(_ sweep: SweepID) -> FitOrder? {
        guard case .adaptive(let sampler) = sampler, let history = due, !isFitting else { return nil }
        (due, isFitting) = (nil, true)
        return FitOrder(sweep: sweep, sampler: sampler, history: history, fits: fits, definition: definition)
    }

    /// Keeps what was fitted beside the looks.
    ///
    /// - Returns: whether proposals can be improved by it.
    package mutating func take(_ made: MadeFits) -> Bool {
        guard made.definition == definition else { return false }
        isFitting = false
        let before = fits
        keep(made.fits)
        return fits != before
    }

    /// A look that began before a fit was there ends with the one before.
    private mutating func keep(_ made: [ModelFit]) {
        for fit in made {
            if let place = fits.firstIndex(where: { $0.subject == fit.subject }) {
                if fit.position > fits[place].position { fits[place] = fit }
            } else {
                fits.append(fit)
            }
        }
        // One that was made within a look, or while the look was under way, may have overtaken it.
        if let position = due?.position, fits.contains(where: { $0.position >= position }) { due = nil }
    }
}
