// SPDX-License-Identifier: MIT

package import SweepModel

/// Bounds that no report may cross, whatever its step; in the objective's own unit.
package struct Threshold: Pruner {
    private let lower: Double
    private let upper: Double

    package init(lower: Double?, upper: Double?) {
        self.lower = lower ?? -.infinity
        self.upper = upper ?? .infinity
    }

    package func judge(_ trial: Int, _ curve: LearningCurve) -> Verdict? {
        guard let last = curve.last, last.value < lower || last.value > upper else { return nil }
        return Verdict(
            rule: .threshold, step: last.step, value: last.value, threshold: last.value < lower ? lower : upper)
    }

    package func conclude(_ trial: Int, _ curve: LearningCurve, _ end: CurveEnd) {}
}
