// SPDX-License-Identifier: MIT

package import LinearAlgebra
import RealModule

/// What a proposal maximises, over points: the logarithm of the improvement to be expected, averaged over the fantasies
/// of what is pending; or, once in a while, what is not known yet, as far as it may be any good.
///
/// Both are functions of μ, of σ², and of the covariances c with the pending points given the observations:
///
///     c_b = k(x, x_b) - k_xᵀ C⁻¹ k_b,   μ_m = μ + cᵀA_m,   s² = σ² - cᵀh,  h = Σ_BB⁻¹ c
///     improvement: ln (1/M) + ln Σ_m h((μ_m - f*_m)/s) + ln s
///     exploration: s + 10 min(0, μ + ½σ - τ)
///
/// Their gradients are sums of kernel gradients with coefficients worked out first, for one pass over X and B.
package struct Acquisition: Sendable {
    package enum Goal: Hashable, Sendable {
        case improvement
        /// τ: `Acquisition.explorationThreshold`.
        case exploration(threshold: Double)
    }

    package struct Values: Sendable {
        package fileprivate(set) var values: [Double]
        /// d × points; 0 for categorical features. Without columns when not asked for.
        package fileprivate(set) var gradients: Matrix
    }

    /// Added to s², which vanishes at noise-free observations.
    static let varianceFloor = 1e-12

    package let model: GaussianProcess
    package let fantasies: Fantasies
    package let goal: Goal
    /// A model of success (1) and failure (-1) at all points that have ended, for objectives that often fail: ln Φ(μ/σ)
    /// of it is added, the logarithm of the probability that a trial succeeds.
    package let success: GaussianProcess?

    package init(
        _ model: GaussianProcess, fantasies: Fantasies, goal: Goal = .improvement, success: GaussianProcess? = nil
    ) {
        self.model = model
        self.fantasies = fantasies
        self.goal = goal
        self.success = success
    }

    /// The posterior mean at the observed or pending point of which μ + 1.8 σ is largest: where exploration has to be
    /// able to get to. From Song et al., "The Vizier Gaussian process bandit algorithm" (2024).
    package static func explorationThreshold(_ model: GaussianProcess, pending: Matrix) -> Double {
        let known = model.meansAtObservations
        let prediction = model.predict(model.observations.points)
        let waiting = model.predict(pending)
        var best = (bound: -Double.infinity, mean: -Double.infinity)
        for (mean, variance) in zip(known + waiting.means, prediction.variances + waiting.variances) {
            let bound = mean + 1.8 * variance.squareRoot()
            if bound > best.bound { best = (bound, mean) }
        }
        return best.mean
    }

    /// At the rows of `points`: n² flops a point, twice that with gradients.
    package func evaluate(_ points: Matrix, gradients: Bool) -> Values {
        var result = evaluateGoal(points, gradients: gradients)
        guard let success else { return result }
        guard gradients else {
            result.add(success.predict(points), nil)
            return result
        }
        let prediction = success.predictWithGradients(points)
        result.add(prediction.prediction, prediction)
        return result
    }

    private func evaluateGoal(_ points: Matrix, gradients: Bool) -> Values {
        let observed = model.observations.points
        let (slopes, covariances): (Matrix, Matrix)
        if gradients {
            let pair = model.kernel.betweenPair(observed, points)
            (slopes, covariances) = (pair.slope, pair.covariance)
        } else {
            (slopes, covariances) = (Matrix(rows: 0, columns: 0), model.kernel.between(observed, points))
        }
        let halves = model.cholesky.solveFactor(covariances)
        let means = model.means(covariances)
        let variances = model.variances(halves)
        let pending = model.kernel.betweenPair(fantasies.points, points)
        var shared = pending.covariance
        let explained = fantasies.solved.times(covariances, transposed: true)
        for index in shared.elements.indices { shared.elements[index] -= explained.elements[index] }
        let explaining = fantasies.cholesky.solve(shared)
        let shifts = fantasies.corrections.times(shared, transposed: true)

        var values: [Double] = []
        var partials: [Partials] = []
        for point in 0..<points.rows {
            let inner = (0..<shared.rows).reduce(0) { $0 + shared[$1, point] * explaining[$1, point] }
            let result = self.value(
                mean: means[point], variance: variances[point], conditional: variances[point] - inner,
                shifts: shifts.elements[point * shifts.rows..<(point + 1) * shifts.rows])
            values.append(result.value)
            partials.append(result.partials)
        }
        if !gradients { return Values(values: values, gradients: Matrix(rows: points.columns, columns: 0)) }
        return Values(
            values: values,
            gradients: self.gradients(
                points, partials: partials,
                parts: Parts(
                    slopes: slopes, pendingSlopes: pending.slope, explaining: explaining,
                    solved: model.cholesky.factor.solveLower(halves, transposed: true))))
    }

    /// How promising the rows of `points` are, roughly: with one world, in which every pending point turns out as
    /// expected and the best is as good as it is on average. To pick from many points those worth an exact value.
    package func screen(_ points: Matrix) -> [Double] {
        let observed = model.observations.points
        let covariances = model.kernel.between(observed, points)
        let halves = model.cholesky.solveFactor(covariances)
        let (means, variances) = (model.means(covariances), model.variances(halves))
        var conditional = variances
        if fantasies.points.rows > 0 {
            var shared = model.kernel.between(fantasies.points, points)
            let explained = fantasies.solved.times(covariances, transposed: true)
            for index in shared.elements.indices { shared.elements[index] -= explained.elements[index] }
            let reduction = fantasies.cholesky.solveFactor(shared)
            for point in 0..<points.rows { conditional[point] -= squaredNorm(reduction, column: point) }
        }
        let average = fantasies.incumbents.reduce(0, +) / Double(fantasies.incumbents.count)
        var result = Values(values: [], gradients: Matrix(rows: 0, columns: 0))
        result.values = (0..<points.rows).map { point in
            let s = (max(0, conditional[point]) + Self.varianceFloor).squareRoot()
            switch goal {
            case .exploration(let threshold):
                return s + 10 * min(0, means[point] + 0.5 * variances[point].squareRoot() - threshold)
            case .improvement:
                return logExpectedImprovement((means[point] - average) / s).value + Double.log(s)
            }
        }
        if let success { result.add(success.predict(points), nil) }
        return result.values
    }

    /// What the value depends on, each held apart: μ, σ² (not through s²), s², and the μ_m beyond their common μ.
    private struct Partials {
        var mean = 0.0
        var variance = 0.0
        var conditional = 0.0
        var shifts: [Double] = []
    }

    private func value(
        mean: Double, variance: Double, conditional: Double, shifts: ArraySlice<Double>
    ) -> (value: Double, partials: Partials) {
        let squared = max(0, conditional) + Self.varianceFloor
        let s = squared.squareRoot()
        switch goal {
        case .exploration(let threshold):
            let deviation = (variance + Self.varianceFloor).squareRoot()
            let lack = mean + 0.5 * deviation - threshold
            var partials = Partials(conditional: 0.5 / s)
            if lack < 0 { (partials.mean, partials.variance) = (10, 2.5 / deviation) }
            return (s + 10 * min(0, lack), partials)
        case .improvement:
            var terms: [(value: Double, derivative: Double)] = []
            var offsets: [Double] = []
            for (shift, incumbent) in zip(shifts, fantasies.incumbents) {
                offsets.append((mean + shift - incumbent) / s)
                terms.append(logExpectedImprovement((mean + shift - incumbent) / s))
            }
            let largest = terms.reduce(-.infinity) { max($0, $1.value) }
            let weights = terms.map { Double.exp($0.value - largest) }
            let total = weights.reduce(0, +)
            // ∂/∂u_m: the share of world m times (ln h)'.
            let slopes = zip(weights, terms).map { $0 / total * $1.derivative }
            let value = largest + Double.log(total / Double(terms.count)) + Double.log(s)
            return (
                value,
                Partials(
                    mean: slopes.reduce(0, +) / s,
                    conditional: (1 - dot(slopes, offsets)) / (2 * squared),
                    shifts: slopes.map { $0 / s })
            )
        }
    }

    private struct Parts {
        /// A between X and the points, B and the points.
        let slopes: Matrix
        let pendingSlopes: Matrix
        /// h.
        let explaining: Matrix
        /// w.
        let solved: Matrix
    }

    /// The value's derivative for k(x, x_b) is e_b = Σ_m ∂μ_m A_mb - 2 ∂s² h_b, and for k(x, x_a) it is
    /// ∂μ α_a - 2 (∂s² + ∂σ²) w_a - Σ_b (C⁻¹k_b)_a e_b.
    private func gradients(_ points: Matrix, partials: [Partials], parts: Parts) -> Matrix {
        let (count, pending) = (model.observations.count, fantasies.points.rows)
        var gradients = Matrix(rows: points.columns, columns: points.rows)
        for (point, partial) in partials.enumerated() {
            var atPending = (0..<pending).map { -2 * partial.conditional * parts.explaining[$0, point] }
            if pending > 0, !partial.shifts.isEmpty {
                let shares = fantasies.corrections.times(partial.shifts)
                for index in 0..<pending { atPending[index] += shares[index] }
            }
            let through = pending > 0 ? fantasies.solved.times(atPending) : [Double](repeating: 0, count: count)
            let spread = 2 * (partial.conditional + partial.variance)
            let coefficients = (0..<count).map {
                partial.mean * model.weights[$0] - spread * parts.solved.elements[point * count + $0] - through[$0]
            }
            let fromObserved = model.kernel.gradient(
                at: points, point, to: model.observations.points, coefficients: coefficients,
                slopes: parts.slopes.elements[point * count..<(point + 1) * count])
            let fromPending = model.kernel.gradient(
                at: points, point, to: fantasies.points, coefficients: atPending,
                slopes: parts.pendingSlopes.elements[point * pending..<(point + 1) * pending])
            for feature in 0..<points.columns {
                gradients[feature, point] = fromObserved[feature] + fromPending[feature]
            }
        }
        return gradients
    }
}

extension Acquisition.Values {
    /// Adds ln Φ(μ/σ).
    fileprivate mutating func add(
        _ prediction: GaussianProcess.Prediction, _ slopes: GaussianProcess.PredictionWithGradients?
    ) {
        for point in values.indices {
            let deviation = (prediction.variances[point] + Acquisition.varianceFloor).squareRoot()
            let u = prediction.means[point] / deviation
            let (value, derivative) = logNormalDistribution(u)
            values[point] += value
            guard let slopes else { continue }
            for feature in 0..<gradients.rows {
                let spread = slopes.varianceGradients[feature, point] / (2 * deviation)
                gradients[feature, point] +=
                    derivative * (slopes.meanGradients[feature, point] - u * spread) / deviation
            }
        }
    }
}
