// SPDX-License-Identifier: MIT

import LinearAlgebra

/// The last steps and the changes of the gradient over them.
struct LimitedMemory: Sendable {
    private struct Pair {
        let step: [Double]
        let change: [Double]

        /// The inner product of the two, and of each with itself, over the free variables.
        func products(_ isFree: [Bool]) -> (inner: Double, stepSquare: Double, changeSquare: Double) {
            var (inner, stepSquare, changeSquare) = (0.0, 0.0, 0.0)
            for index in step.indices where isFree[index] {
                inner += step[index] * change[index]
                stepSquare += step[index] * step[index]
                changeSquare += change[index] * change[index]
            }
            return (inner, stepSquare, changeSquare)
        }
    }

    private var pairs: [Pair] = []

    var isEmpty: Bool { pairs.isEmpty }

    /// Only pairs of positive curvature are of use.
    mutating func remember(step: [Double], change: [Double], limit: Int) {
        guard dot(step, change) > 1e-10 * (dot(step, step) * dot(change, change)).squareRoot() else { return }
        if pairs.count == limit { pairs.removeFirst() }
        pairs.append(Pair(step: step, change: change))
    }

    /// -H g over the free variables, H the inverse Hessian that the pairs, cut down to those variables, describe.
    ///
    /// - Precondition: the gradient is 0 in the variables that are not free, which keeps every vector here so.
    func direction(_ gradient: [Double], isFree: [Bool]) -> [Double] {
        var result = gradient.map { -$0 }
        var (inners, shares): ([Double], [Double]) = ([], [])
        var scale = 0.0
        for pair in pairs.reversed() {
            let (inner, stepSquare, changeSquare) = pair.products(isFree)
            let isUsable = inner > 1e-10 * (stepSquare * changeSquare).squareRoot()
            let share = isUsable ? dot(pair.step, result) / inner : 0
            inners.append(isUsable ? inner : 0)
            shares.append(share)
            if !isUsable { continue }
            if scale == 0 { scale = inner / changeSquare }
            for index in result.indices where isFree[index] { result[index] -= share * pair.change[index] }
        }
        if scale == 0 { return result }
        for index in result.indices { result[index] *= scale }
        for pair in pairs {
            guard let inner = inners.popLast(), let share = shares.popLast(), inner > 0 else { continue }
            let correction = share - dot(pair.change, result) / inner
            for index in result.indices where isFree[index] { result[index] += correction * pair.step[index] }
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
