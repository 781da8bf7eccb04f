// SPDX-License-Identifier: MIT

package import SweepEngine
import SweepModel

/// How good a simulated sweep was: what it found beside the best there is, and what that cost. It holds no curves, so
/// that many runs can be kept.
package struct Assessment: Sendable {
    package let seed: UInt64
    package let phase: SweepState.Phase
    /// It was given up: `VirtualSweep.Options.turnLimit`.
    package let isCutShort: Bool
    /// The trial with the best value.
    package let best: SimulatedTrial?
    /// The best that any row of the table comes to when it is trained to the end; nil when all diverge.
    package let bestOfTable: Double?
    /// How much worse the best trial's configuration is than that when it is trained to the end; nil where either is not
    /// known.
    package let regret: Double?
    /// The first report that came close to the table's best; nil when none did.
    package let reached: SimulatedReport?
    package let counts: StateCounts
    /// Trials that began, and those of them whose configuration the table lacks.
    package let begun: Int
    package let unmatched: Int
    /// Steps trained, and those that training every trial that began to its end would have taken.
    package let steps: Int64
    package let wholeSteps: Int64
    /// Virtual time from the start to the end.
    package let seconds: Double
    /// The same of the time of training, over all workers.
    package let secondsTrained: Double
    package let wholeSeconds: Double

    /// - Parameter tolerance: how close is close, as a share of the table's best value.
    package init(_ result: SimulationResult, tolerance: Double = 0.1) {
        let objective = result.state.definition.objective
        seed = result.state.definition.seed
        phase = result.state.phase
        isCutShort = result.isCutShort
        best = result.best
        bestOfTable = result.bestOfTable
        counts = result.state.counts
        begun = result.begun
        unmatched = result.unmatched
        steps = result.stepsTrained
        wholeSteps = result.wholeSteps
        seconds = result.seconds
        secondsTrained = result.secondsTrained
        wholeSeconds = result.wholeSeconds
        guard let most = result.bestOfTable else {
            (regret, reached) = (nil, nil)
            return
        }
        regret = result.best?.endValue.map { objective.goal == .minimize ? $0 - most : most - $0 }
        let margin = most.magnitude * tolerance
        let bound = objective.goal == .minimize ? most + margin : most - margin
        reached = result.reports.first { $0.value.isFinite && !objective.isBetter(bound, than: $0.value) }
    }

    /// Steps trained, of those that training every trial to its end would have taken; nil when that is none.
    package var shareOfSteps: Double? { wholeSteps > 0 ? Double(steps) / Double(wholeSteps) : nil }

    package var shareOfSeconds: Double? { wholeSeconds > 0 ? secondsTrained / wholeSeconds : nil }
}

/// Runs of one sweep with several seeds.
package struct AssessmentSeries: Sendable {
    /// Not empty.
    package let runs: [Assessment]

    /// - Precondition: `runs` is not empty.
    package init(_ runs: [Assessment]) {
        self.runs = runs
    }

    /// Runs in which nothing came close to the table's best.
    package var missed: Int { runs.count { $0.reached == nil } }

    /// The median over the runs. One without the quantity counts as greater than any other: that it never came to be is
    /// the worst that can be said of it. Nil when the median run is one of them.
    package func median(_ quantity: (Assessment) -> Double?) -> Double? {
        let sorted = runs.map { quantity($0) ?? .infinity }.sorted()
        let (low, high) = (sorted[(sorted.count - 1) / 2], sorted[sorted.count / 2])
        let median = low == high ? low : low / 2 + high / 2
        return median.isFinite ? median : nil
    }
}
