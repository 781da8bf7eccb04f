// SPDX-License-Identifier: MIT

import SearchAlgorithms
import SweepEngine
import SweepModel

/// Computes a sweep's proposals. What it has proposed before comes from the journal, so a restart goes on where the last
/// process stopped.
struct ProposalMaker {
    private let sampler: any Sampler
    private var seen = SeenConfigurations()
    private let repeats: Int

    init(_ state: SweepState) throws(SamplerError) {
        sampler = try makeSampler(for: state.definition)
        repeats = max(1, state.definition.repeats)
        for trial in state.trials { seen.insert(trial.configuration) }
    }

    mutating func remember(_ configuration: Configuration) {
        seen.insert(configuration)
    }

    /// Enough configurations for `count` trials, fewer at the end of a finite space, none when it is exhausted.
    mutating func propose(from index: Int, count: Int) -> [ProposedConfiguration] {
        var proposals: [ProposedConfiguration] = []
        var next = index
        while proposals.count * repeats < count, let proposal = sampler.proposal(at: next, excluding: seen) {
            seen.insert(proposal.configuration)
            next = proposal.index + 1
            proposals.append(ProposedConfiguration(index: proposal.index, configuration: proposal.configuration))
        }
        return proposals
    }
}
