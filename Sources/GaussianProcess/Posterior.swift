// SPDX-License-Identifier: MIT

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
        means(kernel.between(observations.points, points))
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
        let solved = cholesky.factor.solveLower(halves, transposed: true)
        var (meanGradients, varianceGradients) = (
            Matrix(rows: points.columns, columns: points.rows), Matrix(rows: points.columns, columns: points.rows)
        )
        for index in 0..<points.rows {
            let column = index * observations.count..<(index + 1) * observations.count
            let slopes = pair.slope.elements[column]
            let mean = kernel.gradient(
                at: points, index, to: observations.points, coefficients: weights, slopes: slopes)
            let variance = kernel.gradient(
                at: points, index, to: observations.points, coefficients: solved.elements[column].map { -2 * $0 },
                slopes: slopes)
            for feature in 0..<points.columns {
                meanGradients[feature, index] = mean[feature]
                varianceGradients[feature, index] = variance[feature]
            }
        }
        return PredictionWithGradients(
            prediction: Prediction(means: means(pair.covariance), variances: variances(halves)),
            meanGradients: meanGradients, varianceGradients: varianceGradients)
    }

    /// μ at the observed points: y - (σₙ²/m) ∘ α, since K α = r - (C - K) α.
    package var meansAtObservations: [Double] {
        (0..<observations.count).map {
            let noise = hyperparameters.noiseVariance / Double(observations.repeats[$0]) + cholesky.jitter
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
        covariances.times(Matrix(rows: weights.count, columns: 1, elements: weights), transposed: true)
            .elements.map { mean + $0 }
    }

    /// σ_f² - vᵀv, with v = L⁻¹k_x in the columns.
    func variances(_ halves: Matrix) -> [Double] {
        (0..<halves.columns).map { column in
            max(0, kernel.signalVariance - squaredNorm(halves, column: column))
        }
    }
}

func squaredNorm(_ matrix: Matrix, column: Int) -> Double {
    var sum = 0.0
    for index in column * matrix.rows..<(column + 1) * matrix.rows {
        sum += matrix.elements[index] * matrix.elements[index]
    }
    return sum
}

extension Kernel {
    /// Σ_a coefficient_a ∇_x k(x, x_a), for row `index` of `points` as x and the rows of `others` as x_a; `slopes` are
    /// A(x, x_a).
    func gradient(
        at points: Matrix, _ index: Int, to others: Matrix, coefficients: [Double], slopes: ArraySlice<Double>
    ) -> [Double] {
        let products = zip(coefficients, slopes).map { $0 * $1 }
        var gradient = [Double](repeating: 0, count: features.count)
        for feature in features.continuous {
            let here = points.elements[index + feature * points.rows]
            var sum = 0.0
            for row in 0..<others.rows {
                sum -= products[row] * (here - others.elements[feature * others.rows + row])
            }
            gradient[feature] = sum * precisions[feature]
        }
        return gradient
    }
}
