// SPDX-License-Identifier: MIT

import LinearAlgebra
import Randomness
import Testing

struct LinearAlgebraTests {
    private func random(_ rows: Int, _ columns: Int, seed: UInt64) -> Matrix {
        var stream = RandomStream(seed: seed, index: 0, purpose: .tests)
        return Matrix(rows: rows, columns: columns, elements: (0..<rows * columns).map { _ in stream.nextNormal() })
    }

    private func positive(_ size: Int, seed: UInt64) -> Matrix {
        let root = random(size, size + 2, seed: seed)
        return root.times(root, otherTransposed: true)
    }

    private func distance(_ left: Matrix, _ right: Matrix) -> Double {
        #expect(left.rows == right.rows && left.columns == right.columns)
        return zip(left.elements, right.elements).map { ($0 - $1).magnitude }.max() ?? 0
    }

    @Test(arguments: [(1, 1, 1), (2, 3, 4), (5, 1, 2), (7, 8, 3), (0, 2, 2), (2, 0, 2)], 0..<4)
    func products(shape: (Int, Int, Int), sides: Int) {
        let (transposed, otherTransposed) = (sides & 1 == 1, sides & 2 == 2)
        let (rows, inner, columns) = shape
        let left = transposed ? random(inner, rows, seed: 1) : random(rows, inner, seed: 1)
        let right = otherTransposed ? random(columns, inner, seed: 2) : random(inner, columns, seed: 2)
        let plainLeft = transposed ? left.transposed : left
        let plainRight = otherTransposed ? right.transposed : right
        let expected = Matrix(rows: rows, columns: columns) { row, column in
            (0..<inner).reduce(0) { $0 + plainLeft[row, $1] * plainRight[$1, column] }
        }
        let product = left.times(right, transposed: transposed, otherTransposed: otherTransposed)
        #expect(distance(product, expected) < 1e-13, "seeds 1, 2")
    }

    @Test func vectors() {
        let matrix = Matrix(rows: 2, columns: 3, elements: [1, 4, 2, 5, 3, 6])
        #expect(matrix[0, 2] == 3 && matrix[1, 0] == 4)
        #expect(matrix.times([1, 0, -1]) == [-2, -2])
        #expect(matrix.times([1, -1], transposed: true) == [-3, -3, -3])
        #expect(Matrix(rows: 0, columns: 2).times([], transposed: true) == [0, 0])
        #expect(dot([1, 2, 3], [4, 5, 6]) == 32)
        #expect(Matrix.identity(3).trace == 3)
    }

    @Test func rowsChosenAndJoined() {
        let matrix = Matrix(rows: 3, columns: 2, elements: [1, 2, 3, 4, 5, 6])
        #expect(matrix.selecting([2, 0, 2]) == Matrix(rows: 3, columns: 2, elements: [3, 1, 3, 6, 4, 6]))
        #expect(matrix.selecting(1..<1) == Matrix(rows: 0, columns: 2))
        #expect(matrix.selecting(1..<3) == matrix.selecting([1, 2]))
        let joined = matrix.selecting([1]).appendingRows(matrix)
        #expect(joined == Matrix(rows: 4, columns: 2, elements: [2, 1, 2, 3, 5, 4, 5, 6]))
        #expect(Matrix(rows: 0, columns: 2).appendingRows(matrix) == matrix)
    }

    @Test func factorByHand() throws {
        let matrix = Matrix(rows: 3, columns: 3, elements: [4, 12, -16, 12, 37, -43, -16, -43, 98])
        let cholesky = try Cholesky(matrix)
        #expect(cholesky.factor == Matrix(rows: 3, columns: 3, elements: [2, 6, -8, 0, 1, 5, 0, 0, 3]))
        #expect(cholesky.jitter == 0)
        // ln 36.
        #expect((cholesky.logDeterminant - 3.58351893845611).magnitude < 1e-13)
    }

    @Test(arguments: [0, 1, 2, 10, 60])
    func factorsAndSolves(size: Int) throws {
        let matrix = positive(size, seed: 3)
        let cholesky = try Cholesky(matrix)
        let scale = 1e-11 * max(1, matrix.trace)
        #expect(distance(cholesky.factor.times(cholesky.factor, otherTransposed: true), matrix) < scale, "seed 3")
        let right = random(size, 3, seed: 4)
        #expect(distance(matrix.times(cholesky.solve(right)), right) < 1e-9, "seeds 3, 4")
        #expect(distance(cholesky.factor.times(cholesky.solveFactor(right)), right) < 1e-9, "seeds 3, 4")
        let upper = cholesky.factor.solveLower(right, transposed: true)
        #expect(distance(cholesky.factor.times(upper, transposed: true), right) < 1e-9, "seeds 3, 4")
    }

