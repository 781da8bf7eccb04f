// SPDX-License-Identifier: MIT

package import SweepModel

/// The rule a sweep stops trials by: the file's, or for `auto` the one that suits what the sweep declares.
package struct PrunerChoice: Hashable, Sendable {
    /// Never `auto`.
    package let rule: EarlyTermination.Rule
    /// Why, for `auto`; nil where the file names the rule.
    package let reason: String?

    /// With fewer steps there is no room for rungs: a factor of 3 from the first leaves two of them.
    private static let fewSteps: Int64 = 10
    private static let eta = 3.0

    /// - Parameter hasCheckpoints: whether the sweep's script goes on from checkpoints.
    package init(_ termination: EarlyTermination, hasCheckpoints: Bool) {
        guard case .auto(let minimum) = termination.rule else {
            (rule, reason) = (termination.rule, nil)
            return
        }
        if let steps = termination.maximumStep, steps < Self.fewSteps {
            rule = .percentile(EarlyTermination.Percentile(minimumStep: minimum ?? 1))
            reason = "\(steps) steps are too few for rungs"
            return
        }
        let rungs = EarlyTermination.Rungs(
            minimumStep: minimum ?? termination.maximumStep.map { max(1, $0 / 27) } ?? 1,
            maximumStep: termination.maximumStep, eta: Self.eta)
        rule = .asha(rungs, hasCheckpoints ? .promotion : .stopping)
        reason =
            hasCheckpoints
            ? "with checkpoints a trial can pause, and go on when it comes to be among the best"
            : "the best third goes on from each rung; without checkpoints the others end there"
    }
}

extension EarlyTermination {
    /// With `auto` replaced by what it picks.
    package func withRuleChosen(hasCheckpoints: Bool) -> EarlyTermination {
        var chosen = self
        chosen.rule = PrunerChoice(self, hasCheckpoints: hasCheckpoints).rule
        return chosen
    }
}
