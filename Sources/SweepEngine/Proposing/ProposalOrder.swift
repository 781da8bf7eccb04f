// SPDX-License-Identifier: MIT

package import SearchAlgorithms
package import SweepModel

/// The computation of an adaptive sampler's next proposals, to be done on any thread.
package struct ProposalOrder: Sendable {
    package let sweep: SweepID
    package let sampler: any AdaptiveSampler
    package let history: SearchHistory
    /// Proposals that stay ready, in order.
    package let kept: [Configuration]
    package let fits: [ModelFit]
    package let mayFit: Bool
    package let isUrgent: Bool
    package let index: Int
    package let count: Int
    package let definition: SweepDefinition

    /// - Parameter isCancelled: asked between proposals; when true nothing is waited for any more.
    package func made(isCancelled: () -> Bool) -> MadeProposals? {
        if isCancelled() { return nil }
        let learned = sampler.learn(history, fits: fits, mayFit: mayFit)
        let made = learned.proposals(from: index, behind: kept, count: count, isCancelled: isCancelled)
        guard let made else { return nil }
        let proposals = made.map { proposal in
            ProposedConfiguration(
                index: proposal.index, configuration: proposal.configuration, basis: proposal.basis,
                isProvisional: isUrgent)
        }
        return MadeProposals(
            sweep: sweep, definition: definition, fits: learned.fits, dueFit: learned.isFitDue ? history : nil,
            proposals: proposals)
    }
}

/// What came of a `ProposalOrder`.
package struct MadeProposals: Sendable {
    package let sweep: SweepID
    package let definition: SweepDefinition
    package let fits: [ModelFit]
    /// What the look has seen, when a fit of it is due.
    package let dueFit: SearchHistory?
    /// Empty when the space is exhausted.
    package let proposals: [ProposedConfiguration]
}
