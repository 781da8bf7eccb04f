// SPDX-License-Identifier: MIT

import ArgumentParser
import SweepModel
import WorkerProtocol

struct Export: ParsableCommand {
    enum Style: String, ExpressibleByArgument, CaseIterable { case csv, jsonl }

    static let configuration = CommandConfiguration(
        abstract: "Write a sweep's trials as CSV or JSON lines.",
        discussion: """
            CSV has a row for each trial, with a column for each parameter (param.NAME) and for the last, least and \
            greatest value of each metric (last.NAME, min.NAME, max.NAME); with --reports, a row for each report. JSON \
            lines hold everything: the sweep first, then each trial, with --reports followed by its reports.

            Example:
              sweepd export digits --format csv --output digits.csv
              sweepd export digits --format jsonl --reports | gzip > digits.jsonl.gz
            """)

    @Argument(help: SweepArgument.help) var sweep: String?
    @Option(help: "csv or jsonl.") var format: Style = .csv
    @Flag(help: "Every report, not only every trial.") var reports = false
    @Option(name: .shortAndLong, help: ArgumentHelp("The file to write (default: standard output).", valueName: "file"))
    var output: String?
    @OptionGroup var data: DataOptions
    @Flag(help: "Say as JSON what was written; needs --output.") var json = false

    func validate() throws {
        if json, output == nil {
            throw ValidationError("--json says what was written to --output; for rows as JSON use --format jsonl")
        }
    }

    func run() throws {
        let subject = try Subject.find(sweep, data: data)
        let records = try subject.reader.records(of: subject.sweep.id)
        var target = try output.map { try ByteOutput.file($0) } ?? .standard
        let read = { try subject.reader.reports(of: subject.sweep.id, trial: $0) }
        let table = ExportTable(sweep: subject.sweep, records: records, reports: read)
        let rows: Int
        switch (format, reports) {
        case (.csv, false): rows = try table.writeTrials(to: &target)
        case (.csv, true): rows = try table.writeReports(to: &target)
        case (.jsonl, let reports): rows = try table.writeLines(withReports: reports, to: &target)
        }
        try target.close()
        guard let output else { return }
        if json {
            Terminal.line(Self.document(subject.sweep.name, output, format, trials: records.count, rows: rows))
        } else {
            Terminal.line("\(output): \(Format.plural(rows, "row"))")
        }
    }

    static func document(_ sweep: String, _ output: String, _ format: Style, trials: Int, rows: Int) -> String {
        JSONOutput.text(
            "export",
            [
                .init("sweep", .string(sweep)), .init("output", .string(output)),
                .init("format", .string(format.rawValue)), .init("trials", JSONOutput.integer(trials)),
                .init("rows", JSONOutput.integer(rows)),
            ])
    }
}
