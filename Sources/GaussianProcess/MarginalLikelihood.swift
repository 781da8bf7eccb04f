// SPDX-License-Identifier: MIT

package import LinearAlgebra
import RealModule

/// J(θ), the logarithm of what a fit maximises: the density of the values, with the mean at its most probable value,
/// times the priors' density.
///
///     J = -½ rᵀα - Σ ln L_ii - (n/2) ln 2π - ½β² + ln p(θ)  [+ what repeats say]
///
/// Repeats are merged into their mean, which alone would forget how far they lie apart; the last term puts it back, so
/// that J is what it would be with a row a value: -½ (S/σₙ² + (N - n) ln 2πσₙ² + Σ ln m), for N values with scatter S.
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

    /// J and ∂J/∂θ: about 7/3 n³ + 2n²d flops.
    ///
    /// - Throws: when the covariance at θ has no factor.
    package func evaluate(_ theta: [Double]) throws(CholeskyFailure) -> (value: Double, gradient: [Double]) {
        let hyperparameters = Hyperparameters(logarithms: theta)
        let count = observations.count
        let noise = observations.repeats.map { hyperparameters.noiseVariance / Double($0) }
        let kernel = Kernel(features: observations.features, hyperparameters: hyperparameters)
        let pair = kernel.withinPair(observations.points)
        var covariance = pair.covariance
        for row in 0..<count { covariance[row, row] += noise[row] }
        let cholesky = try Cholesky(covariance)
        let (beta, weights) = profile(observations.values, mean: mean, cholesky: cholesky)

        var value =
            -0.5 * dot(observations.values.map { $0 - beta }, weights) - 0.5 * cholesky.logDeterminant
            - 0.5 * Double(count) * Double.log(2 * Double.pi)
        if mean == .profiled { value -= 0.5 * beta * beta }

        var gradient = covarianceGradient(pair, weights: weights, cholesky: cholesky, kernel: kernel, noise: noise)
        let merged = Double(observations.valueCount - count)
        if merged > 0 {
            let variance = hyperparameters.noiseVariance
            let logarithms = observations.repeats.reduce(0) { $0 + Double.log(Double($1)) }
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

    /// With W = ααᵀ - C⁻¹ and G = W∘A (strict lower triangle, so every pair counts once):
    ///
    ///     ∂/∂ln ℓ_i = Σ_{a>b} G_ab (z_ai - z_bi)² = Σ_a z_ai² (G1 + Gᵀ1)_a - 2 z_iᵀ G z_i,   z = x/ℓ
    ///     ∂/∂ln ℓ_j = Σ_{a>b} G_ab [x_aj ≠ x_bj] / ℓ_j²                        (categories)
    ///     ∂/∂ln σ_f² = ½ Σ W∘K,   ∂/∂ln σₙ² = ½ Σ_a W_aa σₙ²/m_a
    ///
    /// One product G·[Z, indicators] serves all features: no n × n × d tensor. β needs no term: it is at its maximum.
    private func covarianceGradient(
        _ pair: Kernel.Pair, weights: [Double], cholesky: Cholesky, kernel: Kernel, noise: [Double]
    ) -> [Double] {
        let (count, features) = (observations.count, observations.features)
        let inverse = cholesky.inverse()
        var product = pair.slope
        var (signal, noiseSum) = (0.0, 0.0)
        var sums = [Double](repeating: 0, count: count)
        unsafe product.elements.withUnsafeMutableBufferPointer { product in
            for column in 0..<count {
                let base = column * count
                let diagonal = weights[column] * weights[column] - inverse.elements[base + column]
                signal += 0.5 * diagonal * pair.covariance.elements[base + column]
                noiseSum += 0.5 * diagonal * noise[column]
                unsafe product[base + column] = 0
                var below = 0.0
                let here = weights[column]
                for row in column + 1..<max(count, column + 1) {
                    let difference = here * weights[row] - inverse.elements[base + row]
                    signal += difference * pair.covariance.elements[base + row]
                    let element = unsafe difference * product[base + row]
                    unsafe product[base + row] = element
                    sums[row] += element
                    below += element
                }
                sums[column] += below
            }
        }
        let scaled = features.continuous.flatMap { feature in
            observations.points.elements[feature * count..<(feature + 1) * count].map {
                $0 * kernel.precisions[feature].squareRoot()
            }
        }
        let total = features.continuous.count + indicators.columns
        let right = Matrix(rows: count, columns: total, elements: scaled + indicators.elements)
        let image = product.times(right)
        func form(_ column: Int) -> Double {
            (0..<count).reduce(0) { $0 + right[$1, column] * image[$1, column] }
        }
        var gradient = [Double](repeating: 0, count: features.count) + [signal, noiseSum]
        for (column, feature) in features.continuous.enumerated() {
            let squares = (0..<count).reduce(0) { $0 + right[$1, column] * right[$1, column] * sums[$1] }
            gradient[feature] = squares - 2 * form(column)
        }
        let all = sums.reduce(0, +) / 2
        for (position, feature) in features.categorical.enumerated() {
            let equal = indicatorColumns[position].reduce(0) { $0 + form(features.continuous.count + $1) }
            gradient[feature] = (all - equal) * kernel.precisions[feature]
        }
        return gradient
    }
}

extension Cholesky {
    /// (L Lᵀ)⁻¹.
    fileprivate func inverse() -> Matrix {
        var identity = Matrix(rows: size, columns: size)
        for index in 0..<size { identity.elements[index * (size + 1)] = 1 }
        return solve(identity)
    }
}
