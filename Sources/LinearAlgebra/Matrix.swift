// SPDX-License-Identifier: MIT

/// A dense matrix of doubles, stored column after column.
package struct Matrix: Hashable, Sendable {
    package let rows: Int
    package let columns: Int
    /// Element (row, column) stands at row + column · rows.
    package var elements: [Double]

    /// - Precondition: `elements` holds rows · columns numbers, column after column.
    package init(rows: Int, columns: Int, elements: [Double]) {
        precondition(
            rows >= 0 && columns >= 0 && elements.count == rows * columns, "the shape does not fit the elements")
        self.rows = rows
        self.columns = columns
        self.elements = elements
    }

    package init(rows: Int, columns: Int, filledWith value: Double = 0) {
        self.init(rows: rows, columns: columns, elements: Array(repeating: value, count: rows * columns))
    }

    package init(rows: Int, columns: Int, element: (_ row: Int, _ column: Int) -> Double) {
        var elements: [Double] = []
        elements.reserveCapacity(rows * columns)
        for column in 0..<columns {
            for row in 0..<rows { elements.append(element(row, column)) }
        }
        self.init(rows: rows, columns: columns, elements: elements)
    }

    package static func identity(_ size: Int) -> Matrix {
        Matrix(rows: size, columns: size) { $0 == $1 ? 1 : 0 }
    }

    package subscript(row: Int, column: Int) -> Double {
        get {
            precondition(row >= 0 && row < rows, "no such row")
            return elements[row + column * rows]
        }
        set {
            precondition(row >= 0 && row < rows, "no such row")
            elements[row + column * rows] = newValue
        }
    }

    package var transposed: Matrix {
        Matrix(rows: columns, columns: rows) { self[$1, $0] }
    }

    /// Some of the rows.
    package func selecting(_ rows: [Int]) -> Matrix {
        var selected: [Double] = []
        selected.reserveCapacity(rows.count * columns)
        for column in 0..<columns {
            for row in rows { selected.append(elements[row + column * self.rows]) }
        }
        return Matrix(rows: rows.count, columns: columns, elements: selected)
    }

    /// Consecutive rows.
    ///
    /// - Precondition: they are there.
    package func selecting(_ rows: Range<Int>) -> Matrix {
        precondition(0 <= rows.lowerBound && rows.upperBound <= self.rows, "there are \(self.rows) rows")
        var selected: [Double] = []
        selected.reserveCapacity(rows.count * columns)
        for column in 0..<columns {
            let first = column * self.rows
            selected += elements[(first + rows.lowerBound)..<(first + rows.upperBound)]
        }
        return Matrix(rows: rows.count, columns: columns, elements: selected)
    }

    /// The rows of `other` below those of this matrix.
    ///
    /// - Precondition: as many columns.
    package func appendingRows(_ other: Matrix) -> Matrix {
        precondition(columns == other.columns, "the columns differ")
        var joined: [Double] = []
        joined.reserveCapacity(elements.count + other.elements.count)
        for column in 0..<columns {
            joined += elements[column * rows..<(column + 1) * rows]
            joined += other.elements[column * other.rows..<(column + 1) * other.rows]
        }
        return Matrix(rows: rows + other.rows, columns: columns, elements: joined)
    }

    package var trace: Double {
        (0..<min(rows, columns)).reduce(0) { $0 + self[$1, $1] }
    }
}
