// SPDX-License-Identifier: MIT

package import LinearAlgebra
import RealModule

/// J(θ), the logarithm of what a fit maximises: the density of the values, with the mean at its most probable value,
/// times the priors' density.
///
///     J = -½ rᵀα - Σ ln L_ii - (n/2) ln 2π - ½β² + ln p(θ)  [+ what repeats say]
///
/// Repeats are merged into their mean, which alone would forget how far they lie apart; the last term puts it back, so
/// that J is what it would be with a row a value: -½ (S/σₙ² + (N - n) ln 2πσₙ² + Σ ln w), for N values with scatter S
/// (and up to a constant where merged values had weights other than 1).
package struct MarginalLikelihood: Sendable {
    package let observations: Observations
    package let priors: Priors?
    package let mean: GaussianProcess.Mean
    /// One column a category of each categorical feature: 1 in the rows of that category.
    private let indicators: Matrix
    private let indicatorColumns: [Range<Int>]

    /// Without priors it is the bare likelihood (with a fixed mean) or the profiled one.
    package init(_ observations: Observations, priors: Priors?, mean: GaussianProcess.Mean = .profiled) {
        self.observations = observations
        self.priors = priors
        self.mean = mean
        var columns: [Range<Int>] = []
        var elements: [Double] = []
        var total = 0
        for feature in observations.features.categorical {
            let column = (0..<observations.count).map { observations.points[$0, feature] }
            let categories = Set(column).sorted()
            for category in categories { elements += column.map { $0 == category ? 1 : 0 } }
            columns.append(total..<total + categories.count)
            total += categories.count
        }
        indicators = Matrix(rows: observations.count, columns: total, elements: elements)
        indicatorColumns = columns
    }

    /// J and ∂J/∂θ: about n³ + 2n²d flops.
    ///
    /// - Throws: when the covariance at θ has no factor.
    package func evaluate(_ theta: [Double]) throws(CholeskyFailure) -> (value: Double, gradient: [Double]) {
        var memory = Memory(rows: observations.count)
        return try evaluate(theta, &memory)
    }

    /// Two n × n matrices, for the evaluations of a fit to share.
    struct Memory {
        fileprivate var covariance: Matrix
        fileprivate var slopes: Matrix

        init(rows: Int) {
            covariance = Matrix(rows: rows, columns: rows)
            slopes = covariance
        }
    }

    func evaluate(
        _ theta: [Double], _ memory: inout Memory
    ) throws(CholeskyFailure) -> (value: Double, gradient: [Double]) {
        let hyperparameters = Hyperparameters(logarithms: theta)
        let count = observations.count
        let noise = observations.weights.map { hyperparameters.noiseVariance / $0 }
        let kernel = Kernel(features: observations.features, hyperparameters: hyperparameters)
        let cholesky = try factor(kernel, noise: noise, &memory)
        let (beta, weights) = profile(observations.values, mean: mean, cholesky: cholesky)
        let fit = dot(observations.values.map { $0 - beta }, weights)

        var value =
            -0.5 * fit - 0.5 * cholesky.logDeterminant
            - 0.5 * Double(count) * Double.log(2 * Double.pi)
        if mean == .profiled { value -= 0.5 * beta * beta }

        var gradient = covarianceGradient(
            weights: weights, fit: fit, cholesky: cholesky, kernel: kernel, noise: noise, &memory)
        let merged = Double(observations.valueCount - count)
        if merged > 0 {
            let variance = hyperparameters.noiseVariance
            let logarithms = zip(observations.repeats, observations.weights).reduce(0) {
                $1.0 > 1 ? $0 + Double.log($1.1) : $0
            }
            value -=
                0.5 * (observations.scatter / variance + merged * Double.log(2 * Double.pi * variance) + logarithms)
            gradient[theta.count - 1] += 0.5 * (observations.scatter / variance - merged)
        }
        if let prior = priors?.logDensity(theta) {
            value += prior.value
            for index in theta.indices { gradient[index] += prior.gradient[index] }
        }
        return (value, gradient)
    }

    /// L; A in the memory.
    private func factor(
        _ kernel: Kernel, noise: [Double], _ memory: inout Memory
    ) throws(CholeskyFailure) -> Cholesky {
        // A fit that ended without a factor has lost the storage.
        if memory.covariance.rows != noise.count { memory = Memory(rows: noise.count) }
        let storage = memory.covariance
        memory.covariance = Matrix(rows: 0, columns: 0)
        return try Cholesky(reusing: storage) { covariance in
            kernel.writeWithin(observations.points, covariance: &covariance, slope: &memory.slopes)
            for row in noise.indices { covariance[row, row] += noise[row] }
        }
    }

    /// With W = ααᵀ - C⁻¹, the symmetric G = W∘A and g = G1:
    ///
    ///     ∂/∂ln ℓ_i = ½ Σ_ab G_ab (z_ai - z_bi)² = Σ_a z_ai² g_a - z_iᵀ G z_i,   z = x/ℓ
    ///     ∂/∂ln ℓ_j = ½ Σ_ab G_ab [x_aj ≠ x_bj] / ℓ_j² = ½ (Σ g - Σ_c 1_cᵀ G 1_c) / ℓ_j²      (categories)
    ///     ∂/∂ln σₙ² = ½ Σ_a W_aa σₙ²/w_a
    ///     ∂/∂ln σ_f² = ½ Σ W∘K = ½ (rᵀα - n) - ½ Σ_a W_aa (C - K)_aa,   for C differs from K in its diagonal only
    ///
    /// One product G·[1, Z, indicators] serves all features: no n × n × d tensor. β needs no term: it is at its maximum.
    ///
    /// - Parameter fit: rᵀα.
    private func covarianceGradient(
        weights: [Double], fit: Double, cholesky: consuming Cholesky, kernel: Kernel, noise: [Double],
        _ memory: inout Memory
    ) -> [Double] {
        let (count, features, jitter) = (observations.count, observations.features, cholesky.jitter)
        let inverse = cholesky.inverse()
        var (noiseSum, jitterSum) = (0.0, 0.0)
        for row in 0..<count {
            let diagonal = weights[row] * weights[row] - inverse.elements[row * (count + 1)]
            noiseSum += 0.5 * diagonal * noise[row]
            jitterSum += 0.5 * diagonal * jitter
        }
        let signal = 0.5 * (fit - Double(count)) - noiseSum - jitterSum
        multiply(&memory.slopes, inverse, weights)
        memory.covariance = inverse
        let scaled = features.continuous.flatMap { feature in
            let scale = kernel.precisions[feature].squareRoot()
            return observations.points.elements[feature * count..<(feature + 1) * count].map { $0 * scale }
        }
        let right = Matrix(
            rows: count, columns: 1 + features.continuous.count + indicators.columns,
            elements: [Double](repeating: 1, count: count) + scaled + indicators.elements)
        let image = memory.slopes.symmetricTimes(right)
        func form(_ column: Int) -> Double {
            let range = column * count..<(column + 1) * count
            return range.reduce(0) { $0 + right.elements[$1] * image.elements[$1] }
        }
        var gradient = [Double](repeating: 0, count: features.count) + [signal, noiseSum]
        for (position, feature) in features.continuous.enumerated() {
            let base = (1 + position) * count
            var squares = 0.0
            for row in 0..<count {
                squares += right.elements[base + row] * right.elements[base + row] * image.elements[row]
            }
            gradient[feature] = squares - form(1 + position)
        }
        for (position, feature) in features.categorical.enumerated() {
            let equal = indicatorColumns[position].reduce(0) { $0 + form(1 + features.continuous.count + $1) }
            gradient[feature] = 0.5 * (form(0) - equal) * kernel.precisions[feature]
        }
        return gradient
    }
}

/// A → W∘A: lower triangles.
private func multiply(_ slopes: inout Matrix, _ inverse: Matrix, _ weights: [Double]) {
    let count = slopes.rows
    unsafe slopes.elements.withUnsafeMutableBufferPointer { slopes in
        unsafe inverse.elements.withUnsafeBufferPointer { inverse in
            unsafe weights.withUnsafeBufferPointer { weights in
                for column in 0..<count {
                    let (base, here) = unsafe (column * count, weights[column])
                    for row in column..<count {
                        unsafe slopes[base + row] *= here * weights[row] - inverse[base + row]
                    }
                }
            }
        }
    }
}
