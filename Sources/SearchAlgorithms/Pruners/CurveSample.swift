// SPDX-License-Identifier: MIT

import RealModule
import SweepModel

/// What a fit sees of a learning curve: losses over the logarithm of the step as a share of the newest step. Long curves
/// are cut into blocks whose means stand for them, so that a fit costs the same for any length.
///
/// A point weighs as much as its step: what a curve did at its beginning is the least like what it will do, and a family
/// that has to follow it there misses the end.
struct CurveSample: Sendable {
    private(set) var x: [Double] = []
    private(set) var y: [Double] = []
    /// Their sum is `count`.
    private(set) var weight: [Double] = []
    /// Of so many equal points the weighted ones are worth: (Σ w)² / Σ w².
    private(set) var count = 0.0
    /// The variance of one report about the curve, and of what `y` holds.
    let reportVariance: Double
    let variance: Double
    /// The logarithm of the last step, as a share of the newest, that is looked ahead to; and how many reports there will
    /// be until then if they go on as they came.
    let horizon: Double
    let reportsAhead: Double
    /// How far the losses lie apart.
    let spread: Double

    static let fewestPoints = 4
    private static let mostPoints = 48

    /// Nil where there are too few points, or nothing lies ahead.
    init?(_ curve: LearningCurve, until end: Int64) {
        let (steps, losses) = Self.ascending(curve)
        guard steps.count >= Self.fewestPoints, let first = steps.first, let last = steps.last, Double(end) > last
        else { return nil }
        // Steps that begin at 0, or below, count from 1.
        let shift = max(0, 1 - first)
        let newest = last + shift
        horizon = .log((Double(end) + shift) / newest)
        reportsAhead = max(1, (Double(end) - last) * Double(steps.count - 1) / (last - first))
        let low = losses.min() ?? 0
        spread = (losses.max() ?? 0) - low
        reportVariance = Self.noise(losses)
        let block = (steps.count + Self.mostPoints - 1) / Self.mostPoints
        // The blocks end at the newest point; the first may be short.
        var start = 0
        var end = steps.count % block == 0 ? block : steps.count % block
        while start < steps.count {
            let size = Double(end - start)
            x.append(.log((steps[start..<end].reduce(0, +) / size + shift) / newest))
            y.append(losses[start..<end].reduce(0, +) / size)
            (start, end) = (end, end + block)
        }
        variance = block == 1 ? reportVariance : max(Self.noise(y), reportVariance / Double(block))
        weigh()
    }

    private mutating func weigh() {
        weight = x.map(Double.exp)
        let sum = weight.reduce(0, +)
        let scale = sum / weight.reduce(0) { $0 + $1 * $1 }
        for index in weight.indices { weight[index] *= scale }
        count = sum * scale
    }

    /// The finite points whose step lies beyond all before them.
    private static func ascending(_ curve: LearningCurve) -> (steps: [Double], losses: [Double]) {
        var steps: [Double] = []
        var losses: [Double] = []
        steps.reserveCapacity(curve.count)
        losses.reserveCapacity(curve.count)
        for (index, point) in curve.points.enumerated() where point.value.isFinite {
            let step = Double(point.step)
            if let last = steps.last, step <= last { continue }
            steps.append(step)
            losses.append(curve.loss(index))
        }
        return (steps, losses)
    }

    /// From second differences, to which a smooth curve adds little: of independent noise each has six variances.
    private static func noise(_ losses: [Double]) -> Double {
        var sum = 0.0
        for index in 2..<losses.count {
            let bend = losses[index] - 2 * losses[index - 1] + losses[index - 2]
            sum += bend * bend
        }
        return sum / (6 * Double(losses.count - 2))
    }
}
