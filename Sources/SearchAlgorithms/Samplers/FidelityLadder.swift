// SPDX-License-Identifier: MIT

package import SweepModel

/// The steps at which a trial that was not trained to its end is compared with others: a geometric ladder below the
/// maximum step.
package struct FidelityLadder: Hashable, Sendable {
    /// Ascending.
    package let steps: [Int64]

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
}

/// Puts values of trials that ended, or stand, at different steps on one scale: as if all had trained to the end.
///
/// A value at a rung gets what trials that went on from there have gained by the median, rung by rung. Trials that were
/// bad at their rung stay bad, which is all that a model has to know of them.
package struct RungAdjustment: Sendable {
    /// What is added to a value at rung k to have it at the end.
    private let gains: [Double]

    /// So few trials say nothing of a gain.
    private static let leastPairs = 5

    /// - Parameter milestones: of each trial its values by rung.
    /// - Parameter finals: of each trial the value it was completed with, nil for others.
    package init(_ ladder: FidelityLadder, milestones: [[Double]], finals: [Double?]) {
        let count = ladder.steps.count
        var steps: [Double] = []
        for rung in 0..<count {
            var pairs: [Double] = []
            for (values, final) in zip(milestones, finals) where values.count > rung {
                if values.count > rung + 1 {
                    pairs.append(values[rung + 1] - values[rung])
                } else if rung == count - 1, let final {
                    pairs.append(final - values[rung])
                }
            }
            steps.append(pairs.count < Self.leastPairs ? 0 : Self.median(pairs))
        }
        var gains = [Double](repeating: 0, count: count)
        var sum = 0.0
        for rung in (0..<count).reversed() {
            sum += steps[rung]
            gains[rung] = sum
        }
        self.gains = gains
    }

    /// - Parameter milestones: at least one.
    package func atEnd(_ milestones: [Double]) -> Double? {
        guard let last = milestones.last else { return nil }
        return last + gains[milestones.count - 1]
    }

    private static func median(_ values: [Double]) -> Double {
        let sorted = values.sorted()
        let middle = sorted.count / 2
        return sorted.count % 2 == 1 ? sorted[middle] : 0.5 * (sorted[middle - 1] + sorted[middle])
    }
}
