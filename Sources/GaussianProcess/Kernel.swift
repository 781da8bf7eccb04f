// SPDX-License-Identifier: MIT

import CVectorMath
import LinearAlgebra

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
    private let isCategorical: [Bool]

    init(features: Features, hyperparameters: Hyperparameters) {
        precondition(hyperparameters.lengthScales.count == features.count, "a length scale a feature")
        self.features = features
        signalVariance = hyperparameters.signalVariance
        precisions = hyperparameters.lengthScales.map { 1 / ($0 * $0) }
        isCategorical = features.kinds.map { $0 == .categorical }
    }

    /// k and A.
    struct Pair {
        var covariance: Matrix
        var slope: Matrix
    }

    /// k and A between the rows of `points`: the lower triangles, diagonals included, written over those of two matrices
    /// of that size.
    func writeWithin(_ points: Matrix, covariance: inout Matrix, slope: inout Matrix) {
        precondition(covariance.rows == points.rows && slope.rows == points.rows, "a row a point")
        unsafe covariance.elements.withUnsafeMutableBufferPointer { covariances in
            unsafe slope.elements.withUnsafeMutableBufferPointer { slopes in
                unsafe evaluate(points, points, lower: true, covariances: covariances, slopes: slopes)
            }
        }
    }

    /// k between the rows of `points`: the lower triangle, as the factorization reads it; zeros above.
    func within(_ points: Matrix) -> Matrix {
        var result = Matrix(rows: points.rows, columns: points.rows)
        unsafe result.elements.withUnsafeMutableBufferPointer { covariances in
            unsafe evaluate(points, points, lower: true, covariances: covariances, slopes: nil)
        }
        return result
    }

    /// k between the rows of `left` and those of `right`: a row each of the former, a column each of the latter.
    func between(_ left: Matrix, _ right: Matrix) -> Matrix {
        let count = left.rows * right.rows
        return Matrix(
            rows: left.rows, columns: right.rows,
            elements: unsafe Array(unsafeUninitializedCapacity: count) { covariances, initialized in
                unsafe evaluate(left, right, lower: false, covariances: covariances, slopes: nil)
                initialized = count
            })
    }

    func betweenPair(_ left: Matrix, _ right: Matrix) -> Pair {
        var covariance = Matrix(rows: 0, columns: 0)
        let count = left.rows * right.rows
        let slopes = unsafe [Double](unsafeUninitializedCapacity: count) { slopes, initialized in
            covariance = Matrix(
                rows: left.rows, columns: right.rows,
                elements: unsafe Array(unsafeUninitializedCapacity: count) { covariances, initialized in
                    unsafe evaluate(left, right, lower: false, covariances: covariances, slopes: slopes)
                    initialized = count
                })
            initialized = count
        }
        return Pair(covariance: covariance, slope: Matrix(rows: left.rows, columns: right.rows, elements: slopes))
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

    /// Column by column: r², then k, and A unless `slopes` is nil, from the diagonal down when `lower`.
    ///
    /// By differences, not by |a|² + |b|² - 2ab: near points must not lose their distance to rounding.
    private func evaluate(
        _ left: Matrix, _ right: Matrix, lower: Bool, covariances: UnsafeMutableBufferPointer<Double>,
        slopes: UnsafeMutableBufferPointer<Double>?
    ) {
        precondition(left.columns == features.count && right.columns == features.count, "a number a feature")
        let rows = left.rows
        if rows == 0 || right.rows == 0 { return }
        if features.count == 0 {
            unsafe covariances.update(repeating: signalVariance)
            return
        }
        unsafe left.elements.withUnsafeBufferPointer { points in
            unsafe right.elements.withUnsafeBufferPointer { queries in
                for column in 0..<right.rows {
                    let first = lower ? column : 0
                    let (start, count) = (column * rows + first, rows - first)
                    guard let point = points.baseAddress, let query = queries.baseAddress,
                        let target = covariances.baseAddress
                    else { return }
                    unsafe cvectormath_squared_distances(
                        point + first, count, rows, query + column, right.rows, precisions, isCategorical,
                        features.count, target + start)
                    unsafe cvectormath_matern52(
                        target + start, slopes?.baseAddress.map { unsafe $0 + start }, count, signalVariance)
                }
            }
        }
    }
}
