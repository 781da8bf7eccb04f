// SPDX-License-Identifier: MIT

package import LinearAlgebra

/// What the model has seen: each distinct point once, with the mean of its values and what it is worth.
package struct Observations: Hashable, Sendable {
    package let features: Features
    /// n × d.
    package let points: Matrix
    /// y: the mean of the values at each point; larger is better.
    package let values: [Double]
    /// m: how many values each mean is made of.
    package let repeats: [Int]
    /// w: the sum of the weights of these values, which is m where all count alike. The noise of row i is σₙ² / w_i.
    package let weights: [Double]
    /// Σ weight · (value - mean of its point)²: what the repeats say of the noise, beyond their means.
    package let scatter: Double

    package var count: Int { values.count }

    /// One row a point, rows of equal points merged into the first of them by the mean of their values.
    ///
    /// - Parameter weights: what each value is worth beside others: its noise is σₙ² by this; nil is 1 for all.
    /// - Precondition: as many values and weights as points, each point with a number a feature, weights above 0.
    package init(features: Features, points: [[Double]], values: [Double], weights: [Double]? = nil) {
        let weights = weights ?? [Double](repeating: 1, count: values.count)
        precondition(points.count == values.count && weights.count == values.count, "a value and a weight a point")
        precondition(points.allSatisfy { $0.count == features.count }, "a number a feature")
        var rows: [[Double]: Int] = [:]
        var (first, groups): ([Int], [[Int]]) = ([], [])
        for (index, point) in points.enumerated() {
            if let row = rows[point] {
                groups[row].append(index)
            } else {
                rows[point] = groups.count
                first.append(index)
                groups.append([index])
            }
        }
        let totals = groups.map { $0.reduce(0) { $0 + weights[$1] } }
        let means = zip(groups, totals).map { group, total in
            group.reduce(0) { $0 + weights[$1] * values[$1] } / total
        }
        self.init(
            features: features,
            points: Matrix(rows: first.count, columns: features.count) { points[first[$0]][$1] },
            values: means, repeats: groups.map(\.count), weights: totals,
            scatter: zip(groups, means).reduce(0) { sum, row in
                row.0.reduce(sum) { $0 + weights[$1] * (values[$1] - row.1) * (values[$1] - row.1) }
            })
    }

    package init(
        features: Features, points: Matrix, values: [Double], repeats: [Int], weights: [Double], scatter: Double
    ) {
        precondition(points.columns == features.count, "a number a feature")
        precondition(points.rows == values.count && values.count == repeats.count, "a value and a count a point")
        precondition(weights.count == values.count && weights.allSatisfy { $0 > 0 }, "a weight above 0 a point")
        self.features = features
        self.points = points
        self.values = values
        self.repeats = repeats
        self.weights = weights
        self.scatter = scatter
    }

    /// How many values there are, repeats counted.
    var valueCount: Int { repeats.reduce(0, +) }

    /// The same points with other values: what is left to do when the output transform has changed.
    package func replacing(values: [Double], scatter: Double) -> Observations {
        Observations(
            features: features, points: points, values: values, repeats: repeats, weights: weights, scatter: scatter)
    }

    package func point(_ row: Int) -> [Double] {
        (0..<points.columns).map { points[row, $0] }
    }

    /// With further rows, which must be points not seen yet.
    func appending(_ other: Observations) -> Observations {
        Observations(
            features: features, points: points.appendingRows(other.points),
            values: values + other.values, repeats: repeats + other.repeats, weights: weights + other.weights,
            scatter: scatter + other.scatter)
    }
}
