// SPDX-License-Identifier: MIT

package import SweepModel

/// The steps at which a trial that was not trained to its end is compared with others: a geometric ladder below the
/// maximum step.
package struct FidelityLadder: Hashable, Sendable {
    /// Ascending.
    package let steps: [Int64]
    /// Whether nobody says at which step a trial ends: then the ladder goes on for ever.
    let isEndless: Bool

    /// Nil where no trial is stopped early, so that none has to be compared before its end.
    package init?(_ termination: EarlyTermination?) {
        guard let termination, !termination.isDryRun else { return nil }
        let end = termination.maximumStep
        let rungs: EarlyTermination.Rungs =
            switch termination.rule {
            case .asha(let rungs, _), .asyncHyperband(let rungs): rungs
            case .hyperband(let bands): EarlyTermination.Rungs(maximumStep: end, eta: bands.eta)
            case .auto, .percentile, .patience, .threshold, .wilcoxon, .curve:
                EarlyTermination.Rungs(minimumStep: max(1, (end ?? 1) / 27), maximumStep: end)
            }
        steps = RungLadder(rungs).steps
        isEndless = end == nil
    }

    /// Records a trial's value at each step of the ladder that it has come to.
    ///
    /// - Parameter milestones: its values at the first steps of the ladder.
    /// - Parameter value: by the objective's summary rule, as of `step`.
    /// - Returns: how many were new.
    package func pass(_ milestones: inout [Double], step: Int64, value: Double) -> Int {
        let before = milestones.count
        while milestones.count < steps.count, step >= steps[milestones.count] { milestones.append(value) }
        return milestones.count - before
    }

    /// The values at the first steps of the ladder of a trial with such a curve, oldest point first.
    package func milestones(of points: some Sequence<LearningCurve.Point>, _ objective: Objective) -> [Double] {
        var curve = LearningCurve(goal: objective.goal)
        var milestones: [Double] = []
        for point in points {
            curve.append(step: point.step, value: point.value)
            guard let value = curve.summary(objective.summary)?.value else { continue }
            _ = pass(&milestones, step: point.step, value: value)
        }
        return milestones
    }
}
