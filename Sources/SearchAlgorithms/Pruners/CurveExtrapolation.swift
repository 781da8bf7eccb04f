// SPDX-License-Identifier: MIT

package import SweepModel

/// Stops a trial that will hardly become the best: its curve is extrapolated to the last step, and it goes on while the
/// probability is large enough that one of its reports until then is better than the best report of any other trial.
///
/// The rule of Domhan et al. (IJCAI 2015), section 4, with least squares in place of MCMC. A trial is looked at once in
/// every tenth of the range, at its first report there.
package struct CurveExtrapolation: Pruner {
    private let rule: EarlyTermination.CurveForecast
    /// The tenth in which a trial was last looked at. Never iterated.
    private var looked: [Int: Int64] = [:]
    /// Each trial's best report, of those that are an answer or may become one. Never iterated but for the least.
    private var losses: [Int: Double] = [:]
    /// The best of them, and the best of the others.
    private var best: Leader?
    private var second: Leader?

    private struct Leader: Hashable, Sendable {
        let trial: Int
        let loss: Double

        func isBetter(than other: Leader) -> Bool { (loss, trial) < (other.loss, other.trial) }
    }

    private static let looks: Double = 10

    package init(_ rule: EarlyTermination.CurveForecast) {
        self.rule = rule
    }

    package mutating func judge(_ trial: Int, _ curve: LearningCurve) -> Verdict? {
        guard let last = curve.last else { return nil }
        note(trial, curve.loss(of: last.value))
        guard last.step >= rule.minimumStep, last.step < rule.maximumStep, curve.count >= CurveSample.fewestPoints
        else { return nil }
        let tenth = Int64(Self.looks * Double(last.step) / Double(rule.maximumStep))
        if let before = looked[trial], tenth <= before { return nil }
        looked[trial] = tenth
        guard let rival = best?.trial == trial ? second : best, let own = curve.bestPoint,
            curve.loss(of: own.value) > rival.loss,
            let probability = CurvePrediction(curve, until: rule.maximumStep)?.probability(reaching: rival.loss),
            probability < rule.probability
        else { return nil }
        return Verdict(
            rule: .curve, step: last.step, value: own.value, threshold: curve.loss(of: rival.loss), peers: 1, better: 1,
            named: [rival.trial], probability: probability)
    }

    package mutating func conclude(_ trial: Int, _ curve: LearningCurve, _ end: CurveEnd) {
        looked[trial] = nil
        if end != .void {
            if let loss = curve.bestLoss { note(trial, loss) }
        } else if losses.removeValue(forKey: trial) != nil, best?.trial == trial || second?.trial == trial {
            // Nothing is measured by a trial that came to nothing.
            let ranked = losses.map { Leader(trial: $0.key, loss: $0.value) }
            best = ranked.min { $0.isBetter(than: $1) }
            second = ranked.filter { $0.trial != best?.trial }.min { $0.isBetter(than: $1) }
        }
    }

    private mutating func note(_ trial: Int, _ loss: Double) {
        losses[trial] = min(loss, losses[trial] ?? .infinity)
        let leader = Leader(trial: trial, loss: loss)
        guard let best else {
            self.best = leader
            return
        }
        if loss < best.loss {
            if best.trial != trial { second = best }
            self.best = leader
        } else if best.trial != trial, loss < second?.loss ?? .infinity {
            second = leader
        }
    }
}
