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

    /// `results`: larger is better; nil, NaN and infinities are failures.
    package init(_ results: [Double?]) {
        let finite = results.map { $0.flatMap { $0.isFinite ? $0 : nil } }
        // Halved and scaled so that no sum or difference overflows.
        let magnitude = finite.reduce(0) { max($0, $1?.magnitude ?? 0) }
        let unit = magnitude > 1e100 ? magnitude : 1
        let ranked = halfRanked(finite.map { $0.map { $0 / unit } })
        let filled = withFailures(ranked)
        let count = Double(max(filled.count, 1))
        let mean = filled.reduce(0) { $0 + $1 } / count
        let deviation = (filled.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / count).squareRoot()
        let rounding = 1e-14 * filled.reduce(0) { max($0, $1.magnitude) }
        let scale = deviation > rounding ? deviation : 0
        let values = filled.map { scale > 0 ? ($0 - mean) / scale : 0 }
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

/// Values below the median by their rank; the others, and failures, unchanged.
func halfRanked(_ values: [Double?]) -> [Double?] {
    let sorted = values.compactMap(\.self).sorted()
    guard let largest = sorted.last else { return values }
    let middle = sorted.count / 2
    let median = sorted.count % 2 == 1 ? sorted[middle] : sorted[middle - 1] / 2 + sorted[middle] / 2
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
