// SPDX-License-Identifier: MIT

package import SweepModel

/// Functions with known minima, by which samplers and whole sweeps are judged.
package enum TestFunction {
    /// x in [-5, 10], y in [0, 15]; minimum 0.397887 at (-π, 12.275), (π, 2.275) and (9.42478, 2.475).
    package static func branin(_ x: Double, _ y: Double) -> Double {
        let bend = y - 5.1 / (4 * Double.pi * Double.pi) * x * x + 5 / Double.pi * x - 6
        return bend * bend + 10 * (1 - 1 / (8 * Double.pi)) * cosine(x) + 10
    }

    package static let braninSpace = SearchSpace([
        Parameter("x", .real(law: .uniform(low: -5, high: 10), quantum: nil)),
        Parameter("y", .real(law: .uniform(low: 0, high: 15), quantum: nil)),
    ])

    /// Minimum 0 at the origin.
    package static func sphere(_ point: [Double]) -> Double { point.reduce(0) { $0 + $1 * $1 } }

    /// The series, so that this target needs no mathematics library; exact to about 1e-14 for |x| ≤ 10.
    private static func cosine(_ x: Double) -> Double {
        let turn = 2 * Double.pi
        let reduced = x - (x / turn).rounded() * turn
        var term = 1.0
        var sum = 1.0
        for power in 1...20 {
            term *= -reduced * reduced / Double((2 * power - 1) * 2 * power)
            sum += term
        }
        return sum
    }
}
