// SPDX-License-Identifier: MIT

import RealModule

/// A Parzen estimator of one half of the observations: a weighted sum of kernels, one an observation and one for the
/// prior, each of them a product over the axes that are active.
///
/// A kernel is a law of whole configurations in the order parents first: a parameter that the values so far make active
/// follows the observation's kernel on its axis, or the prior where it was not active in the observation. So each kernel,
/// and with it the mixture, is a probability law over all configurations, whatever they activate, and the ratio of two
/// mixtures' densities at a configuration compares with that at any other: they share the measure (length on continuous
/// axes, counting on the others), and the factors for units cancel. Only observations in which a parameter is active
/// shape its density.
///
/// This is what makes it preferable to Optuna's `group=True`, which estimates each set of parameters that occur together
/// from the trials that have them, and picks a value for each set by itself: there, how good a child turned out has no
/// say in whether its parent is chosen, and no set knows what the others came to.
struct ParzenMixture: Sendable {
    private let logWeights: [Double]
    private let cumulative: [Double]
    /// Nil for axes with one value.
    private let axes: [ParzenKernels?]
    /// Axes on which kernels are told apart cheaply come first.
    private let scoringOrder: [Int]

    /// - Parameter observations: from old to new; places by axis, nil where inactive.
    init(_ observations: [[Double?]], tree: ParameterTree) {
        let weights = Self.weights(observations.count) + [1]
        let sum = weights.reduce(0, +)
        logWeights = weights.map { .log($0 / sum) }
        var below = 0.0
        cumulative = weights.map { weight in
            below += weight / sum
            return below
        }
        axes = tree.axes.indices.map { axis in
            tree.axes[axis].isFixed
                ? nil : ParzenKernels(tree.axes[axis].kind, places: observations.map { $0[axis] })
        }
        scoringOrder =
            tree.axes.indices.filter { tree.axes[$0].count == nil }
            + tree.axes.indices.filter { tree.axes[$0].count != nil }
    }

    /// One an observation, from old to new; the prior's is 1. The latest 25 count fully, those before them the less the
    /// older they are (hyperopt's `linear_forgetting_weights`, Optuna's `default_weights`).
    static func weights(_ count: Int) -> [Double] {
        let old = count - 25
        guard old > 0 else { return Array(repeating: 1, count: count) }
        let least = 1 / Double(count)
        let ramp = (0..<old).map { old == 1 ? least : least + (1 - least) * Double($0) / Double(old - 1) }
        return ramp + Array(repeating: 1, count: 25)
    }

    /// - Parameter point: places by axis, nil where inactive.
    func logDensity(at point: [Double?]) -> Double {
        let active = scoringOrder.compactMap { axis in
            axes[axis].flatMap { kernels in
                point[axis].map { (kernels: kernels, place: $0, density: kernels.logDensity(at: $0)) }
            }
        }
        var sum = KernelSum(logWeights)
        sum.prior = active.reduce(logWeights[logWeights.count - 1]) { $0 + $1.density(0) }
        sum.room = active.reduce(0) { $0 + $1.kernels.logCeiling }
        for (kernels, _, density) in active { sum.multiply(kernels, density) }
        return logSumExp(sum.terms)
    }

    /// The kernel to draw from at u in [0, 1).
    func kernel(at u: Double) -> Int {
        var (low, high) = (0, cumulative.count - 1)
        while low < high {
            let middle = (low + high) / 2
            if cumulative[middle] > u { high = middle } else { low = middle + 1 }
        }
        return low
    }

    /// The place on an axis at which a kernel's distribution function is u in [0, 1).
    func place(_ axis: Int, kernel: Int, at u: Double) -> Double {
        axes[axis]?.place(kernel: kernel, at: u) ?? 0
    }
}
