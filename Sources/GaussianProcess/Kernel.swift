// SPDX-License-Identifier: MIT

import LinearAlgebra
import RealModule

/// Matern-5/2 with a length scale a feature, and Hamming distance for categories inside the same distance:
///
///     r²(x, x') = Σ_cont (x_i - x'_i)² / ℓ_i² + Σ_cat [x_j ≠ x'_j] / ℓ_j²,    s = √5 · r
///     k = σ_f² (1 + s + s²/3) e^-s,    A = -2 dk / d(r²) = (5/3) σ_f² (1 + s) e^-s
///
/// A is finite at r = 0, so every gradient is: ∂k(x, a)/∂x_i = -A (x_i - a_i) / ℓ_i².
struct Kernel: Sendable {
    let features: Features
    let signalVariance: Double
    /// 1 / ℓ_i².
    let precisions: [Double]

    init(features: Features, hyperparameters: Hyperparameters) {
        precondition(hyperparameters.lengthScales.count == features.count, "a length scale a feature")
        self.features = features
        signalVariance = hyperparameters.signalVariance
        precisions = hyperparameters.lengthScales.map { 1 / ($0 * $0) }
    }

    /// k and A.
    struct Pair {
        var covariance: Matrix
        var slope: Matrix
    }

    /// k and A between the rows of `points`: the lower triangles, diagonals included; zeros above.
    func withinPair(_ points: Matrix) -> Pair {
        var pair = Pair(covariance: squaredDistances(points, points, lower: true), slope: points)
        pair.slope = Matrix(rows: points.rows, columns: points.rows)
        evaluate(&pair.covariance, slope: &pair.slope, lower: true)
        return pair
    }

    /// k between the rows of `points`: the lower triangle, as the factorization reads it; zeros above.
    func within(_ points: Matrix) -> Matrix {
        var result = squaredDistances(points, points, lower: true)
        evaluate(&result, lower: true)
        return result
    }

    /// k between the rows of `left` and those of `right`: a row each of the former, a column each of the latter.
    func between(_ left: Matrix, _ right: Matrix) -> Matrix {
        var result = squaredDistances(left, right, lower: false)
        evaluate(&result, lower: false)
        return result
    }

    func betweenPair(_ left: Matrix, _ right: Matrix) -> Pair {
        var pair = Pair(
            covariance: squaredDistances(left, right, lower: false),
            slope: Matrix(rows: left.rows, columns: right.rows))
        evaluate(&pair.covariance, slope: &pair.slope, lower: false)
        return pair
    }

    /// r².
    func squaredDistance(_ left: [Double], _ right: [Double]) -> Double {
        left.indices.reduce(0) { sum, feature in
            let difference = left[feature] - right[feature]
            switch features.kinds[feature] {
            case .continuous: return sum + difference * difference * precisions[feature]
            case .categorical: return sum + (difference == 0 ? 0 : precisions[feature])
            }
        }
    }

    /// By differences, not by |a|² + |b|² - 2ab: near points must not lose their distance to rounding.
    private func squaredDistances(_ left: Matrix, _ right: Matrix, lower: Bool) -> Matrix {
        precondition(left.columns == features.count && right.columns == features.count, "a number a feature")
        let (rows, columns) = (left.rows, right.rows)
        var result = Matrix(rows: rows, columns: columns)
        unsafe result.elements.withUnsafeMutableBufferPointer { target in
            unsafe left.elements.withUnsafeBufferPointer { source in
                for column in 0..<columns {
                    let start = lower ? column : 0
                    let base = column * rows
                    for feature in 0..<features.count {
                        let (offset, weight) = (feature * rows, precisions[feature])
                        let here = right.elements[column + feature * columns]
                        if features.kinds[feature] == .continuous {
                            for row in start..<rows {
                                let difference = unsafe source[offset + row] - here
                                unsafe target[base + row] += difference * difference * weight
                            }
                        } else {
                            for row in start..<rows {
                                unsafe target[base + row] += source[offset + row] == here ? 0 : weight
                            }
                        }
                    }
                }
            }
        }
        return result
    }

    /// r² → k.
    private func evaluate(_ matrix: inout Matrix, lower: Bool) {
        let (rows, columns) = (matrix.rows, matrix.columns)
        let variance = signalVariance
        unsafe matrix.elements.withUnsafeMutableBufferPointer { target in
            for column in 0..<columns {
                for index in column * rows + (lower ? column : 0)..<(column + 1) * rows {
                    let s = unsafe (5 * target[index]).squareRoot()
                    unsafe target[index] = variance * (1 + s * (1 + s * (1 / 3))) * Double.exp(-s)
                }
            }
        }
    }

    /// r² → k, and A.
    private func evaluate(_ matrix: inout Matrix, slope: inout Matrix, lower: Bool) {
        let (rows, columns) = (matrix.rows, matrix.columns)
        let variance = signalVariance
        unsafe matrix.elements.withUnsafeMutableBufferPointer { target in
            unsafe slope.elements.withUnsafeMutableBufferPointer { slopes in
                for column in 0..<columns {
                    for index in column * rows + (lower ? column : 0)..<(column + 1) * rows {
                        let s = unsafe (5 * target[index]).squareRoot()
                        let scaled = variance * Double.exp(-s)
                        unsafe slopes[index] = (5.0 / 3) * (1 + s) * scaled
                        unsafe target[index] = (1 + s * (1 + s * (1 / 3))) * scaled
                    }
                }
            }
        }
    }
}
