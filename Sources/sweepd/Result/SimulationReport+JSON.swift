// SPDX-License-Identifier: MIT

import Simulation
import SweepEngine
import SweepModel

extension SimulationReport {
    var document: String {
        JSONOutput.text(
            "simulate",
            [
                .init("sweep", .string(definition.name)), .init("method", .string(definition.method.rawValue)),
                .init("metric", .string(definition.objective.metric)),
                .init("goal", .string(definition.objective.goal.rawValue)),
                .init("workers", JSONOutput.integer(workers)), .init("within", .number(within)),
                .init("table", tableJSON), .init("notes", .array(notes.map(JSONValue.string))),
                .init("rules", .array(entries.map { json($0) })),
            ])
    }

    private var tableJSON: JSONValue {
        .object([
            .init("path", .string(path)), .init("configurations", JSONOutput.integer(table.rows.count)),
            .init("curves", JSONOutput.integer(table.curveCount)),
            .init("points", JSONOutput.integer(table.pointCount)),
            .init("left_out", JSONOutput.integer(table.leftOut)),
            .init("last_step", .integer(table.lastStep)), .init("timed", .bool(table.isTimed)),
            .init("best", JSONOutput.number(bestOfTable)),
        ])
    }

    private func json(_ entry: Entry) -> JSONValue {
        let series = entry.series
        func median(_ name: String, _ quantity: (Assessment) -> Double?) -> JSONValue.Member {
            .init(name, JSONOutput.number(series.median(quantity)))
        }
        return .object([
            .init("rule", .string(entry.rule)), .init("missed", JSONOutput.integer(series.missed)),
            .init(
                "median",
                .object([
                    median("regret", \.regret),
                    median("reached_steps") { $0.reached.map { Double($0.stepsTrained) } },
                    median("reached_seconds") { $0.reached?.seconds },
                    median("steps") { Double($0.steps) }, median("share_of_steps", \.shareOfSteps),
                    median("seconds", \.seconds), median("training_seconds", \.secondsTrained),
                    median("begun") { Double($0.begun) }, median("stopped") { Double($0.counts[.stopped]) },
                    median("completed") { Double($0.counts[.completed]) },
                ])),
            .init("runs", .array(series.runs.map { json($0) })),
        ])
    }

    private func json(_ run: Assessment) -> JSONValue {
        let best: JSONValue =
            run.best.map { trial in
                .object([
                    .init("trial", JSONOutput.integer(trial.number)), .init("value", JSONOutput.number(trial.value)),
                    .init("end_value", JSONOutput.number(trial.endValue)),
                    .init("parameters", trial.configuration.json),
                ])
            } ?? .null
        let reached: JSONValue =
            run.reached.map { report in
                .object([
                    .init("trial", JSONOutput.integer(report.trial)), .init("step", .integer(report.step)),
                    .init("value", .number(report.value)), .init("steps", .integer(report.stepsTrained)),
                    .init("seconds", .number(report.seconds)),
                ])
            } ?? .null
        return .object([
            // As text: a 64-bit seed is more than most readers' numbers hold.
            .init("seed", .string(String(run.seed))), .init("outcome", .string(outcome(run))),
            .init("reason", JSONOutput.string(reason(run))), .init("best", best),
            .init("regret", JSONOutput.number(run.regret)), .init("reached", reached),
            .init("steps", .integer(run.steps)), .init("whole_steps", .integer(run.wholeSteps)),
            .init("share_of_steps", JSONOutput.number(run.shareOfSteps)), .init("seconds", .number(run.seconds)),
            .init("training_seconds", .number(run.secondsTrained)),
            .init("whole_training_seconds", .number(run.wholeSeconds)),
            .init("begun", JSONOutput.integer(run.begun)), .init("unmatched", JSONOutput.integer(run.unmatched)),
            .init(
                "counts",
                .object(
                    Trial.State.allCases.map { .init($0.rawValue, JSONOutput.integer(run.counts[$0])) })),
        ])
    }

    private func outcome(_ run: Assessment) -> String {
        if run.isCutShort { return "given_up" }
        switch run.phase {
        case .finished: return "finished"
        case .paused: return "paused"
        case .running: return "standstill"
        }
    }

    private func reason(_ run: Assessment) -> String? {
        if case .finished(let reason) = run.phase { reason.rawValue } else { nil }
    }
}
