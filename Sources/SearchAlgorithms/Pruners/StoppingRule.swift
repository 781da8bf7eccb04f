// SPDX-License-Identifier: MIT

package import SweepModel

/// All that stops a sweep's trials early, in the order in which it is asked: a value that is not finite, the bounds, the
/// rule, the curve's veto. The first verdict counts; the later rules hear of the report all the same, since what they
/// record is what other trials are judged by.
package struct StoppingRule: Hashable, Sendable {
    private var bounds: Threshold?
    /// An existential and not an enum with a case a rule: a call on it mutates the rule in its box, where taking it out
    /// of an enum and putting it back would copy, with every report, all that the rule has recorded.
    private var rule: (any Pruner)?
    private var veto: CurveExtrapolation?

    /// Without a definition only values that are not finite stop a trial.
    ///
    /// `auto` is resolved as for a sweep without checkpoints; who knows better has resolved it before.
    package init(_ termination: EarlyTermination?, seed: UInt64) {
        guard let termination else { return }
        if termination.lower != nil || termination.upper != nil {
            bounds = Threshold(lower: termination.lower, upper: termination.upper)
        }
        rule = Self.pruner(PrunerChoice(termination, hasCheckpoints: false).rule, seed: seed)
        veto = termination.veto.map(CurveExtrapolation.init)
    }

    private static func pruner(_ rule: EarlyTermination.Rule, seed: UInt64) -> (any Pruner)? {
        switch rule {
        case .asha(let rungs, let variant): SuccessiveHalving(rungs, variant)
        case .threshold: nil
        case .asyncHyperband(let rungs): AsyncHyperband(rungs, seed: seed)
        case .hyperband(let bands): WandbHyperband(bands)
        case .percentile(let rule): Percentile(rule)
        case .patience(let rule): Patience(rule)
        case .wilcoxon(let rule): Wilcoxon(rule)
        case .curve(let rule): CurveExtrapolation(rule)
        case .auto: preconditionFailure("auto chooses one of the others")
        }
    }

    /// Judges a trial by the newest point of its curve.
    package mutating func judge(_ trial: Int, _ curve: LearningCurve) -> Verdict? {
        if let verdict = NonFiniteRule.verdict(curve) { return verdict }
        let outside = bounds?.judge(trial, curve)
        let condemned = rule?.judge(trial, curve)
        let vetoed = veto?.judge(trial, curve)
        return outside ?? condemned ?? vetoed
    }

    package mutating func conclude(_ trial: Int, _ curve: LearningCurve, _ end: CurveEnd) {
        rule?.conclude(trial, curve, end)
        veto?.conclude(trial, curve, end)
    }

    /// The paused trial that goes on before a new one begins; nil when there is none.
    ///
    /// - Parameter isPaused: whether a trial that was condemned to pause has done so and still waits.
    package func promotable(_ isPaused: (Int) -> Bool) -> Int? {
        rule?.promotable(isPaused)
    }

    package mutating func promote(_ trial: Int) {
        rule?.promote(trial)
    }

    package static func == (left: Self, right: Self) -> Bool {
        left.bounds == right.bounds && left.veto == right.veto && isEqual(left.rule, right.rule)
    }

    package func hash(into hasher: inout Hasher) {
        hasher.combine(bounds)
        rule?.hash(into: &hasher)
        hasher.combine(veto)
    }

    private static func isEqual(_ left: (any Pruner)?, _ right: (any Pruner)?) -> Bool {
        switch (left, right) {
        case (nil, nil): true
        case (let left?, let right?): left.isEqual(right)
        case (nil, _?), (_?, nil): false
        }
    }
}

extension Pruner {
    fileprivate func isEqual(_ other: any Pruner) -> Bool {
        guard let other = other as? Self else { return false }
        return self == other
    }
}
