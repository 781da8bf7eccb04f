// SPDX-License-Identifier: MIT

package import SweepModel

/// What a search may learn from one trial, however far it was trained.
package struct TrialEvidence: Sendable {
    package enum End: Sendable {
        case completed(Double?)
        /// Before its end, with that value.
        case stopped(Double?)
        /// By what it was asked to run.
        case failed
        case underWay
    }

    package let configuration: Configuration
    /// Its values at the first steps of the sweep's `FidelityLadder`.
    package let milestones: [Double]
    package let end: End

    package init(_ configuration: Configuration, milestones: [Double] = [], end: End) {
        self.configuration = configuration
        self.milestones = milestones
        self.end = end
    }
}

/// Puts values of trials that ended, or stand, at different steps on one scale: as if all had trained to the end.
///
/// A value at a rung gets what trials that went on from there have gained by the median, rung by rung. Trials that were
/// bad at their rung stay bad, which is all that a model has to know of them.
package struct RungAdjustment: Sendable {
    /// What is added to a value at rung k to have it at the end: the rungs of the ladder, or of an endless one those that
    /// some trial has come to.
    private let gains: [Double]

    /// So few trials say nothing of a gain.
    private static let leastPairs = 5

    /// - Parameter ladder: nil where every trial trains to its end.
    /// - Parameter trials: those that say what is gained.
    package init(_ ladder: FidelityLadder?, _ trials: [TrialEvidence]) {
        var count = ladder?.steps.count ?? 0
        if ladder?.isEndless == true { count = trials.reduce(0) { max($0, $1.milestones.count) } }
        var gains = [Double](repeating: 0, count: count)
        var sum = 0.0
        for rung in (0..<count).reversed() {
            sum += Self.gain(at: rung, isLast: rung == count - 1, trials)
            gains[rung] = sum
        }
        self.gains = gains
    }

    /// The median gain from a rung to the next, or from the last to the end.
    private static func gain(at rung: Int, isLast: Bool, _ trials: [TrialEvidence]) -> Double {
        var gains: [Double] = []
        for trial in trials where trial.milestones.count > rung {
            if !isLast, trial.milestones.count > rung + 1 {
                gains.append(trial.milestones[rung + 1] - trial.milestones[rung])
            } else if isLast, case .completed(let value?) = trial.end {
                gains.append(value - trial.milestones[rung])
            }
        }
        return gains.count < leastPairs ? 0 : median(gains)
    }

    /// Nil for a trial that says nothing yet.
    package func result(of trial: TrialEvidence) -> SearchHistory.Result? {
        switch trial.end {
        case .completed(let value): SearchHistory.Result(trial.configuration, value: value)
        case .stopped(let value): carried(trial, else: value)
        case .failed: SearchHistory.Result(trial.configuration, value: nil)
        case .underWay: trial.milestones.isEmpty ? nil : carried(trial, else: nil)
        }
    }

    /// The value at the last rung it passed with what is gained from there to the end; else a value as it is.
    private func carried(_ trial: TrialEvidence, else value: Double?) -> SearchHistory.Result {
        let passed = trial.milestones.count
        return SearchHistory.Result(
            trial.configuration, value: trial.milestones.last.map { $0 + gains[passed - 1] } ?? value,
            missingRungs: gains.count - passed + 1)
    }

    private static func median(_ values: [Double]) -> Double {
        let sorted = values.sorted()
        let middle = sorted.count / 2
        return sorted.count % 2 == 1 ? sorted[middle] : 0.5 * (sorted[middle - 1] + sorted[middle])
    }
}
