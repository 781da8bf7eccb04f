// SPDX-License-Identifier: MIT

import Randomness
package import SweepModel

/// Search by tree-structured Parzen estimators: of some candidates that resemble the good results, the one that
/// resembles the others least.
package struct TPESampler: AdaptiveSampler {
    /// Optuna's `n_startup_trials`; a short sweep's design is smaller.
    static let startLimit = 10
    /// Optuna's `n_ei_candidates`.
    static let candidates = 24

    let tree: ParameterTree
    let seed: UInt64
    let goal: Objective.Goal
    let design: InitialDesign
    /// How many proposals are the design's.
    let start: Int
    /// Of the choice of a kernel, and then one a parameter; all different.
    let nameHashes: [UInt32]

    package init(_ definition: SweepDefinition) throws(SamplerError) {
        tree = ParameterTree(definition.space)
        seed = definition.seed
        goal = definition.objective.goal
        design = try InitialDesign(
            space: definition.space, seed: definition.seed, trials: definition.trials,
            hasBaseline: !definition.baselines.isEmpty)
        start = min(Self.startLimit, design.size)
        // Parameters' names are not empty.
        nameHashes = distinctHashes([""] + definition.space.parameters.map(\.name))
    }

    package func learn(_ history: SearchHistory, fits: [ModelFit], mayFit: Bool) -> any LearnedSampler {
        let split = Split(history.results.map(\.value), goal: goal)
        let finiteCount = history.results.count { $0.value?.isFinite == true }
        guard finiteCount >= 2, !tree.isFixed else {
            return LearnedTPE(sampler: self, history: history, fits: fits, good: nil, rest: [])
        }
        let points = history.results.map { tree.point(of: $0.configuration) }
        return LearnedTPE(
            sampler: self, history: history, fits: fits,
            good: ParzenMixture(split.below.map { points[$0] }, tree: tree), rest: split.above.map { points[$0] })
    }

    /// There are no fits.
    package func repeated(_ fit: ModelFit, _ history: SearchHistory) -> ModelFit { fit }
}

/// Search by Parzen estimators that has seen a history.
struct LearnedTPE: LearnedSampler {
    let sampler: TPESampler
    let history: SearchHistory
    let fits: [ModelFit]
    var isFitDue: Bool { false }
    /// Nil while too few results are known.
    let good: ParzenMixture?
    /// The points of the other results.
    let rest: [[Double?]]

    func configuration(
        at index: Int, pending: [Configuration], excluding seen: SeenConfigurations
    ) -> (configuration: Configuration, origin: ProposalBasis.Origin)? {
        if let good, index >= sampler.start || history.results.count >= sampler.start {
            if let best = best(good, at: index, pending: pending, excluding: seen) { return (best, .density) }
        } else if let point = sampler.design.configuration(at: index, excluding: seen) {
            return (point, .design)
        }
        return sampler.design.remainder(at: index, excluding: seen).map { ($0, .remainder) }
    }

    private func best(
        _ good: ParzenMixture, at index: Int, pending: [Configuration], excluding seen: SeenConfigurations
    ) -> Configuration? {
        let candidates = candidates(good, at: index, excluding: seen)
        guard candidates.count > 1 else { return candidates.first?.configuration }
        // What is pending counts as no good, so that the next proposal looks elsewhere; it is the newest there is.
        let others = rest + pending.map { sampler.tree.point(of: $0) }
        let ratio = DensityRatio(good: good, rest: ParzenMixture(others, tree: sampler.tree))
        let scores = candidates.map { ratio.logRatio(at: $0.point) }
        // The first of equals.
        let best = scores.indices.reduce(0) { scores[$1] > scores[$0] ? $1 : $0 }
        return candidates[best].configuration
    }

    /// Different draws from the good ones' density that are new. In a finite space many are not, hence the spare draws.
    private func candidates(
        _ good: ParzenMixture, at index: Int, excluding seen: SeenConfigurations
    ) -> [(point: [Double?], configuration: Configuration)] {
        let (seed, tree) = (sampler.seed, sampler.tree)
        let streams = sampler.nameHashes.map {
            RandomStream(seed: seed, index: index, nameHash: $0, purpose: .acquisition)
        }
        var drawn = SeenConfigurations()
        var candidates: [(point: [Double?], configuration: Configuration)] = []
        for draw in 0..<UInt32(4 * TPESampler.candidates) where candidates.count < TPESampler.candidates {
            let kernel = good.kernel(at: streams[0].uniform(draw: draw))
            let point = tree.point { parameter in
                good.place(parameter, kernel: kernel, at: streams[parameter + 1].uniform(draw: draw))
            }
            let configuration = tree.configuration(at: point)
            if seen.contains(configuration) || drawn.contains(configuration) { continue }
            drawn.insert(configuration)
            candidates.append((point, configuration))
        }
        return candidates
    }
}
