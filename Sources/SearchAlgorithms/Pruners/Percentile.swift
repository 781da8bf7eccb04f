// SPDX-License-Identifier: MIT

package import SweepModel

/// Stops a trial whose best value so far is worse than a percentile of what the completed trials had reported at the same
/// step; with the 50th, the median rule.
///
/// Optuna's `PercentilePruner`, `n_min_trials` being the minimum of peers: the median rule of Golovin et al.: "Google
/// Vizier", KDD 2017, section 3.2.2, with the peers' values at the step instead of their running averages.
package struct Percentile: Pruner {
    private let rule: EarlyTermination.Percentile
    /// Losses of completed trials by step. Never iterated.
    private var values: [Int64: Ranking] = [:]
    /// Of trials that are not over the highest step reported. Never iterated.
    private var highest: [Int: Int64] = [:]

    package init(_ rule: EarlyTermination.Percentile) {
        self.rule = rule
    }

    package mutating func judge(_ trial: Int, _ curve: LearningCurve) -> Verdict? {
        guard let last = curve.last, isFirstInInterval(trial, last.step) else { return nil }
        guard let best = curve.bestPoint, let ranking = values[last.step], ranking.count >= max(1, rule.minimumPeers)
        else { return nil }
        let loss = curve.loss(of: best.value)
        let threshold = percentile(ranking)
        guard loss > threshold else { return nil }
        let better = ranking.better(than: loss)
        return Verdict(
            rule: rule.percentile == 50 ? .median : .percentile, step: last.step, value: best.value,
            threshold: curve.loss(of: threshold), peers: ranking.count, better: better,
            named: ranking.leaders(min(better, Verdict.namedPeers)))
    }

    /// Keeps the values of a completed trial, of each step the first.
    package mutating func conclude(_ trial: Int, _ curve: LearningCurve, _ end: CurveEnd) {
        highest[trial] = nil
        guard end == .completed else { return }
        var seen: Set<Int64> = []
        for point in curve.points where point.value.isFinite && point.step >= rule.minimumStep {
            guard seen.insert(point.step).inserted else { continue }
            values[point.step, default: Ranking()].insert(curve.loss(of: point.value), trial)
        }
    }

    /// Verdicts come at the minimum step and every interval after it; where nothing is reported at such a step, at the
    /// next report. After a rewind nothing is judged twice.
    private mutating func isFirstInInterval(_ trial: Int, _ step: Int64) -> Bool {
        let previous = highest[trial] ?? -1
        highest[trial] = max(previous, step)
        guard step >= rule.minimumStep else { return false }
        return previous < step - (step - rule.minimumStep) % rule.interval
    }

    /// With linear interpolation between two ranks, as numpy's `nanpercentile` does it. Of losses: for a maximised
    /// objective it is the value's 100 − p.
    private func percentile(_ ranking: Ranking) -> Double {
        let position = Double(ranking.count - 1) * (rule.percentile / 100)
        let lower = Int(position.rounded(.down))
        let fraction = position - Double(lower)
        let low = ranking.entries[lower].loss
        let high = ranking.entries[min(lower + 1, ranking.count - 1)].loss
        return fraction < 0.5 ? low + (high - low) * fraction : high - (high - low) * (1 - fraction)
    }
}
