// SPDX-License-Identifier: MIT

import LinearAlgebra
import RealModule

/// An acquisition's values at some points, from the moments there, and their derivatives by the moments.
struct Worlds {
    /// What a value depends on, each held apart: μ, σ² (not through s²), s².
    struct Partials {
        var mean = 0.0
        var variance = 0.0
        var conditional = 0.0
    }

    private(set) var values: [Double] = []
    private(set) var partials: [Partials] = []
    /// By the μ_m beyond their common μ: M × points.
    private(set) var shiftPartials: Matrix
    /// h: q × points.
    let explaining: Matrix

    private let incumbents: [Double]
    /// (μ_m - f*_m)/s.
    private var offsets: [Double]

    /// - Parameter shared: c.
    init(_ acquisition: Acquisition, means: [Double], variances: [Double], shared: Matrix) {
        let fantasies = acquisition.fantasies
        explaining = fantasies.cholesky.solve(shared)
        incumbents = fantasies.incumbents
        offsets = incumbents
        // The shifts for now; each column becomes derivatives once it has been read.
        shiftPartials = fantasies.corrections.times(shared, transposed: true)
        values.reserveCapacity(means.count)
        partials.reserveCapacity(means.count)
        for point in means.indices {
            var conditional = variances[point]
            for index in shared.rows * point..<shared.rows * (point + 1) {
                conditional -= shared.elements[index] * explaining.elements[index]
            }
            let squared = max(0, conditional) + Acquisition.varianceFloor
            improve(point, mean: means[point], squared: squared)
        }
    }

    private mutating func improve(_ point: Int, mean: Double, squared: Double) {
        let (s, count) = (squared.squareRoot(), incumbents.count)
        var largest = -Double.infinity
        for world in 0..<count {
            offsets[world] = (mean + shiftPartials.elements[count * point + world] - incumbents[world]) / s
            largest = max(largest, offsets[world])
        }
        // All in units of the most promising world's expectation, so that nothing that counts underflows.
        let unit = logExpectedImprovement(largest).value
        var (total, slope, moment) = (0.0, 0.0, 0.0)
        for world in 0..<count {
            let u = offsets[world]
            let term = expectedImprovement(u, logUnit: unit)
            total += term.value
            slope += term.derivative
            moment += term.derivative * u
            shiftPartials.elements[count * point + world] = term.derivative
        }
        // From ∂/∂u_m: the share of world m times (ln h)'.
        for world in 0..<count { shiftPartials.elements[count * point + world] /= total * s }
        values.append(unit + Double.log(total / Double(count)) + Double.log(s))
        partials.append(Partials(mean: slope / total / s, conditional: (1 - moment / total) / (2 * squared)))
    }
}
