// SPDX-License-Identifier: MIT

import Coordinator
import SweepEngine
import SweepModel
import WorkerAgent

/// Says whether the one trial of `run --check` did what a sweep needs.
struct CheckReport {
    let data: DataDirectory
    let sweep: SweepID
    let json: Bool

    /// - Throws: `ExitStatus` unless the command works.
    func tell(_ outcome: RunSession.Outcome) throws {
        if case .interrupted = outcome { throw ExitStatus.interrupted }
        let reader = try ResultReader(data)
        let record = try reader.sweep(id: sweep)
        let trial = try reader.record(of: sweep, trial: 0)
        let reports = try reader.reports(of: sweep, trial: 0)
        let verdict = Verdict(sweep: record, trial: trial, reports: reports)
        if json {
            let members: [JSONValue.Member] = [
                .init("works", .bool(verdict.works)), .init("lines", .array(verdict.lines.map { .string($0) })),
            ]
            Terminal.line(JSONOutput.text("check", members))
        } else {
            Terminal.line()
            for line in verdict.lines { Terminal.line(line) }
        }
        guard case .finished = verdict.status else { throw verdict.status }
    }

    struct Verdict {
        let lines: [String]
        let status: ExitStatus

        var works: Bool {
            if case .finished = status { true } else { false }
        }

        init(sweep: SweepRecord, trial: TrialRecord?, reports: [ReportRecord]) {
            guard let trial else {
                (lines, status) = (["no trial was run: the search space has no configuration"], .noTrialCompleted)
                return
            }
            let metric = sweep.objective.metric
            let tallies = MetricTally.of(reports)
            var lines = ["parameters: " + Format.configuration(trial.configuration)]
            lines += Self.metrics(tallies)
            if let seconds = trial.secondsPerStep { lines.append("a step takes \(Format.shortDuration(seconds))") }
            if let memory = trial.peakMemoryBytes { lines.append("peak memory \(Format.bytes(memory))") }
            if trial.isRanked {
                let value = "\(Format.printable(metric)) = \(Format.number(trial.value))"
                let took = trial.seconds.map { " in \(Format.duration(seconds: $0))" } ?? ""
                self.lines = lines + ["the command works: the trial \(trial.state.rawValue)\(took), \(value)"]
                status = .finished
                return
            }
            if let failure = trial.failure {
                lines.append("the trial failed: \(Format.printable(failure.message))")
                let output = failure.tail.split(whereSeparator: \.isNewline).suffix(20)
                if !output.isEmpty {
                    lines.append("the end of its output:")
                    lines += output.map { "  | " + Format.printable(String($0)) }
                }
            } else {
                lines.append("the trial ended as \(trial.state.rawValue) without a value")
            }
            let isNamedWrongly = !tallies.isEmpty && !tallies.contains { $0.name == metric }
            // The worker's own message names them already.
            if isNamedWrongly, trial.failure == nil {
                let nearest =
                    nearestWord(to: metric, in: tallies.map(\.name))
                    .map { ": did you mean \(Format.printable($0))?" } ?? ""
                lines.append(
                    "the sweep file's metric '\(Format.printable(metric))' is none of those the script reports\(nearest)"
                )
            }
            self.lines = lines
            status = isNamedWrongly ? .badInput : .noTrialCompleted
        }

        private static func metrics(_ tallies: [MetricTally]) -> [String] {
            guard !tallies.isEmpty else {
                return [
                    "no metric was reported: a script prints or reports at least one, e.g. `sweepd report loss=0.31`"
                ]
            }
            var table = TextTable([
                .init("metric"), .init("reports", .right), .init("first", .right), .init("last", .right),
            ])
            for tally in tallies.prefix(20) {
                table.add([
                    Format.printable(tally.name), "\(tally.count)", Format.number(tally.first),
                    Format.number(tally.last),
                ])
            }
            return table.lines() + (tallies.count > 20 ? ["  and \(tallies.count - 20) more"] : [])
        }
    }
}
