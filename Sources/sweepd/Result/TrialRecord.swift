// SPDX-License-Identifier: MIT

import SweepEngine
import SweepModel

/// A trial as results are made of it, wherever it was read from.
struct TrialRecord: Sendable {
    struct Failure: Sendable {
        /// An `AttemptFailure.Cause`, "lost" or "forgotten".
        let cause: String
        let message: String
        /// The end of the output.
        let tail: String
    }

    var number: Int
    var state: Trial.State
    var source: TrialSource = .sampler(index: 0)
    var configuration: Configuration
    /// The objective by the sweep's summary rule.
    var value: Double?
    var valueStep: Int64?
    var isInfeasible = false
    var attempts = 1
    /// Attempts lost with their worker, and the user's own failures.
    var losses = 0
    var failures = 0
    /// The last reported step.
    var lastStep: Int64?
    var seconds: Double?
    var secondsPerStep: Double?
    var peakMemoryBytes: Int64?
    /// Why the last attempt failed or was lost.
    var failure: Failure?
    /// Why it was stopped early.
    var stopReason: String?
    /// What a pruner said of it, and what was done about it.
    var judgement: Judgement?
    /// When its first attempt started.
    var startedAt: Timestamp?

    /// What `best` and the ranking choose from: the engine's own rule.
    var isRanked: Bool {
        (state == .completed || state == .stopped || state == .paused) && value?.isFinite == true && !isContinuation
    }

    /// Trained further from another trial's end, and so compared with none.
    var isContinuation: Bool { source.isContinuation }

    /// The trial it continues.
    var parent: Int? { source.parent }

    /// The step a continued trial is trained to.
    var untilStep: Int64? { source.until }

    var isBaseline: Bool {
        if case .baseline = source { true } else { false }
    }
}

/// A reported value of the objective.
struct CurvePoint: Hashable, Sendable {
    let step: Int64
    let value: Double
}

/// A sweep as results are made of it.
struct SweepRecord: Sendable {
    var id: SweepID
    var definition: SweepDefinition
    var phase: SweepState.Phase
    /// Whether a coordinator is at work on it now.
    var isLive = false
    var createdAt: Timestamp?
    /// Wall-clock time spent on it, over all processes.
    var elapsed: Duration?

    var name: String { definition.name }
    var objective: Objective { definition.objective }

    /// One word for tables and scripts.
    var state: String {
        switch phase {
        case .finished(.cancelled): "cancelled"
        case .finished: "finished"
        case .paused: "paused"
        case .running: isLive ? "running" : "interrupted"
        }
    }
}

extension SearchSpace {
    /// The parameters worth a column: not those with one value for all trials.
    var variedNames: [String] {
        parameters.compactMap { parameter in
            if case .constant = parameter.distribution { nil } else { parameter.name }
        }
    }
}
