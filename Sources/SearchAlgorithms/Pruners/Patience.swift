// SPDX-License-Identifier: MIT

package import SweepModel

/// Stops a trial none of whose last reports comes near what it had reached before: the best of the last n + 1 is worse
/// by more than the tolerance than the best before them.
///
/// Optuna's `PatientPruner` around no other. It compares a trial with itself alone and keeps nothing.
package struct Patience: Pruner {
    private let rule: EarlyTermination.Patience

    package init(_ rule: EarlyTermination.Patience) {
        self.rule = rule
    }

    /// - Complexity: O(reports since the one that was good enough).
    package func judge(_ trial: Int, _ curve: LearningCurve) -> Verdict? {
        let earlier = curve.count - 1 - rule.reports
        guard earlier > 0, let last = curve.last, let best = curve.bestPoint(upTo: earlier) else { return nil }
        let limit = curve.loss(of: best.value) + rule.minimumDelta
        for index in (earlier..<curve.count).reversed() where curve.loss(index) <= limit { return nil }
        return Verdict(rule: .patience, step: last.step, value: last.value, threshold: curve.loss(of: limit))
    }

    package func conclude(_ trial: Int, _ curve: LearningCurve, _ end: CurveEnd) {}
}
