// SPDX-License-Identifier: MIT

import LinearAlgebra

/// Minimises a smooth function in a box: limited-memory quasi-Newton steps in the variables that are not held at a
/// bound, projected onto the box.
///
/// It asks for one evaluation at a time (`query`) and is told its result, so that several searches can share the cost of
/// evaluating many points at once.
///
/// The two-loop recursion of Nocedal, "Updating quasi-Newton matrices with limited storage", Math. Comp. 35 (1980), over
/// the free variables; active set as in Bertsekas, "Projected Newton methods for optimization problems with simple
/// constraints", SIAM J. Control Optim. 20 (1982); weak Wolfe line search by bracketing as in Lewis and Overton,
/// "Nonsmooth optimization via quasi-Newton methods", Math. Program. 141 (2013). What it is for is the problem of Byrd,
/// Lu, Nocedal, Zhu, "A limited memory algorithm for bound constrained optimization", SIAM J. Sci. Comput. 16 (1995);
/// their generalised Cauchy point pays for thousands of variables, and here there are tens.
package struct LBFGSB: Sendable {
    package enum Status: Hashable, Sendable {
        case running
        /// The largest component of the projected gradient is within the tolerance, or the value hardly changes.
        case converged
        /// As many iterations as allowed.
        case exhausted
        /// No smaller value along the steepest descent: rounding, or a gradient that is not one.
        case stalled
        /// No finite value at the start.
        case failed
    }

    package struct Limits: Hashable, Sendable {
        package var memory = 10
        /// On the largest component of the projected gradient.
        package var gradient: Double
        /// On the decrease of an iteration, relative to the value.
        package var decrease = 1e-12
        package var iterations = 100

        package init(gradient: Double = 1e-2) { self.gradient = gradient }
    }

    /// Where the function is to be evaluated next, while the status is `running`.
    package private(set) var query: [Double]
    package private(set) var status = Status.running
    /// The best point so far, and its value; +infinity before the first evaluation.
    package private(set) var point: [Double]
    package private(set) var value = Double.infinity
    package private(set) var iterations = 0
    package private(set) var evaluations = 0

    private let lower: [Double]
    private let upper: [Double]
    private let limits: Limits
    private var gradient: [Double] = []
    private var memory = LimitedMemory()
    private var line = LineSearch()

    /// Starts from the point of the box that is closest to `start`.
    package init(start: [Double], lower: [Double], upper: [Double], limits: Limits = Limits()) {
        precondition(start.count == lower.count && start.count == upper.count, "a bound a variable")
        self.lower = lower
        self.upper = upper
        self.limits = limits
        point = start.indices.map { min(max(start[$0], lower[$0]), upper[$0]) }
        query = point
    }

    /// Takes the function's value and gradient at `query`. A value or gradient that is not finite counts as too large.
    package mutating func tell(value: Double, gradient: [Double]) {
        precondition(status == .running && gradient.count == query.count, "nothing was asked")
        evaluations += 1
        let isFinite = value.isFinite && gradient.allSatisfy(\.isFinite)
        if evaluations == 1 {
            guard isFinite else {
                status = .failed
                return
            }
            (self.value, self.gradient) = (value, gradient)
            beginIteration()
            return
        }
        let candidate = LineSearch.Candidate(
            point: query, value: isFinite ? value : .infinity, gradient: gradient, step: line.step)
        let slope = isFinite ? slopeAlongPath(candidate) : 0
        switch line.judge(candidate, from: point, value: self.value, gradient: self.gradient, slopeThere: slope) {
        case .next:
            query = onPath(line.step)
        case .accept(let accepted):
            accept(accepted)
        case .fail:
            if memory.isEmpty {
                status = .stalled
            } else {
                memory = LimitedMemory()
                search(isRestart: true)
            }
        }
    }

    private mutating func accept(_ candidate: LineSearch.Candidate) {
        iterations += 1
        memory.remember(
            step: difference(candidate.point, point), change: difference(candidate.gradient, gradient),
            limit: limits.memory)
        let decrease = value - candidate.value
        (point, value, gradient) = (candidate.point, candidate.value, candidate.gradient)
        if decrease <= limits.decrease * max(1, value.magnitude) {
            status = .converged
        } else if iterations >= limits.iterations {
            status = .exhausted
        } else {
            beginIteration()
        }
    }

    private mutating func beginIteration() {
        if projectedGradient <= limits.gradient {
            status = .converged
        } else if limits.iterations == 0 {
            status = .exhausted
        } else {
            search(isRestart: false)
        }
    }

    /// max |P(x - g) - x|.
    private var projectedGradient: Double {
        point.indices.reduce(0) { largest, index in
            let moved = min(max(point[index] - gradient[index], lower[index]), upper[index])
            return max(largest, (moved - point[index]).magnitude)
        }
    }

    private mutating func search(isRestart: Bool) {
        let isFree = point.indices.map { index in
            lower[index] < upper[index] && !(point[index] <= lower[index] && gradient[index] > 0)
                && !(point[index] >= upper[index] && gradient[index] < 0)
        }
        let free = gradient.indices.map { isFree[$0] ? gradient[$0] : 0 }
        var direction = memory.direction(free, isFree: isFree)
        if !(dot(direction, free) < -1e-14 * dot(free, free)) || !direction.allSatisfy(\.isFinite) {
            direction = free.map { -$0 }
        }
        // Without curvature known, a step of length 1 at most.
        let length = dot(direction, direction).squareRoot()
        line = LineSearch(direction: direction, step: memory.isEmpty ? min(1, 1 / length) : 1)
        query = onPath(line.step)
    }

    private func onPath(_ step: Double) -> [Double] {
        point.indices.map { min(max(point[$0] + step * line.direction[$0], lower[$0]), upper[$0]) }
    }

    /// The derivative along the projected path: of the variables not yet at a bound.
    private func slopeAlongPath(_ candidate: LineSearch.Candidate) -> Double {
        point.indices.reduce(0) { sum, index in
            let isInside = candidate.point[index] > lower[index] && candidate.point[index] < upper[index]
            return isInside ? sum + candidate.gradient[index] * line.direction[index] : sum
        }
    }

    /// Runs the search to its end.
    package mutating func run(_ function: ([Double]) -> (value: Double, gradient: [Double])) {
        while status == .running {
            let result = function(query)
            tell(value: result.value, gradient: result.gradient)
        }
    }
}

private func difference(_ left: [Double], _ right: [Double]) -> [Double] {
    zip(left, right).map { $0 - $1 }
}
