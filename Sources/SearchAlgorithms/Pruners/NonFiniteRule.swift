// SPDX-License-Identifier: MIT

package import SweepModel

/// A trial whose objective became NaN or infinite has diverged. No other rule has to know such values.
package enum NonFiniteRule {
    package static func verdict(_ curve: LearningCurve) -> Verdict? {
        guard let last = curve.last, !last.value.isFinite else { return nil }
        return Verdict(rule: .nan, step: last.step, value: last.value)
    }
}
