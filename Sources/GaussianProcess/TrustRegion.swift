// SPDX-License-Identifier: MIT

import RealModule

/// The box about the best point in which a search of many parameters looks for the next: it grows while proposals
/// improve on the best and shrinks while they do not, because of a model of more than some twenty parameters only the
/// surroundings of what has been seen can be believed.
///
/// The rule of TuRBO-1: Eriksson, Pearce, Gardner, Turner, Poloczek, "Scalable global optimization via local Bayesian
/// optimization", NeurIPS 2019. A pure function of the values in the order they came: theirs counts batches of q, and
/// shrinks after ⌈max(4/q, d/q)⌉ of them without an improvement, which is after max(4, d) values whatever q is.
package struct TrustRegion: Hashable, Sendable {
    /// L: the side of the box, before the length scales shape it.
    package private(set) var side = TrustRegion.initialSide
    /// How often the region had shrunk to nothing and started again at its first size.
    package private(set) var restarts = 0
    private var successes = 0
    private var failures = 0
    private var best = -Double.infinity

    package static let initialSide = 0.8
    static let (largestSide, smallestSide) = (1.6, 0x1p-7)
    private static let successesToGrow = 3
    /// What counts as an improvement, relative to the best.
    private static let improvement = 1e-3

    /// Follows the rule through the whole history.
    ///
    /// - Parameters:
    ///   - values: in the order they came; larger is better. What is not finite is a failure.
    ///   - features: d.
    package init(values: [Double], features: Int) {
        for value in values { follow(value, failuresToShrink: max(4, features)) }
    }

    private mutating func follow(_ value: Double, failuresToShrink: Int) {
        // The first value is what the next have to improve on.
        if best == -.infinity {
            if value.isFinite { best = value }
            return
        }
        if value.isFinite, value > best + Self.improvement * best.magnitude {
            (successes, failures) = (successes + 1, 0)
        } else {
            (successes, failures) = (0, failures + 1)
        }
        if value.isFinite { best = max(best, value) }
        if successes == Self.successesToGrow {
            (side, successes) = (min(2 * side, Self.largestSide), 0)
        } else if failures == failuresToShrink {
            (side, failures) = (side / 2, 0)
        }
        if side < Self.smallestSide { (side, restarts) = (Self.initialSide, restarts + 1) }
    }

    /// The box about `centre`: sides L ℓ_i / (geometric mean of ℓ), cut off at 0 and 1. Categories count neither for the
    /// mean nor for the bounds.
    package func box(centre: [Double], features: Features, lengthScales: [Double]) -> SearchBox {
        precondition(centre.count == features.count && lengthScales.count == features.count, "a number a feature")
        let logarithms = features.continuous.map { Double.log(lengthScales[$0]) }
        let mean = Double.exp(logarithms.reduce(0, +) / Double(max(logarithms.count, 1)))
        var lower = [Double](repeating: 0, count: features.count)
        var upper = [Double](repeating: 1, count: features.count)
        for feature in features.continuous {
            let half = 0.5 * side * lengthScales[feature] / mean
            let middle = min(max(centre[feature], 0), 1)
            lower[feature] = max(0, middle - half)
            upper[feature] = min(1, middle + half)
        }
        return SearchBox(
            lower: lower, upper: upper, centre: centre, perturbation: min(1, 20 / Double(max(features.count, 1))))
    }
}
