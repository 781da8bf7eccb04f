// SPDX-License-Identifier: MIT

package import LinearAlgebra
import RealModule

/// What a proposal maximises, over points: the logarithm of the improvement to be expected, averaged over the fantasies
/// of what is pending. A function of μ, of σ², and of the covariances c with the pending points given the observations:
///
///     c_b = k(x, x_b) - k_xᵀ C⁻¹ k_b,   μ_m = μ + cᵀA_m,   s² = σ² - cᵀh,  h = Σ_BB⁻¹ c
///     ln (1/M) + ln Σ_m h((μ_m - f*_m)/s) + ln s
///
/// Its gradient is a sum of kernel gradients with coefficients worked out first, for one pass over X and B.
package struct Acquisition: Sendable {
    package struct Values: Sendable {
        package fileprivate(set) var values: [Double]
        /// d × points; 0 for categorical features. Without columns when not asked for.
        package fileprivate(set) var gradients: Matrix
    }

    /// Added to s², which vanishes at noise-free observations.
    static let varianceFloor = 1e-12

    package let model: GaussianProcess
    package let fantasies: Fantasies
    /// A model of success (1) and failure (-1) at all points that have ended, for objectives that often fail: ln Φ(μ/σ)
    /// of it is added, the logarithm of the probability that a trial succeeds.
    package let success: GaussianProcess?

    package init(
        _ model: GaussianProcess, fantasies: Fantasies, success: GaussianProcess? = nil
    ) {
        self.model = model
        self.fantasies = fantasies
        self.success = success
    }

    /// At the rows of `points`: n² flops a point, twice that with gradients.
    package func evaluate(_ points: Matrix, gradients: Bool) -> Values {
        var result = gradients ? valuesAndGradients(points) : values(points)
        guard let success else { return result }
        if gradients {
            let prediction = success.predictWithGradients(points)
            result.add(prediction.prediction, prediction)
        } else {
            result.add(success.predict(points), nil)
        }
        return result
    }

    /// How promising the rows of `points` are, roughly: with one world, in which every pending point turns out as
    /// expected and the best is as good as it is on average. To pick from many points those worth an exact value.
    ///
    /// - Parameter isRough: takes the variance to be what the one observed or pending point with the largest covariance
    ///   leaves of it, which is too much, for nd flops a point instead of n².
    package func screen(_ points: Matrix, isRough: Bool) -> [Double] {
        let (means, variances) = isRough ? model.roughMoments(points, fantasies.points) : moments(points)
        var result = Values(values: means, gradients: Matrix(rows: 0, columns: 0))
        let average = fantasies.incumbents.reduce(0, +) / Double(fantasies.incumbents.count)
        for point in 0..<points.rows {
            let s = (variances[point] + Self.varianceFloor).squareRoot()
            result.values[point] = logExpectedImprovement((means[point] - average) / s).value + Double.log(s)
        }
        guard let success else { return result.values }
        if isRough {
            let rough = success.roughMoments(points, Matrix(rows: 0, columns: points.columns))
            result.add(GaussianProcess.Prediction(means: rough.means, variances: rough.variances), nil)
        } else {
            result.add(success.predict(points), nil)
        }
        return result.values
    }

    /// μ and s².
    private func moments(_ points: Matrix) -> (means: [Double], variances: [Double]) {
        let covariances = model.kernel.between(model.observations.points, points)
        let means = model.means(covariances)
        let shared = shared(model.kernel.between(fantasies.points, points), covariances)
        var variances = model.variances(model.cholesky.solveFactor(covariances))
        if shared.rows > 0 {
            let reduction = fantasies.cholesky.solveFactor(shared)
            for point in variances.indices {
                variances[point] = max(0, variances[point] - squaredNorm(reduction, column: point))
            }
        }
        return (means, variances)
    }

    private func values(_ points: Matrix) -> Values {
        let covariances = model.kernel.between(model.observations.points, points)
        let means = model.means(covariances)
        let shared = shared(model.kernel.between(fantasies.points, points), covariances)
        let variances = model.variances(model.cholesky.solveFactor(covariances))
        let worlds = Worlds(self, means: means, variances: variances, shared: shared)
        return Values(values: worlds.values, gradients: Matrix(rows: points.columns, columns: 0))
    }

    /// The value's derivative for k(x, x_b) is e_b = Σ_m ∂μ_m A_mb - 2 ∂s² h_b, and for k(x, x_a) it is
    /// ∂μ α_a - 2 (∂s² + ∂σ²) w_a - Σ_b (C⁻¹k_b)_a e_b.
    private func valuesAndGradients(_ points: Matrix) -> Values {
        let observed = model.kernel.betweenPair(model.observations.points, points)
        let pending = model.kernel.betweenPair(fantasies.points, points)
        let means = model.means(observed.covariance)
        let shared = shared(pending.covariance, observed.covariance)
        let halves = model.cholesky.solveFactor(observed.covariance)
        let worlds = Worlds(self, means: means, variances: model.variances(halves), shared: shared)

        var atPending = fantasies.corrections.times(worlds.shiftPartials)
        var atObserved = model.cholesky.factor.solveLower(halves, transposed: true)
        let (count, waiting) = (model.observations.count, fantasies.points.rows)
        for point in 0..<points.rows {
            let (partials, base) = (worlds.partials[point], waiting * point)
            for index in base..<base + waiting {
                atPending.elements[index] -= 2 * partials.conditional * worlds.explaining.elements[index]
            }
            let spread = 2 * (partials.conditional + partials.variance)
            for row in 0..<count {
                let index = count * point + row
                atObserved.elements[index] = partials.mean * model.weights[row] - spread * atObserved.elements[index]
            }
        }
        var gradients = Matrix(rows: points.columns, columns: points.rows)
        if waiting > 0 {
            let through = fantasies.solved.times(atPending)
            for index in through.elements.indices { atObserved.elements[index] -= through.elements[index] }
            model.kernel.addGradients(
                at: points, to: fantasies.points, coefficients: atPending, slopes: pending.slope, &gradients)
        }
        model.kernel.addGradients(
            at: points, to: model.observations.points, coefficients: atObserved, slopes: observed.slope, &gradients)
        return Values(values: worlds.values, gradients: gradients)
    }

    /// c, from the covariances with B and with X.
    private func shared(_ pending: consuming Matrix, _ observed: Matrix) -> Matrix {
        if pending.rows == 0 { return pending }
        let explained = fantasies.solved.times(observed, transposed: true)
        for index in pending.elements.indices { pending.elements[index] -= explained.elements[index] }
        return pending
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
