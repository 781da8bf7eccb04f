// SPDX-License-Identifier: MIT

import CLAPACK

extension Matrix {
    /// L⁻¹ B, or L⁻ᵀ B when `transposed`, for this matrix's lower triangle L.
    ///
    /// - Precondition: the matrix is square, has no zero on its diagonal, and has as many rows as `right`.
    package func solveLower(_ right: consuming Matrix, transposed: Bool = false) -> Matrix {
        OpenBLAS.setUp()
        precondition(rows == columns && right.rows == rows, "the shapes differ")
        let (height, width) = (right.rows, right.columns)
        if height == 0 || width == 0 { return right }
        unsafe elements.withUnsafeBufferPointer { triangle in
            unsafe right.elements.withUnsafeMutableBufferPointer { target in
                unsafe cblas_dtrsm(
                    CblasColMajor, CblasLeft, CblasLower, transposed ? CblasTrans : CblasNoTrans, CblasNonUnit,
                    OpenBLAS.count(height), OpenBLAS.count(width), 1, triangle.baseAddress,
                    OpenBLAS.count(rows), target.baseAddress, OpenBLAS.count(height))
            }
        }
        return right
    }
}
