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

    /// self · vector, or selfᵀ · vector.
    ///
    /// - Precondition: the vector has as many elements as the matrix has columns, or rows when `transposed`.
    package func times(_ vector: [Double], transposed: Bool = false) -> [Double] {
        OpenBLAS.setUp()
        precondition(vector.count == (transposed ? rows : columns), "the inner dimensions differ")
        var result = [Double](repeating: 0, count: transposed ? columns : rows)
        if elements.isEmpty { return result }
        unsafe elements.withUnsafeBufferPointer { left in
            unsafe vector.withUnsafeBufferPointer { right in
                unsafe result.withUnsafeMutableBufferPointer { target in
                    unsafe cblas_dgemv(
                        CblasColMajor, transposed ? CblasTrans : CblasNoTrans, OpenBLAS.count(rows),
                        OpenBLAS.count(columns), 1, left.baseAddress, OpenBLAS.count(rows), right.baseAddress, 1, 0,
                        target.baseAddress, 1)
                }
            }
        }
        return result
    }

    /// S · other for the symmetric matrix S whose lower triangle is this one's.
    ///
    /// - Precondition: the matrix is square and has as many rows as `other`.
    package func symmetricTimes(_ other: Matrix) -> Matrix {
        OpenBLAS.setUp()
        precondition(rows == columns && rows == other.rows, "the shapes differ")
        var result = Matrix(rows: rows, columns: other.columns)
        if result.elements.isEmpty { return result }
        unsafe elements.withUnsafeBufferPointer { left in
            unsafe other.elements.withUnsafeBufferPointer { right in
                unsafe result.elements.withUnsafeMutableBufferPointer { target in
                    unsafe cblas_dsymm(
                        CblasColMajor, CblasLeft, CblasLower, OpenBLAS.count(rows), OpenBLAS.count(other.columns), 1,
                        left.baseAddress, OpenBLAS.count(rows), right.baseAddress, OpenBLAS.count(rows), 0,
                        target.baseAddress, OpenBLAS.count(rows))
                }
            }
        }
        return result
    }
}

/// The inner product.
package func dot(_ left: [Double], _ right: [Double]) -> Double {
    precondition(left.count == right.count, "the lengths differ")
    var sum = 0.0
    for index in left.indices { sum += left[index] * right[index] }
    return sum
}
