// SPDX-License-Identifier: MIT

import Randomness
import SweepModel

/// Which results count as good.
struct Split: Hashable, Sendable {
    /// Indices of results, from old to new.
    let below: [Int]
    /// The rest.
    let above: [Int]

    /// The best tenth, rounded up, and at most 25, as in Optuna v5. Failures never count as good, and of equal values
    /// the older do first.
    ///
    /// - Parameter values: nil or not finite for failures.
    init(_ values: [Double?], goal: Objective.Goal) {
        let finite = values.indices.compactMap { index in
            values[index].flatMap { $0.isFinite ? (loss: goal == .minimize ? $0 : -$0, index: index) : nil }
        }
        let wanted = min((values.count + 9) / 10, 25, finite.count)
        let good = finite.sorted { ($0.loss, $0.index) < ($1.loss, $1.index) }.prefix(wanted).map(\.index)
        let isGood = Set(good)
        below = good.sorted()
        above = values.indices.filter { !isGood.contains($0) }
    }
}

/// l(x) / g(x), in which expected improvement grows: Bergstra, Bardenet, Bengio, Kégl: "Algorithms for hyper-parameter
/// optimization", NeurIPS 24 (2011), section 4: (2) defines l and g as the densities of good and of other
/// configurations, and from (3) follows EI ∝ (γ + (1 - γ) g(x) / l(x))^-1.
struct DensityRatio: Sendable {
    let good: ParzenMixture
    let rest: ParzenMixture

    func logRatio(at point: [Double?]) -> Double {
        good.logDensity(at: point) - rest.logDensity(at: point)
    }
}
