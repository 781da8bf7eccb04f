// SPDX-License-Identifier: MIT

package import SweepModel

/// For trials whose steps are the same folds, seeds or instances in each: stops a trial as soon as a paired test says
/// that it is worse than the best, whatever makes some of the steps harder than others.
///
/// Optuna's `WilcoxonPruner`, with a correction for testing again at every step. The best trial is the completed one with
/// the best average; a trial whose average is no worse goes on. Each look at a trial is a test, of which there will be as
/// many as the best trial has steps from the minimum on, so each gets the significance divided by their number
/// (Bonferroni): the best trial's equal is stopped wrongly with at most the significance in all. Looks that cannot
/// reject do not count: n differences give no probability below 2^−n.
package struct Wilcoxon: Pruner {
    private let rule: EarlyTermination.Wilcoxon
    private let isCorrected: Bool
    private var best: Best?

    private struct Best: Hashable, Sendable {
        let trial: Int
        let average: Double
        /// By step. Never iterated.
        let losses: [Int64: Double]
        /// The significance of one look.
        let level: Double
    }

    /// A test of fewer pairs is none.
    private static let fewestPairs: Int64 = 2

    /// - Parameter isCorrected: false for Optuna's own rule, every look at the whole significance.
    package init(_ rule: EarlyTermination.Wilcoxon, isCorrected: Bool = true) {
        self.rule = rule
        self.isCorrected = isCorrected
    }

    /// - Complexity: O(n log n) in the trial's reports, and for up to 50 of them O(n³) with a factor of 1/8 or less.
    package func judge(_ trial: Int, _ curve: LearningCurve) -> Verdict? {
        guard let best, best.trial != trial, let last = curve.last, let sample = Sample(curve) else { return nil }
        guard sample.average > best.average else { return nil }
        let pairs = sample.losses.compactMap { point in best.losses[point.step].map { (own: point.loss, best: $0) } }
        guard pairs.count >= max(Self.fewestPairs, rule.minimumStep) else { return nil }
        let probability = SignedRanks(pairs.map { $0.own - $0.best }).probability
        guard probability < best.level else { return nil }
        // What is told is compared over the same steps; the rule itself looks at the averages of all.
        return Verdict(
            rule: .wilcoxon, step: last.step, value: curve.loss(of: Self.mean(pairs.map(\.own))),
            threshold: curve.loss(of: Self.mean(pairs.map(\.best))), peers: 1, better: 1, named: [best.trial],
            probability: probability)
    }

    package mutating func conclude(_ trial: Int, _ curve: LearningCurve, _ end: CurveEnd) {
        guard end == .completed, let sample = Sample(curve) else { return }
        if let best, best.average <= sample.average { return }
        best = Best(
            trial: trial, average: sample.average,
            losses: Dictionary(sample.losses.map { ($0.step, $0.loss) }) { first, _ in first },
            level: isCorrected
                ? Self.level(
                    rule.significance, pairs: sample.losses.count, from: Int(max(Self.fewestPairs, rule.minimumStep)))
                : rule.significance)
    }

    private static func mean(_ losses: [Double]) -> Double { losses.reduce(0, +) / Double(losses.count) }

    /// The significance of one look, when looks are taken at each number of pairs up to `pairs`: the whole divided by
    /// the number of looks that can reject at that.
    static func level(_ significance: Double, pairs: Int, from first: Int) -> Double {
        var looks = 1
        while true {
            let level = significance / Double(looks)
            var fewest = max(0, first)
            var least = Double(sign: .plus, exponent: -fewest, significand: 1)
            while fewest <= pairs, least >= level {
                fewest += 1
                least /= 2
            }
            if pairs - fewest + 1 <= looks { return level }
            looks += 1
        }
    }

    /// A trial's losses, of each step the first, and their average; none of a trial that had a value that is not finite.
    private struct Sample {
        private(set) var losses: [(step: Int64, loss: Double)] = []
        private(set) var average = 0.0

        init?(_ curve: LearningCurve) {
            guard !curve.isEmpty else { return nil }
            losses.reserveCapacity(curve.count)
            var seen: Set<Int64> = Set(minimumCapacity: curve.count)
            for (index, point) in curve.points.enumerated() where seen.insert(point.step).inserted {
                guard point.value.isFinite else { return nil }
                let loss = curve.loss(index)
                losses.append((point.step, loss))
                average += loss
            }
            average /= Double(losses.count)
        }
    }
}
