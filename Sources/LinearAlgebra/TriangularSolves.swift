// SPDX-License-Identifier: MIT

import CLAPACK

extension Matrix {
    /// L⁻¹ B, or L⁻ᵀ B when `transposed`, for this matrix's lower triangle L.
    ///
    /// - Precondition: the matrix is square, has no zero on its diagonal, and has as many rows as `right`.
    package func solveLower(_ right: Matrix, transposed: Bool = false) -> Matrix {
        OpenBLAS.setUp()
        precondition(rows == columns && right.rows == rows, "the shapes differ")
        var result = right
        if right.rows == 0 || right.columns == 0 { return result }
        unsafe elements.withUnsafeBufferPointer { triangle in
            unsafe result.elements.withUnsafeMutableBufferPointer { target in
                unsafe cblas_dtrsm(
                    CblasColMajor, CblasLeft, CblasLower, transposed ? CblasTrans : CblasNoTrans, CblasNonUnit,
                    OpenBLAS.count(right.rows), OpenBLAS.count(right.columns), 1, triangle.baseAddress,
                    OpenBLAS.count(rows), target.baseAddress, OpenBLAS.count(right.rows))
            }
        }
        return result
    }
}
