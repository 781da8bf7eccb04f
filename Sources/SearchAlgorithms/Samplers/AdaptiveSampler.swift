// SPDX-License-Identifier: MIT

package import SweepModel

/// A configuration, its place in the sampler's sequence, and what it was made from.
package struct AdaptiveProposal: Hashable, Sendable {
    package let index: Int
    package let configuration: Configuration
    package let basis: ProposalBasis
}

/// A sampler that learns from results. It has no state: what it proposes is a function of the sweep's definition, the
/// proposal's index, the history, and the fits that were made before and are handed back to it.
package protocol AdaptiveSampler: Sendable {
    /// Learns from the history.
    ///
    /// - Parameter fits: the latest of each surrogate, also those no proposal was made with; empty before the first.
    /// - Parameter mayFit: whether surrogates whose fit is due are fitted anew, which may take seconds with thousands of
    ///   results; without, the fits are used as they are, and a surrogate that can wait for its first fit does.
    func learn(_ history: SearchHistory, fits: [ModelFit], mayFit: Bool) -> any LearnedSampler

    /// The same fit made again.
    ///
    /// - Parameter history: as it was at the fit's position.
    func repeated(_ fit: ModelFit, _ history: SearchHistory) -> ModelFit
}

/// An adaptive sampler that has seen a history.
package protocol LearnedSampler: Sendable {
    /// With those that were made on this look.
    var fits: [ModelFit] { get }
    /// Whether a fit is due that was not to be made on this look.
    var isFitDue: Bool { get }
    var history: SearchHistory { get }

    /// What to try next; nil when the space is exhausted.
    ///
    /// - Parameter pending: the history's, and what was proposed since.
    /// - Parameter seen: likewise.
    func configuration(
        at index: Int, pending: [Configuration], excluding seen: SeenConfigurations
    ) -> (configuration: Configuration, origin: ProposalBasis.Origin)?
}

extension LearnedSampler {
    /// Up to `count` proposals, each made with those before it pending; fewer when the space is exhausted.
    package func proposals(from index: Int, count: Int) -> [AdaptiveProposal] {
        proposals(from: index, behind: [], count: count, isCancelled: { false }) ?? []
    }

    /// The same, behind proposals that were made earlier and stay; nil when `isCancelled` says between two of them that
    /// nobody wants them any more.
    ///
    /// - Parameter index: of the first of those that stay.
    package func proposals(
        from index: Int, behind kept: [Configuration], count: Int, isCancelled: () -> Bool
    ) -> [AdaptiveProposal]? {
        var pending = history.pending + kept
        var seen = history.seen
        for configuration in kept { seen.insert(configuration) }
        var proposals: [AdaptiveProposal] = []
        for place in kept.count..<kept.count + max(count, 0) {
            if isCancelled() { return nil }
            guard let next = configuration(at: index + place, pending: pending, excluding: seen) else { break }
            pending.append(next.configuration)
            seen.insert(next.configuration)
            proposals.append(
                AdaptiveProposal(
                    index: index + place, configuration: next.configuration,
                    basis: ProposalBasis(
                        origin: next.origin, position: history.position, place: place, fits: fits)))
        }
        return proposals
    }
}
