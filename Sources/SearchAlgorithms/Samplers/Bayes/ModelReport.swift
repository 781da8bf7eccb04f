// SPDX-License-Identifier: MIT

import GaussianProcess
import LinearAlgebra
package import SweepModel

/// What a Gaussian process thinks of a sweep's results, whatever method proposed them.
package struct ModelReport: Hashable, Sendable {
    package struct LengthScale: Hashable, Sendable {
        package let parameter: String
        /// As a share of the parameter's range (on its own scale): the distance over which the objective changes. The
        /// shorter, the more the parameter matters; several ranges mean that no influence was seen. For categories: how
        /// alike they are.
        package let share: Double
    }

    package struct Estimate: Hashable, Sendable {
        /// Which of the history's results.
        package let result: Int
        /// The objective that is expected there, without noise, and the ends of its 95 % interval, the better one first.
        package let mean: Double
        package let better: Double
        package let worse: Double
    }

    package let results: Int
    package let failures: Int
    /// Shortest first.
    package let lengthScales: [LengthScale]
    /// The standard deviation of one value about the function, in the objective's unit, near the best.
    package let noise: Double
    /// Of the configurations tried, the one with the best posterior mean; where some were trained to their end, of those.
    package let best: Estimate

    /// Fits a model to the history.
    ///
    /// - Returns: nil with fewer than three values, with no parameter that varies, or when no model can be made.
    package init?(_ definition: SweepDefinition, _ history: SearchHistory) {
        let encoding = SpaceEncoding(definition.space)
        let goal = definition.objective.goal
        let evidence = Evidence(history, encoding: encoding, goal: goal)
        guard evidence.succeeded.count >= 3, !encoding.axes.isEmpty,
            let surrogate = Surrogate(evidence, fits: [], position: 0, seed: definition.seed, mayFit: true)
        else { return nil }
        let model = surrogate.objective
        let points = Matrix(rows: evidence.points.count, columns: evidence.features.count) { evidence.points[$0][$1] }
        let means = model.means(at: points)
        let tried = evidence.succeeded
        // What was stopped early is carried to the end by a guess: it teaches the model and is no candidate itself.
        let whole = tried.filter { history.results[$0].missingRungs == 0 }
        guard let best = (whole.isEmpty ? tried : whole).max(by: { (means[$0], $1) < (means[$1], $0) }) else {
            return nil
        }
        func original(_ value: Double) -> Double {
            let value = evidence.transform.original(of: value) ?? .nan
            return goal == .minimize ? -value : value
        }
        let at = Matrix(rows: 1, columns: points.columns, elements: evidence.points[best])
        let reach = 1.96 * (model.predict(at).variances.first ?? 0).squareRoot()
        let deviation = model.hyperparameters.noiseVariance.squareRoot()
        results = evidence.values.count
        failures = evidence.values.count - evidence.succeeded.count
        lengthScales = zip(encoding.axes, model.hyperparameters.lengthScales)
            .map { LengthScale(parameter: $0.name, share: $1) }.sorted { $0.share < $1.share }
        noise = (original(means[best]) - original(means[best] - deviation)).magnitude
        self.best = Estimate(
            result: best, mean: original(means[best]), better: original(means[best] + reach),
            worse: original(means[best] - reach))
    }
}
