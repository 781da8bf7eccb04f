// SPDX-License-Identifier: MIT

import CVectorMath
package import LinearAlgebra

extension GaussianProcess {
    /// What the model says of the function (without noise) at some points.
    package struct Prediction: Sendable {
        package let means: [Double]
        /// In [0, σ_f²].
        package let variances: [Double]
    }

    /// With the gradients for the continuous features; those of categories are 0.
    package struct PredictionWithGradients: Sendable {
        package let prediction: Prediction
        /// d × points.
        package let meanGradients: Matrix
        package let varianceGradients: Matrix
    }

    /// μ at the rows of `points`.
    package func means(at points: Matrix) -> [Double] {
        columnBlocks(points).flatMap { means(kernel.between(observations.points, $0)) }
    }

    /// μ, and no less than σ²: what the one observed point, or one of `others` (known exactly), with the largest
    /// covariance leaves of it.
    func roughMoments(_ points: Matrix, _ others: Matrix) -> (means: [Double], variances: [Double]) {
        let (signal, noise) = (kernel.signalVariance, hyperparameters.noiseVariance + cholesky.jitter)
        var (means, variances): ([Double], [Double]) = ([], [])
        for block in columnBlocks(points) {
            let covariances = kernel.between(observations.points, block)
            let toOthers = kernel.between(others, block)
            means += self.means(covariances)
            for point in 0..<block.rows {
                let (near, other) = (largest(covariances, column: point), largest(toOthers, column: point))
                variances.append(max(0, signal - max(near * near / (signal + noise), other * other / signal)))
            }
        }
        return (means, variances)
    }

    /// The rows of `points`, few at a time, so that their covariances stay in the cache.
    private func columnBlocks(_ points: Matrix) -> [Matrix] {
        stride(from: 0, to: points.rows, by: 64).map { start in
            points.selecting(start..<min(start + 64, points.rows))
        }
    }

    /// μ and σ² at the rows of `points`: n² flops a point.
    package func predict(_ points: Matrix) -> Prediction {
        let covariances = kernel.between(observations.points, points)
        return Prediction(
            means: means(covariances), variances: variances(cholesky.solveFactor(covariances)))
    }

    /// μ, σ² and their gradients: 2n² flops a point.
    package func predictWithGradients(_ points: Matrix) -> PredictionWithGradients {
        let pair = kernel.betweenPair(observations.points, points)
        let halves = cholesky.solveFactor(pair.covariance)
        let prediction = Prediction(means: means(pair.covariance), variances: variances(halves))
        var solved = cholesky.factor.solveLower(halves, transposed: true)
        for index in solved.elements.indices { solved.elements[index] *= -2 }
        let constant = (0..<points.rows).flatMap { _ in weights }
        let all = Matrix(rows: observations.count, columns: points.rows, elements: constant)
        var meanGradients = Matrix(rows: points.columns, columns: points.rows)
        var varianceGradients = meanGradients
        kernel.addGradients(
            at: points, to: observations.points, coefficients: all, slopes: pair.slope, &meanGradients)
        kernel.addGradients(
            at: points, to: observations.points, coefficients: solved, slopes: pair.slope, &varianceGradients)
        return PredictionWithGradients(
            prediction: prediction, meanGradients: meanGradients, varianceGradients: varianceGradients)
    }

    /// μ at the observed points: y - (σₙ²/w) ∘ α, since K α = r - (C - K) α.
    package var meansAtObservations: [Double] {
        (0..<observations.count).map {
            let noise = hyperparameters.noiseVariance / observations.weights[$0] + cholesky.jitter
            return observations.values[$0] - noise * weights[$0]
        }
    }

    /// Below this variance a value is taken for the function itself.
    static let negligibleNoise = 1e-4

    /// f*: the best value, or the best posterior mean at an observed point when values are noisy, since the largest of
    /// many noisy values is mostly luck. -infinity without observations.
    package var incumbentValue: Double {
        (hyperparameters.noiseVariance < Self.negligibleNoise ? observations.values : meansAtObservations)
            .reduce(-.infinity, max)
    }

    /// |y - μ| / √(σ² + σₙ²) of a value not yet in the model: how surprising it is.
    package func surprise(at point: [Double], value: Double) -> Double {
        let prediction = predict(Matrix(rows: 1, columns: point.count, elements: point))
        let variance = prediction.variances[0] + hyperparameters.noiseVariance
        return (value - prediction.means[0]).magnitude / variance.squareRoot()
    }

    func means(_ covariances: Matrix) -> [Double] {
        covariances.times(weights, transposed: true).map { mean + $0 }
    }

    /// σ_f² - vᵀv, with v = L⁻¹k_x in the columns.
    func variances(_ halves: Matrix) -> [Double] {
        (0..<halves.columns).map { column in
            max(0, kernel.signalVariance - squaredNorm(halves, column: column))
        }
    }
}

func squaredNorm(_ matrix: Matrix, column: Int) -> Double {
    unsafe matrix.elements.withUnsafeBufferPointer { elements in
        unsafe cvectormath_sum_of_squares(elements.baseAddress.map { unsafe $0 + column * matrix.rows }, matrix.rows)
    }
}

/// The largest element of a column; 0 without rows.
private func largest(_ matrix: Matrix, column: Int) -> Double {
    unsafe matrix.elements.withUnsafeBufferPointer { elements in
        unsafe cvectormath_largest(elements.baseAddress.map { unsafe $0 + column * matrix.rows }, matrix.rows)
    }
}

extension Kernel {
    /// Adds Σ_a coefficient_a ∇_x k(x, x_a), for the rows of `points` as x and the rows of `others` as x_a; a column a
    /// point. `slopes` are A(x, x_a).
    ///
    /// With p = coefficient ∘ A the sum is (Σ p_a x_a - x Σ p_a) / ℓ²: one product for all points.
    func addGradients(
        at points: Matrix, to others: Matrix, coefficients: consuming Matrix, slopes: Matrix, _ gradients: inout Matrix
    ) {
        var totals = [Double](repeating: 0, count: points.rows)
        for point in 0..<points.rows {
            for index in others.rows * point..<others.rows * (point + 1) {
                coefficients.elements[index] *= slopes.elements[index]
                totals[point] += coefficients.elements[index]
            }
        }
        let weighted = others.times(coefficients, transposed: true)
        for point in 0..<points.rows {
            for feature in features.continuous {
                let sum = weighted[feature, point] - points[point, feature] * totals[point]
                gradients[feature, point] += sum * precisions[feature]
            }
        }
    }
}
