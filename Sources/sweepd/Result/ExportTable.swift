// SPDX-License-Identifier: MIT

import SweepEngine
import SweepModel
import WorkerProtocol

/// A sweep's trials and reports, written row by row: of the reports, no more than one trial's are in memory.
struct ExportTable {
    let sweep: SweepRecord
    let records: [TrialRecord]
    let reports: (Int) throws -> [ReportRecord]

    private var parameters: [String] { sweep.definition.space.parameters.map(\.name) }

    /// A row a trial.
    func writeTrials(to output: inout ByteOutput) throws -> Int {
        // Two passes: a metric that only the last trial reports needs its columns in the first row.
        let metrics = try metricNames()
        let fixed = [
            "trial", "state", "value", "value_step", "infeasible", "source", "attempts", "last_step", "seconds",
            "seconds_per_step", "peak_memory_bytes", "failure",
        ]
        try output.write(
            CSV.row(
                fixed + parameters.map { "param.\($0)" }
                    + metrics.flatMap { ["last.\($0)", "min.\($0)", "max.\($0)"] }))
        for record in records {
            let tallies = try MetricTally.of(reports(record.number))
            try output.write(
                CSV.row(
                    cells(record)
                        + metrics.flatMap { name in
                            let tally = tallies.first { $0.name == name }
                            return [tally?.last, tally?.low, tally?.high].map { CSV.number($0) }
                        }))
        }
        return records.count
    }

    private func cells(_ record: TrialRecord) -> [String] {
        [
            "\(record.number)", record.state.rawValue, CSV.number(record.value), Self.text(record.valueStep),
            record.isInfeasible ? "true" : "false", record.sourceName, "\(record.attempts)", Self.text(record.lastStep),
            CSV.number(record.seconds), CSV.number(record.secondsPerStep), Self.text(record.peakMemoryBytes),
            record.state == .failed ? record.failure?.message ?? "" : "",
        ] + parameters.map { CSV.value(record.configuration[$0]) }
    }

    /// A row a report.
    func writeReports(to output: inout ByteOutput) throws -> Int {
        let metrics = try metricNames()
        try output.write(CSV.row(["trial", "attempt", "step", "at_ms"] + metrics))
        var rows = 0
        for record in records {
            for report in try reports(record.number) {
                let cells = metrics.map { name in CSV.number(report.metrics.last { $0.name == name }?.value) }
                try output.write(
                    CSV.row(
                        ["\(record.number)", "\(report.attempt)", "\(report.step)", Self.text(report.at?.milliseconds)]
                            + cells))
                rows += 1
            }
        }
        return rows
    }

    /// JSON lines: `type` says what each is.
    func writeLines(withReports: Bool, to output: inout ByteOutput) throws -> Int {
        var rows = 1
        func line(_ type: String, _ members: [JSONValue.Member]) -> String {
            JSONValue.object([.init("type", .string(type))] + members).text + "\n"
        }
        try output.write(line("sweep", [JSONOutput.schema("export")] + sweep.members))
        for record in records {
            try output.write(line("trial", record.members))
            rows += 1
            guard withReports else { continue }
            for report in try reports(record.number) {
                try output.write(line("report", [.init("trial", JSONOutput.integer(record.number))] + report.members))
                rows += 1
            }
        }
        return rows
    }

    /// In the order in which they first appear.
    private func metricNames() throws -> [String] {
        var names: [String] = []
        var known: Set<String> = []
        for record in records {
            for metric in try reports(record.number).lazy.flatMap(\.metrics) where known.insert(metric.name).inserted {
                names.append(metric.name)
            }
        }
        return names
    }

    private static func text(_ value: Int64?) -> String { value.map { "\($0)" } ?? "" }
}

extension ReportRecord {
    var members: [JSONValue.Member] {
        [
            .init("attempt", JSONOutput.integer(attempt)), .init("step", .integer(step)),
            .init("at_ms", JSONOutput.integer(at?.milliseconds)),
            .init("metrics", .object(metrics.map { .init($0.name, .number($0.value)) })),
        ]
    }
}
