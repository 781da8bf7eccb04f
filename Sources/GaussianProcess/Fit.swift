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
    ///
    /// Measured on four functions of 3 to 10 features, with and without noise, at 50 to 190 rows: against a fit that
    /// always tries the prior's start and goes on to 10^-2, trying it at every fifth fit and stopping at 10^-1 takes a
    /// third of the evaluations, and J is lower by more than ½ in one fit of sixty.
    package struct Rules: Hashable, Sendable {
        /// Up to this many rows every fit tries the previous result, the prior's start, and draws from the prior.
        package var manyStartsLimit = 50
        package var draws = 2
        /// Beyond: the prior's start at every fifth fit, and at every tenth from 500 rows on.
        package var (priorStartEvery, priorStartEveryOfMany) = (5, 10)
        package var limits = LBFGSB.Limits(gradient: 1e-1)

        package init() {}

        func triesPriorStart(rows: Int, ordinal: Int) -> Bool {
            rows < manyStartsLimit || ordinal % (rows < 500 ? priorStartEvery : priorStartEveryOfMany) == 0
        }
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
        if starts.isEmpty || rules.triesPriorStart(rows: observations.count, ordinal: ordinal) {
            starts.append(priors.start)
        }
        if observations.count < rules.manyStartsLimit {
            var stream = RandomStream(seed: seed, index: ordinal, name: "fit", purpose: .acquisition)
            for _ in 0..<rules.draws { starts.append(priors.draw(&stream)) }
        }
        var best: (theta: [Double], value: Double) = (priors.start.logarithms, .infinity)
        var evaluations = 0
        var memory = MarginalLikelihood.Memory(rows: observations.count)
        func run(_ start: Hyperparameters) {
            var search = LBFGSB(start: start.logarithms, lower: lower, upper: upper, limits: rules.limits)
            search.run { theta in
                do throws(CholeskyFailure) {
                    let result = try likelihood.evaluate(theta, &memory)
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
