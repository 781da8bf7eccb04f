// SPDX-License-Identifier: MIT

import CLAPACK

extension Matrix {
    /// self · other, either of them transposed first.
    ///
    /// - Precondition: the inner dimensions agree.
    package func times(_ other: Matrix, transposed: Bool = false, otherTransposed: Bool = false) -> Matrix {
        OpenBLAS.setUp()
        let (resultRows, inner) = transposed ? (columns, rows) : (rows, columns)
        let (otherInner, resultColumns) = otherTransposed ? (other.columns, other.rows) : (other.rows, other.columns)
        precondition(inner == otherInner, "the inner dimensions differ")
        var result = Matrix(rows: resultRows, columns: resultColumns)
        if resultRows == 0 || resultColumns == 0 || inner == 0 { return result }
        unsafe elements.withUnsafeBufferPointer { left in
            unsafe other.elements.withUnsafeBufferPointer { right in
                unsafe result.elements.withUnsafeMutableBufferPointer { target in
                    unsafe cblas_dgemm(
                        CblasColMajor, transposed ? CblasTrans : CblasNoTrans,
                        otherTransposed ? CblasTrans : CblasNoTrans,
                        OpenBLAS.count(resultRows), OpenBLAS.count(resultColumns), OpenBLAS.count(inner), 1,
                        left.baseAddress, OpenBLAS.count(rows), right.baseAddress, OpenBLAS.count(other.rows), 0,
                        target.baseAddress, OpenBLAS.count(resultRows))
                }
            }
        }
        return result
    }

    /// self · vector.
    ///
    /// - Precondition: the vector has as many elements as the matrix has columns.
    package func times(_ vector: [Double]) -> [Double] {
        times(Matrix(rows: vector.count, columns: 1, elements: vector)).elements
    }
}

/// The inner product.
package func dot(_ left: [Double], _ right: [Double]) -> Double {
    precondition(left.count == right.count, "the lengths differ")
    return zip(left, right).reduce(0) { $0 + $1.0 * $1.1 }
}
