// SPDX-License-Identifier: MIT

package import LinearAlgebra
import Randomness

/// Finds the most probable hyperparameters.
package struct Fit: Hashable, Sendable {
    package let hyperparameters: Hyperparameters
    /// J at them; -infinity when no start had a finite one.
    package let objective: Double
    package let evaluations: Int

    /// Which starts a fit tries, by the number of rows and of the fits made before.
    package struct Rules: Hashable, Sendable {
        /// Up to this many rows the prior's start is tried besides the previous fit's result, beyond it at every tenth
        /// fit only.
        package var priorStartLimit = 500
        /// Up to this many rows also draws from the prior, and how many.
        package var drawLimit = 100
        package var draws = 2
        package var limits = LBFGSB.Limits()

        package init() {}
    }

    /// Maximises J from several starts; the first of the best wins.
    ///
    /// `previous` is the last fit's result, the first start. `ordinal` counts the fits made for this model; the draws
    /// come from (seed, ordinal) alone.
    package init(
        _ observations: Observations, priors: Priors, previous: Hyperparameters? = nil, ordinal: Int = 0,
        seed: UInt64 = 0, rules: Rules = Rules()
    ) {
        let likelihood = MarginalLikelihood(observations, priors: priors)
        let (lower, upper) = priors.bounds
        var starts = previous.map { [$0] } ?? []
        if starts.isEmpty || observations.count < rules.priorStartLimit || ordinal % 10 == 0 {
            starts.append(priors.start)
        }
        if observations.count < rules.drawLimit {
            var stream = RandomStream(seed: seed, index: ordinal, name: "fit", purpose: .acquisition)
            for _ in 0..<rules.draws { starts.append(priors.draw(&stream)) }
        }
        var best: (theta: [Double], value: Double) = (priors.start.logarithms, .infinity)
        var evaluations = 0
        func run(_ start: Hyperparameters) {
            var search = LBFGSB(start: start.logarithms, lower: lower, upper: upper, limits: rules.limits)
            search.run { theta in
                do throws(CholeskyFailure) {
                    let result = try likelihood.evaluate(theta)
                    return (-result.value, result.gradient.map { -$0 })
                } catch {
                    return (.infinity, theta)
                }
            }
            evaluations += search.evaluations
            if search.value < best.value { best = (search.point, search.value) }
        }
        for start in starts { run(start) }
        if best.value == .infinity, !starts.contains(priors.start) { run(priors.start) }
        hyperparameters = Hyperparameters(logarithms: best.theta)
        objective = -best.value
        self.evaluations = evaluations
    }

    /// Whether to fit anew: with every row while there are few, then when 5 % more have come, or a value that the model
    /// found surprising (`GaussianProcess.surprise` above 3).
    package static func isDue(rows: Int, rowsAtLastFit: Int, surprise: Double, always: Int = 200) -> Bool {
        rows != rowsAtLastFit && (rows <= always || Double(rows) >= 1.05 * Double(rowsAtLastFit) || surprise > 3)
    }
}

extension GaussianProcess {
    /// The model at the most probable hyperparameters, or at the prior's start should those have no factor.
    package static func fitted(
        _ observations: Observations, priors: Priors, previous: Hyperparameters? = nil, ordinal: Int = 0,
        seed: UInt64 = 0, rules: Fit.Rules = Fit.Rules()
    ) throws(CholeskyFailure) -> (model: GaussianProcess, fit: Fit) {
        let fit = Fit(
            observations, priors: priors, previous: previous, ordinal: ordinal, seed: seed, rules: rules)
        do throws(CholeskyFailure) {
            return (try GaussianProcess(observations, hyperparameters: fit.hyperparameters), fit)
        } catch {
            return (try GaussianProcess(observations, hyperparameters: priors.start), fit)
        }
    }
}
