// SPDX-License-Identifier: MIT

import SweepEngine
import SweepModel

@testable import sweepd

/// Sweeps that never ran, for tests of what is said about them.
enum Synthetic {
    static let space = SearchSpace([
        Parameter("lr", .real(law: .logUniform(low: 1e-4, high: 1), quantum: nil)),
        Parameter("units", .integer(low: 8, high: 256, step: 1, log: false)),
    ])

    static func definition(
        metric: String = "loss", goal: Objective.Goal = .minimize, trials: Int? = 10, space: SearchSpace = space
    ) -> SweepDefinition {
        SweepDefinition(
            name: "synthetic", method: .random, objective: Objective(metric: metric, goal: goal), space: space,
            trials: trials, seed: 7)
    }

    static func sweep(
        _ definition: SweepDefinition = definition(), phase: SweepState.Phase = .finished(.trials)
    ) -> SweepRecord {
        SweepRecord(id: SweepID(1), definition: definition, phase: phase, elapsed: .seconds(90))
    }

    static func configuration(lr: Double, units: Int64 = 64) -> Configuration {
        Configuration([.init("lr", .number(lr)), .init("units", .integer(units))])
    }

    static func trial(
        _ number: Int, _ value: Double?, lr: Double? = nil, units: Int64 = 64, state: Trial.State = .completed
    ) -> TrialRecord {
        TrialRecord(
            number: number, state: state,
            configuration: configuration(lr: lr ?? 0.01 + 0.001 * Double(number), units: units), value: value,
            seconds: 2, secondsPerStep: 0.1, peakMemoryBytes: 200 << 20)
    }

    static func failed(_ number: Int, _ message: String, infeasible: Bool = false) -> TrialRecord {
        var record = trial(number, nil, state: .failed)
        record.isInfeasible = infeasible
        record.failure = .init(cause: infeasible ? "memory" : "user", message: message, tail: "")
        return record
    }

    static func curve(_ values: [Double]) -> [CurvePoint] {
        values.enumerated().map { CurvePoint(step: Int64($0.offset + 1), value: $0.element) }
    }

    static func result(
        _ records: [TrialRecord], definition: SweepDefinition = definition(),
        phase: SweepState.Phase = .finished(.trials), curves: [Int: [CurvePoint]] = [:]
    ) -> SweepResult {
        SweepResult(sweep: sweep(definition, phase: phase), records: records) { curves[$0] ?? [] }
    }

    static func text(_ result: SweepResult) -> String {
        ResultPage(
            result: result, headline: Headline(result.sweep), hints: Hints(data: nil)
        ).lines(width: 200).joined(separator: "\n")
    }
}
