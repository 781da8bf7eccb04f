// SPDX-License-Identifier: MIT

package import SweepEngine
package import SweepModel

/// A value that a simulated trial reported.
package struct SimulatedReport: Hashable, Sendable {
    package let trial: Int
    package let step: Int64
    /// May be NaN or infinite.
    package let value: Double
    /// Virtual time since the start.
    package let seconds: Double
    /// Steps of all trials up to this report, as `limits.steps` counts them.
    package let stepsTrained: Int64
    package init(trial: Int, step: Int64, value: Double, seconds: Double, stepsTrained: Int64) {
        self.trial = trial
        self.step = step
        self.value = value
        self.seconds = seconds
        self.stepsTrained = stepsTrained
    }
}

/// How a simulated trial ended.
package struct SimulatedTrial: Hashable, Sendable {
    package let number: Int
    package let configuration: Configuration
    package let source: TrialSource
    package let state: Trial.State
    package let value: Double?
    package let isInfeasible: Bool
    /// Nil when it never began.
    package let match: CurveMatcher.Match?
    /// What training it to the end takes.
    package let wholeSteps: Int64
    package let wholeSeconds: Double
    /// What its row of the table comes to when it is trained to the end, the mean over the row's seeds; nil when that
    /// diverges, or it never began.
    package let endValue: Double?

    init(
        number: Int, _ trial: Trial, match: CurveMatcher.Match?, wholeSteps: Int64 = 0, wholeSeconds: Double = 0,
        endValue: Double? = nil
    ) {
        self.number = number
        configuration = trial.configuration
        source = trial.source
        state = trial.state
        value = trial.value
        isInfeasible = trial.isInfeasible
        self.match = match
        self.wholeSteps = wholeSteps
        self.wholeSeconds = wholeSeconds
        self.endValue = endValue
    }
}

/// A simulated sweep at its end.
package struct SimulationResult: Sendable {
    /// The sweep as the engine knows it.
    package let state: SweepState
    /// By number.
    package let trials: [SimulatedTrial]
    /// In the order of virtual time.
    package let reports: [SimulatedReport]
    /// Virtual time from the start to the end.
    package let seconds: Double
    /// Steps of all trials, those that were trained twice for want of a checkpoint included.
    package let stepsTrained: Int64
    /// The time of those steps, over all workers.
    package let secondsTrained: Double
    /// The best that any row of the table comes to when it is trained to the end; nil when all diverge.
    package let bestOfTable: Double?
    /// It was given up: `VirtualSweep.Options.turnLimit`.
    package let isCutShort: Bool

    /// Trials that began.
    package var begun: Int { trials.count { $0.match != nil } }
    /// Trials whose configuration the table lacks: the nearest row stood for them.
    package var unmatched: Int { trials.count { $0.match?.isExact == false } }

    package func count(_ state: Trial.State) -> Int { self.state.counts[state] }

    /// The trial with the best value.
    package var best: SimulatedTrial? { state.best.map { trials[$0.trial] } }

    /// Steps that training each trial that began to its end would have taken.
    package var wholeSteps: Int64 { trials.reduce(0) { $0 + $1.wholeSteps } }
    package var wholeSeconds: Double { trials.reduce(0) { $0 + $1.wholeSeconds } }
}
