// SPDX-License-Identifier: MIT

import GaussianProcess
import LinearAlgebra
import Randomness
package import SweepModel

/// Bayesian search: a Gaussian process of the objective, and at each proposal the point where improvement is to be
/// expected most, given what is pending.
package struct BayesSampler: AdaptiveSampler {
    let encoding: SpaceEncoding
    let seed: UInt64
    let goal: Objective.Goal
    let design: InitialDesign

    package init(_ definition: SweepDefinition) throws(SamplerError) {
        encoding = SpaceEncoding(definition.space)
        seed = definition.seed
        goal = definition.objective.goal
        design = try InitialDesign(
            space: definition.space, seed: definition.seed, trials: definition.trials,
            hasBaseline: !definition.baselines.isEmpty)
    }

    package func learn(_ history: SearchHistory, fits: [ModelFit], mayFit: Bool) -> any LearnedSampler {
        let evidence = Evidence(history, encoding: encoding, goal: goal)
        // Too little to learn from: the design goes on.
        guard evidence.tellsApart, !encoding.axes.isEmpty else {
            return LearnedBayes(sampler: self, history: history, fits: fits, surrogate: nil)
        }
        let surrogate = Surrogate(evidence, fits: fits, position: history.position, seed: seed, mayFit: mayFit)
        return LearnedBayes(sampler: self, history: history, fits: surrogate?.fits ?? fits, surrogate: surrogate)
    }

    package func repeated(_ fit: ModelFit, _ history: SearchHistory) -> ModelFit {
        let evidence = Evidence(history, encoding: encoding, goal: goal)
        return Surrogate.fit(
            fit.subject, evidence, start: fit.start, ordinal: fit.ordinal, position: fit.position, seed: seed)
    }
}

/// Bayesian search that has seen a history.
struct LearnedBayes: LearnedSampler {
    let sampler: BayesSampler
    let history: SearchHistory
    let fits: [ModelFit]
    var isFitDue: Bool { surrogate?.isFitDue ?? false }
    /// Nil while too few results are known.
    let surrogate: Surrogate?

    func configuration(
        at index: Int, pending: [Configuration], excluding seen: SeenConfigurations
    ) -> (configuration: Configuration, origin: ProposalBasis.Origin)? {
        if let surrogate, isDesigned(at: index),
            let found = maximum(surrogate, at: index, pending: pending, excluding: seen)
        {
            return found
        }
        if sampler.encoding.axes.isEmpty || !isDesigned(at: index) || surrogate == nil,
            let point = sampler.design.configuration(at: index, excluding: seen)
        {
            return (point, .design)
        }
        return sampler.design.remainder(at: index, excluding: seen).map { ($0, .remainder) }
    }

    /// Whether the design is done: by proposals, or by results that came from elsewhere.
    private func isDesigned(at index: Int) -> Bool {
        index >= sampler.design.size || (surrogate?.evidence.succeeded.count ?? 0) >= sampler.design.size
    }

    private func maximum(
        _ surrogate: Surrogate, at index: Int, pending: [Configuration], excluding seen: SeenConfigurations
    ) -> (configuration: Configuration, origin: ProposalBasis.Origin)? {
        let encoding = sampler.encoding
        var stream = RandomStream(seed: sampler.seed, index: index, purpose: .acquisition)
        let pending = pending.map { encoding.point(of: $0) }
        let points = distinct(pending)
        let fantasySeed = stream.next()
        guard let best = bestPoint(surrogate) else { return nil }
        let (box, seed) = (box(surrogate, best: best), stream.next())
        func maximum(_ surrogate: Surrogate, _ excluded: ExcludedCategory?) -> AcquisitionMaximiser.Candidate? {
            guard let target = surrogate.target(pending: points, seed: fantasySeed) else { return nil }
            // A point may round to a configuration that another point was rounded to, or that ended without a result.
            return AcquisitionMaximiser(target, domain: encoding.domain, box: box, excluded: excluded, seed: seed)
                .maximise(excluding: surrogate.evidence.points + points) { point in
                    !seen.contains(encoding.configuration(at: point))
                }
        }
        let excluded = CategoryChange(encoding.domain).excluded(
            best: best, last: surrogate.evidence.points + pending, stream: &stream)
        let elsewhere = excluded.flatMap { category in
            // Ranks hide by how much another category is worse.
            surrogate.unranked.flatMap { maximum($0, category) }
        }
        let found = elsewhere ?? maximum(surrogate, nil)
        return found.map { (encoding.configuration(at: $0.point), .model) }
    }

    /// Beyond this many parameters a model is believed only near the best.
    private static let trustedDimensions = 20

    /// Where to look, of many parameters: a trust region that follows what came after as many results as the design has.
    /// All proposals of one look share it.
    private func box(_ surrogate: Surrogate, best: [Double]) -> SearchBox? {
        let features = surrogate.evidence.features
        guard features.count > Self.trustedDimensions else { return nil }
        let region = TrustRegion(
            values: Array(surrogate.evidence.objective.dropFirst(sampler.design.size)),
            features: features.count)
        return region.box(
            centre: best, features: features,
            lengthScales: surrogate.objective.hyperparameters.lengthScales)
    }

    /// The observed point that the model thinks best.
    private func bestPoint(_ surrogate: Surrogate) -> [Double]? {
        let means = surrogate.objective.meansAtObservations
        return means.indices.max { (means[$0], $1) < (means[$1], $0) }.map {
            surrogate.objective.observations.point($0)
        }
    }

    private func distinct(_ points: [[Double]]) -> [[Double]] {
        var known: Set<[Double]> = []
        return points.filter { known.insert($0).inserted }
    }
}
