// SPDX-License-Identifier: MIT

import CLAPACK
import RealModule

/// Why a matrix has no Cholesky factor.
package enum CholeskyFailure: Error, Hashable, Sendable {
    /// Also after the largest jitter; the order of the leading minor that is not positive.
    case notPositiveDefinite(minor: Int)
    case notFinite
}

/// The factor L of a symmetric positive definite matrix A + jitter · I = L · Lᵀ.
package struct Cholesky: Hashable, Sendable {
    /// Lower triangular; zeros above the diagonal.
    package private(set) var factor: Matrix
    /// What was added to the diagonal; 0 unless the bare matrix had no factor.
    package let jitter: Double

    package var size: Int { factor.rows }

    /// Factors the matrix, of which the lower triangle is read. When it is not positive definite, tries again with
    /// 10^-8 · trace / n on the diagonal, and with ten times as much up to four times more.
    ///
    /// - Precondition: the matrix is square.
    package init(_ matrix: Matrix) throws(CholeskyFailure) {
        precondition(matrix.rows == matrix.columns, "the matrix is not square")
        // The C library looks for NaN only, and only in the triangle it reads; infinities would come out as NaN.
        for column in 0..<matrix.columns {
            for row in column..<matrix.rows where !matrix[row, column].isFinite { throw .notFinite }
        }
        var jitter = 0.0
        for attempt in 0... {
            var candidate = matrix
            for row in 0..<matrix.rows { candidate[row, row] += jitter }
            let minor = factorize(&candidate)
            if minor == 0 {
                factor = candidate
                self.jitter = jitter
                return
            }
            if attempt == 5 { throw .notPositiveDefinite(minor: minor) }
            jitter = attempt == 0 ? 1e-8 * (matrix.trace / Double(matrix.rows)).magnitude : 10 * jitter
        }
        preconditionFailure("the ladder has a last rung")
    }

    /// ln det(A + jitter · I).
    package var logDeterminant: Double {
        (0..<size).reduce(0) { $0 + 2 * Double.log(factor[$1, $1]) }
    }

    /// (L Lᵀ)⁻¹ B.
    package func solve(_ right: Matrix) -> Matrix {
        factor.solveLower(factor.solveLower(right), transposed: true)
    }

    package func solve(_ right: [Double]) -> [Double] {
        solve(Matrix(rows: right.count, columns: 1, elements: right)).elements
    }

    /// L⁻¹ B: what the variance of a prediction is made of.
    package func solveFactor(_ right: Matrix) -> Matrix {
        factor.solveLower(right)
    }

    /// The factor of the matrix with rows and columns added below and to the right, for the cost of a solve instead of
    /// a factorization. `cross` is n × p, `corner` p × p; the same jitter is added to the corner.
    ///
    /// - Throws: when the enlarged matrix is not positive definite; factor it anew, with a jitter of its own.
    package func appending(cross: Matrix, corner: Matrix) throws(CholeskyFailure) -> Cholesky {
        precondition(
            cross.rows == size && corner.rows == cross.columns && corner.columns == corner.rows, "shapes differ")
        let below = factor.solveLower(cross)
        let product = below.times(below, transposed: true)
        var remainder = corner
        for column in 0..<corner.columns {
            for row in 0..<corner.rows {
                remainder[row, column] -= product[row, column]
                guard remainder[row, column].isFinite else { throw .notFinite }
            }
            remainder[column, column] += jitter
        }
        let minor = factorize(&remainder)
        guard minor == 0 else { throw .notPositiveDefinite(minor: size + minor) }
        let (old, bottom) = (size, remainder)
        let enlarged = Matrix(rows: old + corner.rows, columns: old + corner.rows) { row, column in
            switch (row < old, column < old) {
            case (true, true): factor[row, column]
            case (true, false): 0
            case (false, true): below[column, row - old]
            case (false, false): bottom[row - old, column - old]
            }
        }
        return Cholesky(factor: enlarged, jitter: jitter)
    }

    private init(factor: Matrix, jitter: Double) {
        self.factor = factor
        self.jitter = jitter
    }
}

/// Replaces the lower triangle by its Cholesky factor and clears the rest. Gives 0, or the order of the leading minor
/// that is not positive.
private func factorize(_ matrix: inout Matrix) -> Int {
    OpenBLAS.setUp()
    let size = matrix.rows
    if size == 0 { return 0 }
    let order = OpenBLAS.count(size)
    let info = unsafe matrix.elements.withUnsafeMutableBufferPointer { buffer in
        unsafe LAPACKE_dpotrf(LAPACK_COL_MAJOR, CChar(UInt8(ascii: "L")), order, buffer.baseAddress, order)
    }
    // Negative: an argument of ours was wrong. The elements are finite and the shape is square, so none is.
    precondition(info >= 0, "dpotrf refused argument \(-info)")
    for column in 1..<max(size, 1) {
        for row in 0..<column { matrix[row, column] = 0 }
    }
    return Int(info)
}
