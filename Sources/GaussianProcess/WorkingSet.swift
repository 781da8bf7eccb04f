// SPDX-License-Identifier: MIT

import LinearAlgebra

/// Which rows a model keeps when there are more than it can afford: those that a proposal near the best depends on, and
/// a spread of the rest, so that the cost of a proposal no longer grows with the sweep.
package struct WorkingSet: Hashable, Sendable {
    /// Rows in ascending order.
    package let rows: [Int]

    /// How many rows of each kind: the best by value; those nearest to the three best, in x/ℓ; of the rest, an equal
    /// share of every stretch of the order by value.
    package struct Shares: Hashable, Sendable {
        package var (best, nearest, spread) = (400, 400, 200)

        package init() {}

        package var total: Int { best + nearest + spread }
    }

    /// All rows when there are no more than the shares add up to.
    package init(_ observations: Observations, lengthScales: [Double], shares: Shares = Shares()) {
        let count = observations.count
        guard count > shares.total else {
            rows = Array(0..<count)
            return
        }
        let order = (0..<count).sorted {
            (observations.values[$0], $1) > (observations.values[$1], $0)
        }
        var isKept = [Bool](repeating: false, count: count)
        for row in order.prefix(shares.best) { isKept[row] = true }
        let kernel = Kernel(
            features: observations.features,
            hyperparameters: Hyperparameters(lengthScales: lengthScales, signalVariance: 1, noiseVariance: 1))
        let centres = order.prefix(3)
        var distances = [Double](repeating: .infinity, count: count)
        for row in 0..<count {
            for centre in centres {
                distances[row] = min(
                    distances[row],
                    kernel.squaredDistance(observations.point(row), observations.point(centre)))
            }
        }
        let near = (0..<count).filter { !isKept[$0] }.sorted { (distances[$0], $0) < (distances[$1], $1) }
        for row in near.prefix(shares.nearest) { isKept[row] = true }
        let rest = order.filter { !isKept[$0] }
        for index in 0..<shares.spread where !rest.isEmpty {
            isKept[rest[(2 * index + 1) * rest.count / (2 * shares.spread)]] = true
        }
        rows = (0..<count).filter { isKept[$0] }
    }
}

extension Observations {
    /// The observations of some rows. The scatter of repeats, known only for all together, goes with them in
    /// proportion to their number.
    package func selecting(_ rows: [Int]) -> Observations {
        let merged = Double(repeats.reduce(0, +) - count)
        let kept = Double(rows.reduce(0) { $0 + repeats[$1] - 1 })
        return Observations(
            features: features, points: points.selecting(rows), values: rows.map { values[$0] },
            repeats: rows.map { repeats[$0] }, weights: rows.map { weights[$0] },
            scatter: merged > 0 ? scatter * kept / merged : 0)
    }
}
