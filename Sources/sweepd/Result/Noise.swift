// SPDX-License-Identifier: MIT

/// How far two values of the objective may lie apart by chance alone.
struct Noise: Hashable, Sendable {
    enum Source: Hashable, Sendable {
        /// Repeats of one configuration with different seeds; so many configurations had some.
        case repeats(configurations: Int)
        /// The scatter from step to step at the end of the best trials' curves: without what another seed would change,
        /// so it is a lower bound.
        case curves(trials: Int)
    }

    let deviation: Double
    let source: Source

    /// Whether the means of so many values differ by more than two standard errors.
    func separates(_ left: Double, count leftCount: Int, _ right: Double, count rightCount: Int) -> Bool {
        let error = deviation * (1 / Double(max(1, leftCount)) + 1 / Double(max(1, rightCount))).squareRoot()
        return abs(left - right) > 2 * error
    }

    /// Pooled over the better half of the repeated configurations: what diverges scatters wildly and says nothing about
    /// the top.
    ///
    /// - Parameter groups: the values of one configuration each, the best configuration first.
    static func fromRepeats(_ groups: [[Double]]) -> Noise? {
        let repeated = groups.filter { $0.count > 1 }
        guard !repeated.isEmpty else { return nil }
        let used = repeated.prefix(max(5, (repeated.count + 1) / 2))
        var squares = 0.0, freedom = 0
        for values in used {
            let mean = values.reduce(0, +) / Double(values.count)
            squares += values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) }
            freedom += values.count - 1
        }
        let deviation = (squares / Double(freedom)).squareRoot()
        return deviation.isFinite ? Noise(deviation: deviation, source: .repeats(configurations: used.count)) : nil
    }

    /// From the last 20 % of each curve, by the differences between neighbours: a slow trend then counts for little.
    static func fromCurves(_ curves: [[CurvePoint]]) -> Noise? {
        var squares = 0.0, freedom = 0, used = 0
        for curve in curves {
            let finite = curve.map(\.value).filter(\.isFinite)
            guard finite.count >= shortestCurve else { continue }
            let tail = Array(finite.suffix(max(4, (finite.count + 4) / 5)))
            let steps = zip(tail.dropFirst(), tail).map { $0 - $1 }
            let mean = steps.reduce(0, +) / Double(steps.count)
            squares += steps.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / 2
            freedom += steps.count - 1
            used += 1
        }
        guard used > 0 else { return nil }
        let deviation = (squares / Double(freedom)).squareRoot()
        return deviation.isFinite ? Noise(deviation: deviation, source: .curves(trials: used)) : nil
    }

    /// Fewer reports than these say nothing about their scatter.
    static let shortestCurve = 8
}