    @Test(arguments: [0, 1, 2, 10, 60, 150])
    func inverseEqualsSolves(size: Int) throws {
        let cholesky = try Cholesky(positive(size, seed: 8))
        let (inverse, solved) = (cholesky.inverse(), cholesky.solve(.identity(size)))
        let lower = Matrix(rows: size, columns: size) { $0 < $1 ? 0 : solved[$0, $1] }
        let scale = 1e-12 * max(1, solved.elements.reduce(0) { max($0, $1.magnitude) })
        #expect(distance(inverse, lower) < scale, "seed 8")
    }

    /// Above the diagonal anything may stand.
    @Test(arguments: [(0, 2), (3, 0), (1, 1), (7, 3), (40, 12)])
    func symmetricProductsReadTheLowerTriangle(size: Int, columns: Int) {
        let matrix = random(size, size, seed: 9)
        let symmetric = Matrix(rows: size, columns: size) { matrix[max($0, $1), min($0, $1)] }
        let right = random(size, columns, seed: 10)
        #expect(distance(matrix.symmetricTimes(right), symmetric.times(right)) < 1e-13, "seeds 9, 10")
    }

    @Test func storageIsReusedForAsLongAsItTakes() throws {
        var builds = 0
        let cholesky = try Cholesky(reusing: Matrix(rows: 4, columns: 4, filledWith: 7)) { storage in
            builds += 1
            for index in storage.elements.indices { storage.elements[index] = 1 }
        }
        // Without jitter, once more to look for numbers that are none, and with it.
        #expect(cholesky.jitter == 1e-8 && builds == 3)
        #expect(cholesky.factor == (try Cholesky(Matrix(rows: 4, columns: 4, filledWith: 1))).factor)
    }

    @Test(arguments: [(0, 2), (1, 1), (20, 1), (20, 5)])
    func appendingEqualsFactoringAnew(old: Int, new: Int) throws {
        let matrix = positive(old + new, seed: 5)
        func block(_ rows: Range<Int>, _ columns: Range<Int>) -> Matrix {
            Matrix(rows: rows.count, columns: columns.count) { matrix[rows.lowerBound + $0, columns.lowerBound + $1] }
        }
        let grown = try Cholesky(block(0..<old, 0..<old))
            .appending(cross: block(0..<old, old..<old + new), corner: block(old..<old + new, old..<old + new))
        #expect(distance(grown.factor, try Cholesky(matrix).factor) < 1e-10, "seed 5")
    }

    @Test func jitterLadder() throws {
        // Rank one: no factor without jitter, and the first rung does.
        let ones = Matrix(rows: 4, columns: 4, filledWith: 1)
        #expect(try Cholesky(ones).jitter == 1e-8)
        // The least eigenvalue is -3e-6: the first rung that outweighs it is 1e-5.
        var matrix = Matrix.identity(2)
        matrix[1, 0] = 1 + 3e-6
        matrix[0, 1] = 1 + 3e-6
        #expect((try Cholesky(matrix).jitter - 1e-5).magnitude < 1e-18)
        matrix[1, 0] = 2
        #expect(throws: CholeskyFailure.notPositiveDefinite(minor: 2)) { try Cholesky(matrix) }
        #expect(throws: CholeskyFailure.notPositiveDefinite(minor: 3)) {
            try Cholesky(.identity(2)).appending(
                cross: Matrix(rows: 2, columns: 1, filledWith: 1), corner: .identity(1))
        }
    }

    @Test(arguments: [Double.nan, .infinity])
    func numbersThatAreNoneAreRefused(value: Double) {
        for (row, column) in [(0, 0), (2, 0), (2, 1), (1, 1), (2, 2)] {
            var matrix = Matrix.identity(3)
            matrix[row, column] = value
            #expect(throws: CholeskyFailure.notFinite) { try Cholesky(matrix) }
        }
        #expect(throws: CholeskyFailure.notFinite) {
            try Cholesky(.identity(2)).appending(
                cross: Matrix(rows: 2, columns: 1, elements: [0, value]), corner: .identity(1))
        }
    }

    @Test func sameBitsEveryTime() throws {
        let matrix = positive(150, seed: 6)
        let first = try Cholesky(matrix).solve(random(150, 4, seed: 7))
        for _ in 0..<3 { #expect(try Cholesky(matrix).solve(random(150, 4, seed: 7)) == first) }
        #expect(OpenBLAS.configuration.contains("OpenBLAS"))
    }
}
