// SPDX-License-Identifier: MIT

import LinearAlgebra

/// The last steps and the changes of the gradient over them.
struct LimitedMemory: Sendable {
    private var pairs: [(step: [Double], change: [Double])] = []

    var isEmpty: Bool { pairs.isEmpty }

    /// Only pairs of positive curvature are of use.
    mutating func remember(step: [Double], change: [Double], limit: Int) {
        guard dot(step, change) > 1e-10 * (dot(step, step) * dot(change, change)).squareRoot() else { return }
        if pairs.count == limit { pairs.removeFirst() }
        pairs.append((step, change))
    }

    /// -H g over the free variables, H the inverse Hessian that the pairs, cut down to those variables, describe.
    func direction(_ gradient: [Double], isFree: [Bool]) -> [Double] {
        func cut(_ vector: [Double]) -> [Double] { vector.indices.map { isFree[$0] ? vector[$0] : 0 } }
        var usable: [(step: [Double], change: [Double], inner: Double)] = []
        for pair in pairs {
            let (step, change) = (cut(pair.step), cut(pair.change))
            let inner = dot(step, change)
            if inner > 1e-10 * (dot(step, step) * dot(change, change)).squareRoot() {
                usable.append((step, change, inner))
            }
        }
        var result = gradient.map { -$0 }
        guard let last = usable.last else { return result }
        var shares: [Double] = []
        for pair in usable.reversed() {
            let share = dot(pair.step, result) / pair.inner
            shares.append(share)
            for index in result.indices { result[index] -= share * pair.change[index] }
        }
        let scale = last.inner / dot(last.change, last.change)
        for index in result.indices { result[index] *= scale }
        for (pair, share) in zip(usable, shares.reversed()) {
            let correction = share - dot(pair.change, result) / pair.inner
            for index in result.indices { result[index] += correction * pair.step[index] }
        }
        return result
    }
}

/// A step along the projected path for which the value falls enough and the slope has flattened.
struct LineSearch: Sendable {
    struct Candidate: Sendable {
        let point: [Double]
        let value: Double
        let gradient: [Double]
        let step: Double
    }

    enum Verdict {
        case next
        case accept(Candidate)
        case fail
    }

    let direction: [Double]
    private(set) var step: Double
    /// The longest step known to fall enough, and the shortest known not to.
    private var good: Candidate?
    private var tooLong = Double.infinity
    private var evaluations = 0

    /// The fractions of the slope by which a value has to fall, and that may be left of the slope.
    private static let (sufficient, flattened) = (1e-4, 0.9)
    private static let evaluationLimit = 25

    init() { self.init(direction: [], step: 0) }

    init(direction: [Double], step: Double) {
        self.direction = direction
        self.step = step
    }

    mutating func judge(
        _ candidate: Candidate, from point: [Double], value: Double, gradient: [Double], slopeThere: Double
    ) -> Verdict {
        evaluations += 1
        let isMoved = candidate.point != point
        // The decrease that the gradient promises over the projected step; negative.
        let promised = zip(gradient, zip(candidate.point, point)).reduce(0) { $0 + $1.0 * ($1.1.0 - $1.1.1) }
        let falls = isMoved && candidate.value <= value + Self.sufficient * promised
        if falls {
            let slope = dot(gradient, direction)
            // On the last stretch of the path nothing moves any more: a longer step is the same point.
            if slopeThere >= Self.flattened * slope { return .accept(candidate) }
            good = candidate
            step = tooLong.isFinite ? (step + tooLong) / 2 : 2 * step
        } else {
            tooLong = step
            let shortest = good?.step ?? 0
            let slope = dot(gradient, direction)
            // The minimum of the parabola through the value and slope at 0 and the value here, kept off the ends.
            let curvature = candidate.value - value - slope * step
            let parabola = curvature.isFinite && curvature > 0 ? -slope * step * step / (2 * curvature) : 0.1 * step
            step = good == nil ? min(max(parabola, 0.1 * step), 0.5 * step) : (shortest + step) / 2
        }
        if evaluations < Self.evaluationLimit && (isMoved || good == nil && evaluations < 3) { return .next }
        if let good { return .accept(good) }
        return .fail
    }
}
