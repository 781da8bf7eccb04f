// SPDX-License-Identifier: MIT

import Randomness

/// Makes objective values fit for a model whose prior has mean 0 and variance 1: values below the median are replaced by
/// what normal values of their rank would be, so that a heavy tail of bad results does not flatten the good ones; failed
/// results get a value below all others; then all are standardised.
///
/// The half-rank rule and the value of the failed are those of Song et al., "The Vizier Gaussian process bandit
/// algorithm" (2024), section 4. Invariant to a change of unit and origin.
package struct OutputTransform: Hashable, Sendable {
    /// One a result, mean 0 and variance 1 (all 0 when all results are equal).
    package let values: [Double]
    /// Finite originals in ascending order, each once, and what becomes of them.
    private let originals: [Double]
    private let images: [Double]

    /// - Parameters:
    ///   - results: larger is better; nil, NaN and infinities are failures.
    ///   - isRanked: values below the median count by their rank; otherwise all are standardised as they are.
    package init(_ results: [Double?], isRanked: Bool = true) {
        let finite = results.map { $0.flatMap { $0.isFinite ? $0 : nil } }
        let distances = distancesToMedian(finite)
        let filled = withFailures(isRanked ? halfRanked(distances) : distances)
        let count = Double(max(filled.count, 1))
        let mean = filled.reduce(0) { $0 + $1 } / count
        let deviation = (filled.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / count).squareRoot()
        let values = filled.map { deviation > 0 ? ($0 - mean) / deviation : 0 }
        self.values = values
        var knots: [(original: Double, image: Double)] = []
        for (original, image) in zip(finite, values) {
            if let original { knots.append((original, image)) }
        }
        knots.sort { $0.original < $1.original }
        var unique: [(original: Double, image: Double)] = []
        for knot in knots where unique.last?.original != knot.original { unique.append(knot) }
        originals = unique.map(\.original)
        images = unique.map(\.image)
    }

    /// The result whose transformed value would be `value`: what a prediction means in the objective's own unit. Linear
    /// between the results, and beyond them as between the outermost two; nil without a finite result.
    package func original(of value: Double) -> Double? {
        guard let first = originals.first else { return nil }
        if originals.count == 1 { return first }
        let next = images.firstIndex { $0 > value } ?? images.count - 1
        let upper = min(max(next, 1), images.count - 1)
        let span = images[upper] - images[upper - 1]
        if !(span > 0) { return originals[upper] }
        let share = (value - images[upper - 1]) / span
        return originals[upper - 1] * (1 - share) + originals[upper] * share
    }
}

/// Half of what lies between each value and their median, by the largest of these that is above the median. So squares
/// neither overflow nor vanish, whatever the values' unit, and however far one value is below all others: below the median
/// only ranks count. Where nothing is above the median all values count. What is as near as rounding is equal.
private func distancesToMedian(_ values: [Double?]) -> [Double?] {
    let sorted = values.compactMap(\.self).sorted()
    guard let least = sorted.first, let largest = sorted.last else { return values }
    let median = middle(of: sorted)
    let rounding = 0.5e-14 * max(median.magnitude, largest.magnitude)
    func distance(_ value: Double) -> Double {
        let distance = value / 2 - median / 2
        return distance.magnitude > rounding ? distance : 0
    }
    let (above, below) = (distance(largest), -distance(least))
    let unit = above > 0 ? above : below > 0 ? below : 1
    return values.map { $0.map { distance($0) / unit } }
}

/// The median.
private func middle(of sorted: [Double]) -> Double {
    let middle = sorted.count / 2
    return sorted.count % 2 == 1 ? sorted[middle] : sorted[middle - 1] / 2 + sorted[middle] / 2
}

/// Values below the median by their rank; the others, and failures, unchanged.
func halfRanked(_ values: [Double?]) -> [Double?] {
    let sorted = values.compactMap(\.self).sorted()
    guard let largest = sorted.last else { return values }
    let median = middle(of: sorted)
    var unique: [Double] = []
    for value in sorted where unique.last != value { unique.append(value) }
    let below = unique.firstIndex { $0 >= median } ?? 0
    let denominator = Double(below) + (unique[below] == median ? 0.5 : 0)
    func spread(_ values: ArraySlice<Double>) -> Double {
        (values.reduce(0) { $0 + ($1 - median) * ($1 - median) } / Double(values.count)).squareRoot()
    }
    // Of the good half; of all when the good half is one value.
    let good = spread(unique[below...])
    let deviation = good > 0 ? good : spread(unique[...])
    if largest == sorted[0] { return values }
    return values.map { value in
        guard let value, value < median, let index = unique.firstIndex(of: value) else { return value }
        return median + deviation * normalQuantile(0.5 * (Double(index) + 0.5) / denominator)
    }
}

/// Failures half the range below the worst, though no more than three deviations below the mean.
private func withFailures(_ values: [Double?]) -> [Double] {
    let finite = values.compactMap(\.self)
    guard let least = finite.min(), let largest = finite.max() else { return values.map { _ in 0 } }
    let count = Double(finite.count)
    let mean = finite.reduce(0, +) / count
    let deviation = (finite.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / count).squareRoot()
    let range = largest - least
    let floor = max(least - range / 2, mean - 3 * deviation)
    // With all finite results equal any step down will do: all are standardised afterwards.
    let failed = range > 0 ? min(least, floor) : least - max(1, least.magnitude)
    return values.map { $0 ?? failed }
}
