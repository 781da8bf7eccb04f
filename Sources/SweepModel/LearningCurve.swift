// SPDX-License-Identifier: MIT

/// A trial's objective by step, oldest first. What was reported after the checkpoint an attempt went on from is not in
/// it.
package struct LearningCurve: Hashable, Sendable {
    package struct Point: Hashable, Sendable {
        package let step: Int64
        /// In the objective's own unit; may be NaN or infinite.
        package let value: Double
        package init(step: Int64, value: Double) {
            self.step = step
            self.value = value
        }
    }

    package let goal: Objective.Goal
    package private(set) var points: [Point] = []
    /// For each point the index of the best finite one up to it; -1 before there is one.
    private var best: [Int] = []

    package init(goal: Objective.Goal) {
        self.goal = goal
    }

    package var count: Int { points.count }
    package var isEmpty: Bool { points.isEmpty }
    package var last: Point? { points.last }

    /// The best finite point, the first of equals.
    package var bestPoint: Point? { bestPoint(upTo: points.count) }

    /// The best of the first `count` points.
    package func bestPoint(upTo count: Int) -> Point? {
        guard count > 0, best[count - 1] >= 0 else { return nil }
        return points[best[count - 1]]
    }

    /// What counts as the trial's value by the objective's summary rule, at the step by which it was; nil when there is none
    /// or it is not finite.
    package func summary(_ rule: Objective.Summary) -> Point? {
        switch rule {
        case .last: last.flatMap { $0.value.isFinite ? $0 : nil }
        case .best: bestPoint
        case .mean: meanPoint
        }
    }

    private var meanPoint: Point? {
        let finite = points.filter(\.value.isFinite)
        guard let last = finite.last else { return nil }
        // Each by the count first: no sum of them overflows.
        let mean = finite.reduce(0) { $0 + $1.value / Double(finite.count) }
        return Point(step: last.step, value: mean)
    }

    /// Values with their sign such that less is better.
    package func loss(_ index: Int) -> Double { loss(of: points[index].value) }
    package var bestLoss: Double? { bestPoint.map { loss(of: $0.value) } }
    package func loss(of value: Double) -> Double { goal == .minimize ? value : -value }

    package mutating func append(step: Int64, value: Double) {
        let index = points.count
        points.append(Point(step: step, value: value))
        var leader = best.last ?? -1
        if value.isFinite, leader < 0 || loss(of: value) < loss(leader) { leader = index }
        best.append(leader)
    }

    /// Forgets what came after the step.
    package mutating func rewind(to step: Int64) {
        guard let cut = points.firstIndex(where: { $0.step > step }) else { return }
        let kept = points[cut...].filter { $0.step <= step }
        points.removeSubrange(cut...)
        best.removeSubrange(cut...)
        for point in kept { append(step: point.step, value: point.value) }
    }
}
