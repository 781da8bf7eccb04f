// SPDX-License-Identifier: MIT

package import LinearAlgebra

/// What the model has seen: each distinct point once, with the mean of its values and their number.
package struct Observations: Hashable, Sendable {
    package let features: Features
    /// n × d.
    package let points: Matrix
    /// y: the mean of the values at each point; larger is better.
    package let values: [Double]
    /// m: how many values each mean is made of. The noise of row i is σₙ² / m_i.
    package let repeats: [Int]
    /// Σ (value - mean of its point)²: what the repeats say of the noise, beyond their means.
    package let scatter: Double

    package var count: Int { values.count }

    /// One row a point, rows of equal points merged into the first of them.
    ///
    /// - Precondition: as many values as points, and each point with a number a feature.
    package init(features: Features, points: [[Double]], values: [Double]) {
        precondition(points.count == values.count, "a value a point")
        precondition(points.allSatisfy { $0.count == features.count }, "a number a feature")
        var rows: [[Double]: Int] = [:]
        var (first, groups): ([Int], [[Double]]) = ([], [])
        for (index, point) in points.enumerated() {
            if let row = rows[point] {
                groups[row].append(values[index])
            } else {
                rows[point] = groups.count
                first.append(index)
                groups.append([values[index]])
            }
        }
        let means = groups.map { $0.reduce(0, +) / Double($0.count) }
        self.init(
            features: features,
            points: Matrix(rows: first.count, columns: features.count) { points[first[$0]][$1] },
            values: means, repeats: groups.map(\.count),
            scatter: zip(groups, means).reduce(0) { sum, row in
                row.0.reduce(sum) { $0 + ($1 - row.1) * ($1 - row.1) }
            })
    }

    package init(features: Features, points: Matrix, values: [Double], repeats: [Int], scatter: Double) {
        precondition(points.columns == features.count, "a number a feature")
        precondition(points.rows == values.count && values.count == repeats.count, "a value and a count a point")
        self.features = features
        self.points = points
        self.values = values
        self.repeats = repeats
        self.scatter = scatter
    }

    /// How many values there are, repeats counted.
    var valueCount: Int { repeats.reduce(0, +) }

    /// The same points with other values: what is left to do when the output transform has changed.
    package func replacing(values: [Double], scatter: Double) -> Observations {
        Observations(features: features, points: points, values: values, repeats: repeats, scatter: scatter)
    }

    package func point(_ row: Int) -> [Double] {
        (0..<points.columns).map { points[row, $0] }
    }

    /// With further rows, which must be points not seen yet.
    func appending(_ other: Observations) -> Observations {
        Observations(
            features: features, points: points.appendingRows(other.points),
            values: values + other.values, repeats: repeats + other.repeats, scatter: scatter + other.scatter)
    }
}
