// SPDX-License-Identifier: MIT

package import LinearAlgebra
import RealModule

// Notation, used in the comments of this module:
//
//   n, d    distinct observed points (rows), features (columns)
//   X, y    observed points (n × d), their values; larger is better; y is standardised by the output transform
//   m, w    how many repeats each value is the mean of, and what it is worth (m where all values are worth the same)
//   ℓ       length scales, one a feature        σ_f²  signal variance        σₙ²  noise variance of one value
//   θ       (ln ℓ_1, …, ln ℓ_d, ln σ_f², ln σₙ²)
//   k, K    kernel (Kernel.swift), K_ab = k(x_a, x_b)
//   C       K + diag(σₙ² / w) = L Lᵀ
//   β       constant mean, β ~ N(0, 1), profiled:  β = 1ᵀC⁻¹y / (1 + 1ᵀC⁻¹1)
//   r, α    y - β1, C⁻¹r
//   k_x     covariances of a point x with X;  v = L⁻¹k_x,  w = C⁻¹k_x
//   μ, σ²   posterior mean β + k_xᵀα and variance σ_f² - vᵀv of the function (without noise) at x
//   B, q    pending points and their number     f*    the value to improve upon

/// A function of which noisy values are known, as a random function: a Gaussian process conditioned on them.
///
/// Rasmussen and Williams, "Gaussian Processes for Machine Learning" (2006), chapters 2 and 5.
package struct GaussianProcess: Sendable {
    package enum Mean: Hashable, Sendable {
        /// β ~ N(0, 1), at its most probable value.
        case profiled
        case fixed(Double)
    }

    package let observations: Observations
    package let hyperparameters: Hyperparameters
    /// β.
    package let mean: Double
    let meanRule: Mean
    let kernel: Kernel
    let cholesky: Cholesky
    /// α.
    let weights: [Double]

    /// Factors the covariance of the observations: n³/3 flops.
    ///
    /// - Throws: when the covariance has no factor even with the largest jitter.
    package init(
        _ observations: Observations, hyperparameters: Hyperparameters, mean: Mean = .profiled
    ) throws(CholeskyFailure) {
        let kernel = Kernel(features: observations.features, hyperparameters: hyperparameters)
        let cholesky = try Cholesky(reusing: Matrix(rows: 0, columns: 0)) { covariance in
            covariance = kernel.within(observations.points)
            for row in 0..<observations.count {
                covariance[row, row] += hyperparameters.noiseVariance / observations.weights[row]
            }
        }
        self.init(
            observations, hyperparameters: hyperparameters, mean: mean, kernel: kernel, cholesky: cholesky)
    }

    private init(
        _ observations: Observations, hyperparameters: Hyperparameters, mean: Mean, kernel: Kernel, cholesky: Cholesky
    ) {
        self.observations = observations
        self.hyperparameters = hyperparameters
        self.kernel = kernel
        self.cholesky = cholesky
        meanRule = mean
        (self.mean, weights) = profile(observations.values, mean: mean, cholesky: cholesky)
    }

    /// The same points and hyperparameters with other values, for 4n² flops.
    ///
    /// - Precondition: the observations differ in their values only.
    package func replacing(_ observations: Observations) -> GaussianProcess {
        precondition(observations.count == self.observations.count, "other points")
        return GaussianProcess(
            observations, hyperparameters: hyperparameters, mean: meanRule, kernel: kernel, cholesky: cholesky)
    }

    /// With the rows of `other` added, for the cost of solves instead of a factorization.
    ///
    /// - Throws: when the enlarged covariance has no factor; build the model anew.
    package func appending(_ other: Observations) throws(CholeskyFailure) -> GaussianProcess {
        if other.count == 0 { return self }
        var corner = kernel.between(other.points, other.points)
        for row in 0..<other.count {
            corner[row, row] += hyperparameters.noiseVariance / other.weights[row]
        }
        return GaussianProcess(
            observations.appending(other), hyperparameters: hyperparameters, mean: meanRule, kernel: kernel,
            cholesky: try cholesky.appending(
                cross: kernel.between(observations.points, other.points), corner: corner))
    }

    /// With the rows of `points` added as if the function had been seen to be μ there: the variance shrinks, the mean
    /// stays (the "Kriging believer"; for more pending points than `Fantasies` takes).
    package func believing(_ points: Matrix) throws(CholeskyFailure) -> GaussianProcess {
        try appending(
            Observations(
                features: observations.features, points: points, values: means(at: points),
                repeats: Array(repeating: 1, count: points.rows), weights: Array(repeating: 1, count: points.rows),
                scatter: 0))
    }

    /// What was added to the diagonal of C to have a factor; 0 unless it had none.
    package var jitter: Double { cholesky.jitter }
}

/// β and α.
func profile(_ values: [Double], mean: GaussianProcess.Mean, cholesky: Cholesky) -> (mean: Double, weights: [Double]) {
    let count = values.count
    switch mean {
    case .fixed(let mean):
        return (mean, cholesky.solve(values.map { $0 - mean }))
    case .profiled:
        let ones = [Double](repeating: 1, count: count)
        let solved = cholesky.solve(Matrix(rows: count, columns: 2, elements: ones + values)).elements
        let beta = solved.suffix(count).reduce(0, +) / (1 + solved.prefix(count).reduce(0, +))
        return (beta, (0..<count).map { solved[count + $0] - beta * solved[$0] })
    }
}
