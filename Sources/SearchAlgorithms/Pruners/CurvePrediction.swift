// SPDX-License-Identifier: MIT

import Randomness
import RealModule
import SweepModel

/// Where a learning curve will go: a mixture of the families' forecasts, weighed by the Bayesian information criterion.
///
/// The variance of each is of three parts. That of the noise, for one report is read off. That of the parameters
/// (Laplace: the noise times the inverse of the normal equations), larger by (1 + r) / (1 − r) where neighbouring
/// residuals correlate by r, since so many fewer of them are independent. And that no family is right: a share of what
/// the curve would still lose if it went on at the pace of its latter half.
struct CurvePrediction: Sendable {
    private var components: [Component] = []

    fileprivate struct Component: Sendable {
        var weight: Double
        /// Of the curve at the end, and by how much it may be wrong there.
        let mean: Double
        let variance: Double
        /// An upper bound of the expected best report.
        let best: Double
        let reportVariance: Double
        /// Degrees of freedom of the noise.
        let freedom: Double
    }

    /// Calibrated on curves of seven kinds, four of which belong to no family: `CurveExtrapolationTests` has them.
    fileprivate static let modelError = 0.15

    init?(_ curve: LearningCurve, until end: Int64) {
        guard let sample = CurveSample(curve, until: end) else { return nil }
        let fits = CurveFamily.allCases.map { CurveFit($0, sample) }
        let count = sample.count
        let floor = 1e-8 * sample.spread * sample.spread
        let criteria = fits.map { fit in
            count * Double.log(fit.system.objective / count + floor + .leastNormalMagnitude)
                + Double(fit.parameterCount) * .log(count)
        }
        let least = criteria.min() ?? 0
        for (fit, criterion) in zip(fits, criteria) {
            let correlation = fit.correlation
            let inflation = (1 + correlation) / (1 - correlation)
            components.append(
                Component(fit, sample, weight: .exp((least - criterion) / (2 * inflation)), inflation: inflation))
        }
        let total = components.reduce(0) { $0 + $1.weight }
        for index in components.indices { components[index].weight /= total }
    }

    var mean: Double { components.reduce(0) { $0 + $1.weight * $1.mean } }

    /// Of one report at the end.
    var deviation: Double {
        let mean = mean
        return components.reduce(0) {
            $0 + $1.weight * ($1.variance + $1.reportVariance + ($1.mean - mean) * ($1.mean - mean))
        }.squareRoot()
    }

    /// That one report at the end is below the loss.
    func probability(endingBelow loss: Double) -> Double {
        components.reduce(0) { $0 + $1.weight * $1.probability(of: $1.mean, below: loss) }
    }

    /// That any report up to the end is below the loss.
    func probability(reaching loss: Double) -> Double {
        components.reduce(0) { $0 + $1.weight * $1.probability(of: $1.best, below: loss) }
    }
}

extension CurvePrediction.Component {
    fileprivate init(_ fit: CurveFit, _ sample: CurveSample, weight: Double, inflation: Double) {
        self.weight = weight
        freedom = max(2, sample.count - Double(fit.parameterCount))
        let noise = max(fit.system.squares / freedom, sample.variance)
        let end = fit.value(at: sample.horizon)
        let parameters = fit.system.matrix.solve(end.gradient).map { (end.gradient * $0).sum() } ?? 0
        let half = max(sample.x[0], -.log(2))
        let pace = (fit.value(at: half).value - fit.value(at: 0).value) / (1 - .exp(half))
        let unfitted = CurvePrediction.modelError * pace * (.exp(sample.horizon) - 1)
        mean = end.value
        variance = noise * inflation * max(0, parameters) + unfitted * unfitted
        reportVariance = max(sample.reportVariance, noise)
        best = Self.best(fit, sample, deviation: reportVariance.squareRoot())
    }

    /// The best of several reports lies below the first of them by what the least of as many draws lies below the mean;
    /// over the curve's last stretches, since earlier reports lie too high and later ones are too few.
    private static func best(_ fit: CurveFit, _ sample: CurveSample, deviation: Double) -> Double {
        let last = Double.exp(sample.horizon)
        var least = Double.infinity
        for share in [1, 0.5, 0.25, 0.125, 0.0625, 0] {
            let reports = max(1, sample.reportsAhead * share)
            let from = Double.log(last - (last - 1) * share)
            // Blom: "Statistical estimates and transformed beta-variables", 1958.
            let extreme = normalQuantile((reports - 0.375) / (reports + 0.25))
            least = min(least, fit.value(at: from).value - deviation * extreme)
        }
        return least
    }

    /// Of Student's law about the mean, by Wallace's normal approximation: "Bounds on normal approximations to Student's
    /// and the chi-square distributions", Annals of Mathematical Statistics 30 (1959).
    fileprivate func probability(of mean: Double, below loss: Double) -> Double {
        let variance = variance + reportVariance
        guard variance > 0 else { return mean < loss ? 1 : 0 }
        let square = (loss - mean) * (loss - mean) / variance
        let normal = (8 * freedom + 1) / (8 * freedom + 3) * (freedom * .log(onePlus: square / freedom)).squareRoot()
        return 0.5 * .erfc((loss < mean ? normal : -normal) / Double(2).squareRoot())
    }
}
