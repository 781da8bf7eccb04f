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
        try self.init(reusing: Matrix(rows: 0, columns: 0)) { $0 = matrix }
    }

    /// Factors the matrix that `build` makes of `storage`, in the same memory; built anew for every jitter tried.
    ///
    /// A large matrix is new memory from the kernel each time, page by page, which costs as much as factoring it.
    package init(reusing storage: consuming Matrix, build: (inout Matrix) -> Void) throws(CholeskyFailure) {
        var jitter = 0.0
        for attempt in 0... {
            build(&storage)
            precondition(storage.rows == storage.columns, "the matrix is not square")
            for row in 0..<storage.rows { storage[row, row] += jitter }
            let minor = factorize(&storage)
            if minor == 0 {
                factor = storage
                self.jitter = jitter
                return
            }
            if attempt == 5 { throw .notPositiveDefinite(minor: minor) }
            build(&storage)
            // A number that is none spoils a pivot, so only what has no factor needs to be looked through.
            if attempt == 0, !storage.isLowerTriangleFinite { throw .notFinite }
            jitter = attempt == 0 ? 1e-8 * (storage.trace / Double(storage.rows)).magnitude : 10 * jitter
        }
        preconditionFailure("the ladder has a last rung")
    }

    /// ln det(A + jitter · I).
    package var logDeterminant: Double {
        (0..<size).reduce(0) { $0 + 2 * Double.log(factor[$1, $1]) }
    }

    /// (L Lᵀ)⁻¹ B.
    package func solve(_ right: consuming Matrix) -> Matrix {
        factor.solveLower(factor.solveLower(right), transposed: true)
    }

    package func solve(_ right: [Double]) -> [Double] {
        solve(Matrix(rows: right.count, columns: 1, elements: right)).elements
    }

    /// L⁻¹ B: what the variance of a prediction is made of.
    package func solveFactor(_ right: consuming Matrix) -> Matrix {
        factor.solveLower(right)
    }

    /// The lower triangle of (L Lᵀ)⁻¹, zeros above: two thirds of the n³ flops that n solves take.
    package consuming func inverse() -> Matrix {
        let order = OpenBLAS.count(size)
        var inverse = factor
        if order == 0 { return inverse }
        let info = unsafe inverse.elements.withUnsafeMutableBufferPointer { buffer in
            unsafe LAPACKE_dpotri_work(LAPACK_COL_MAJOR, CChar(UInt8(ascii: "L")), order, buffer.baseAddress, order)
        }
        // Positive: a zero on the factor's diagonal, which no factor has.
        precondition(info == 0, "dpotri: \(info)")
        return inverse
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
        for index in corner.elements.indices { remainder.elements[index] -= product.elements[index] }
        for row in 0..<corner.rows { remainder[row, row] += jitter }
        let isFinite = remainder.isLowerTriangleFinite
        let minor = factorize(&remainder)
        guard minor == 0 else { throw isFinite ? .notPositiveDefinite(minor: size + minor) : .notFinite }
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

extension Matrix {
    fileprivate var isLowerTriangleFinite: Bool {
        (0..<columns).allSatisfy { column in
            elements[column * (rows + 1)..<(column + 1) * rows].allSatisfy(\.isFinite)
        }
    }
}

/// Replaces the lower triangle by its Cholesky factor and clears the rest. Gives 0, or the order of the leading minor
/// that is not positive, or not a number.
private func factorize(_ matrix: inout Matrix) -> Int {
    OpenBLAS.setUp()
    let size = matrix.rows
    if size == 0 { return 0 }
    let order = OpenBLAS.count(size)
    return unsafe matrix.elements.withUnsafeMutableBufferPointer { buffer in
        // Without LAPACKE's own search for NaN.
        let info = unsafe LAPACKE_dpotrf_work(
            LAPACK_COL_MAJOR, CChar(UInt8(ascii: "L")), order, buffer.baseAddress, order)
        // Negative: an argument of ours was wrong. The shape is square, so none is.
        precondition(info >= 0, "dpotrf refused argument \(-info)")
        if info > 0 { return Int(info) }
        for column in 0..<size {
            let diagonal = column * (size + 1)
            if unsafe !buffer[diagonal].isFinite { return column + 1 }
            unsafe buffer[column * size..<diagonal].update(repeating: 0)
        }
        return 0
    }
}
