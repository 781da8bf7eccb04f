// SPDX-License-Identifier: MIT

/// The metric a sweep optimises, and in which direction.
package struct Objective: Hashable, Sendable {
    package enum Goal: String, CaseIterable, Sendable { case minimize, maximize }

    /// Which of a trial's reported values is the trial's value.
    package enum Summary: String, CaseIterable, Sendable {
        /// The best finite value over the trial's history, as in W&B.
        case best
        /// The last reported value.
        case last
        /// The mean of the finite values: for steps that are folds or instances, each a trial of its own.
        case mean
    }

    package let metric: String
    package let goal: Goal
    package let summary: Summary
    /// No new trials once any trial reaches this value.
    package let target: Double?

    package init(metric: String, goal: Goal = .minimize, summary: Summary = .best, target: Double? = nil) {
        self.metric = metric
        self.goal = goal
        self.summary = summary
        self.target = target
    }

    /// Whether `left` is strictly better than `right`. NaN is better than nothing.
    package func isBetter(_ left: Double, than right: Double) -> Bool {
        if left.isNaN { return false }
        if right.isNaN { return true }
        return goal == .minimize ? left < right : left > right
    }
}
