// SPDX-License-Identifier: MIT

import CVectorMath
import LinearAlgebra
import Randomness
import RealModule
import Testing

@testable import GaussianProcess

/// The C loops against the C library.
struct VectorMathTests {
    private func exponentials(_ arguments: [Double]) -> [Double] {
        var values = arguments
        unsafe values.withUnsafeMutableBufferPointer { unsafe cvectormath_exp($0.baseAddress, $0.count) }
        return values
    }

    /// Over all that does not vanish or overflow, denormal results included; the lengths are those of no, some and only
    /// whole vectors.
    @Test(arguments: [1, 3, 4, 8, 11, 200_000])
    func exponentialAgreesWithTheLibrary(count: Int) {
        let arguments = (0..<count).map { -745 + 1454.7 * (Double($0) + 0.5) / Double(count) }
        for (argument, value) in zip(arguments, exponentials(arguments)) {
            let expected = Double.exp(argument)
            #expect((value - expected).magnitude <= 2 * expected.ulp, "e^\(argument)")
        }
    }

    @Test func exponentialAtTheEdges() {
        #expect(exponentials([0, -0.0, .leastNonzeroMagnitude, -.leastNonzeroMagnitude, -1e-300]) == [1, 1, 1, 1, 1])
        #expect(exponentials([-.infinity, -1e300, -746, -745.14]) == [0, 0, 0, 0])
        #expect(exponentials([-745.13]) == [.leastNonzeroMagnitude])
        #expect(exponentials([.infinity, 1e300, 709.79]) == [.infinity, .infinity, .infinity])
        #expect(exponentials([.nan, 0, .nan, 1, .nan])[0].isNaN)
    }

    /// Both kinds of features, and numbers of rows on either side of the blocks' ends.
    @Test(arguments: [1, 2, 15, 16, 17, 50])
    func kernelAgreesWithItsFormula(rows: Int) {
        var random = RandomCase(seed: rows)
        let kernel = Kernel(features: random.features, hyperparameters: random.hyperparameters)
        let (left, right) = (random.randomPoints(rows), random.randomPoints(5))
        let pair = kernel.betweenPair(left, right)
        let plain = kernel.between(left, right)
        for column in 0..<5 {
            for row in 0..<rows {
                let (a, b) = (random.features.kinds.indices.map { left[row, $0] }, right)
                let s = (5 * kernel.squaredDistance(a, a.indices.map { b[column, $0] })).squareRoot()
                let scaled = kernel.signalVariance * Double.exp(-s)
                #expect(difference(plain[row, column], (1 + s + s * s / 3) * scaled) < 1e-14, "seed \(rows)")
                #expect(difference(pair.covariance[row, column], plain[row, column]) < 1e-14, "seed \(rows)")
                #expect(difference(pair.slope[row, column], 5.0 / 3 * (1 + s) * scaled) < 1e-14, "seed \(rows)")
            }
        }
        let within = kernel.within(left)
        let all = kernel.between(left, left)
        for column in 0..<rows {
            for row in 0..<rows {
                let expected = row < column ? 0 : all[row, column]
                #expect(difference(within[row, column], expected) < 1e-15, "seed \(rows)")
            }
        }
    }

    /// However far points are apart, and at no distance at all.
    @Test func kernelVanishesFarAwayAndIsItsVarianceAtHome() {
        var values = [0, .leastNonzeroMagnitude, 1e-20, 1e4, 2e5, 1e300]
        unsafe values.withUnsafeMutableBufferPointer {
            unsafe cvectormath_matern52($0.baseAddress, nil, $0.count, 1.5)
        }
        #expect(values[0] == 1.5 && values[1] == 1.5 && difference(values[2], 1.5) < 1e-15)
        #expect(values[3] > 0 && values[4] == 0 && values[5] == 0)
    }

    @Test(arguments: [0, 1, 3, 4, 7, 8, 9, 100])
    func sumsAndLargest(count: Int) {
        let values = (0..<count).map { Double(($0 * 37) % 101) - 20 }
        let (sum, largest) = unsafe values.withUnsafeBufferPointer {
            unsafe (cvectormath_sum_of_squares($0.baseAddress, $0.count), cvectormath_largest($0.baseAddress, $0.count))
        }
        #expect(sum == values.reduce(0) { $0 + $1 * $1 } && largest == values.reduce(0, max))
    }
}
