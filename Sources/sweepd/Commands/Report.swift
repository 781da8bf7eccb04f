// SPDX-License-Identifier: MIT

import ArgumentParser
import Foundation
import SweepModel
import WorkerAgent
import WorkerProtocol

struct Report: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Report metrics from inside a trial's command, in any language.",
        discussion: """
            Returns when the worker has the report. Values are numbers, nan, inf or -inf. Outside a trial it prints the \
            report and succeeds, so that a script also runs by itself.

            Example:
              sweepd report loss=0.31 acc=0.9 --step 4
            """)

    @Argument(help: "Metrics, each as name=value.") var metrics: [String]
    @Option(help: "The step they belong to (default: one more than the last).") var step: Int64?
    @Flag(help: "Print JSON.") var json = false

    func validate() throws {
        if let step, step < 0 { throw ValidationError("--step must be at least 0, not \(step)") }
    }

    func run() throws {
        let values = try Self.parse(metrics)
        guard let path = ProcessInfo.processInfo.environment["SWEEPD_SOCKET"], !path.isEmpty else {
            if json {
                Terminal.line(Self.document(values, step: step, isInTrial: false))
            } else {
                let step = step.map { "step \($0): " } ?? ""
                let shown = values.map { "\(Format.printable($0.name))=\(Format.number($0.value))" }
                Terminal.line("\(step)\(shown.joined(separator: " ")) (not inside a sweep, nothing was recorded)")
            }
            return
        }
        try ReportSocket(path: path).send(Self.message(values, step: step))
        if json { Terminal.line(Self.document(values, step: step, isInTrial: true)) }
    }

    static func document(_ values: [MetricValue], step: Int64?, isInTrial: Bool) -> String {
        JSONOutput.text(
            "report",
            [
                .init("in_trial", .bool(isInTrial)), .init("step", JSONOutput.integer(step)),
                .init("metrics", object(values)),
            ])
    }

    /// The line the worker gets.
    static func message(_ values: [MetricValue], step: Int64?) -> JSONValue {
        .object(
            [.init("type", .string("report")), .init("id", .integer(1))]
                + (step.map { [.init("step", .integer($0))] } ?? []) + [.init("metrics", object(values))])
    }

    private static func object(_ values: [MetricValue]) -> JSONValue {
        .object(values.map { .init($0.name, .number($0.value)) })
    }

    /// - Throws: `UserError` that names the word at fault.
    static func parse(_ words: [String]) throws -> [MetricValue] {
        var values: [MetricValue] = []
        for word in words {
            let shown = Format.printable(word)
            guard let equals = word.firstIndex(of: "=") else {
                throw UserError("'\(shown)': expected name=value, such as loss=0.31")
            }
            let name = String(word[..<equals]), text = String(word[word.index(after: equals)...])
            if let fault = ReportLine.fault(inName: name) { throw UserError("'\(shown)': \(fault)") }
            guard let value = MetricText.number(text) else {
                throw UserError(
                    "'\(shown)': '\(Format.printable(text))' is no number; expected one like 0.31, 2e-5, nan or inf")
            }
            if values.contains(where: { $0.name == name }) {
                throw UserError("'\(shown)': the metric '\(Format.printable(name))' is given twice")
            }
            values.append(MetricValue(name, value))
        }
        return values
    }
}
