// SPDX-License-Identifier: MIT

import ArgumentParser
import Foundation
import SearchAlgorithms
import Simulation
import SweepEngine
import SweepModel

struct Simulate: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Run a sweep against recorded learning curves: what would it have found, and at what cost?",
        discussion: """
            Nothing is trained: trials replay the curves of a table, in virtual time, with the sampler, the rules and \
            the engine of a real run. With --compare the sweep is run with several early-stopping rules, to choose one \
            before spending any GPU time.

            The table is CSV: a header, then a line for each step of each training. It has a column for each parameter \
            (its full name), one named step, one for the metric, and perhaps seed (of the training) and seconds (that \
            the step took; 1 without). For a configuration that it lacks the nearest one stands.

            Examples:
              sweepd simulate sweep.yaml --curves curves.csv
              sweepd simulate sweep.yaml --curves curves.csv --compare asha,median,none --repeat 20
              sweepd simulate sweep.yaml --curves curves.csv --compare 'file,{type: asha, eta: 4}'
            """)

    @Argument(help: "The sweep file.", completion: .file(extensions: ["yaml", "yml"]))
    var file: String

    @Option(
        help: ArgumentHelp("The table of recorded learning curves.", valueName: "table"),
        completion: .file(extensions: ["csv"]))
    var curves: String

    @Option(
        help: ArgumentHelp(
            "Rules to run in place of the file's early_terminate: types, none, file (its own), or mappings as in the "
                + "sweep file.", valueName: "rules"))
    var compare: [String] = []

    @Option(name: .customLong("repeat"), help: "Runs of each rule, with one seed after the other.")
    var runs = 1

    @Option(name: .shortAndLong, help: "Trials that run at once (default: the sweep file's, else 1).")
    var workers: Int?

    @Option(help: "Trials in total (default: the file's).")
    var trials: Int?

    @Option(help: "The sweep's seed, the first one with --repeat (default: the file's, else 0).")
    var seed: UInt64?

    @Option(help: "Replay only the curves with this seed (default: each trial's seed chooses among the table's).")
    var curveSeed: Int64?

    @Option(
        help: ArgumentHelp(
            "The script saves a checkpoint at every so many reports; 0: never.", valueName: "reports"))
    var checkpointEvery = 1

    @Option(
        help: ArgumentHelp("The script trains so many steps on after it is told to stop.", valueName: "steps"))
    var latency = 0

    @Option(
        help: ArgumentHelp(
            "How near to the table's best is near, in percent of its value.", valueName: "percent"))
    var within = 10.0

    @Option(
        help: ArgumentHelp(
            "Write each report as a JSON line, in the order of virtual time; for a single run.", valueName: "file"))
    var trace: String?

    @Flag(help: "Print JSON.") var json = false

    func validate() throws {
        func require(_ range: ClosedRange<Int>, _ name: String, _ value: Int?) throws {
            if let value, !range.contains(value) {
                throw ValidationError(
                    "\(name) must be from \(range.lowerBound) to \(range.upperBound), not \(value)")
            }
        }
        try require(1...4096, "--workers", workers)
        try require(1...1_000_000, "--trials", trials)
        try require(1...1000, "--repeat", runs)
        try require(0...1_000_000, "--checkpoint-every", checkpointEvery)
        try require(0...1_000_000, "--latency", latency)
        if !(0...1000).contains(within) { throw ValidationError("--within must be from 0 to 1000, not \(within)") }
        if rules.contains(where: \.name.isEmpty) {
            throw ValidationError("--compare needs names of rules between its commas: asha,median,none")
        }
        if trace != nil, runs > 1 || rules.count > 1 {
            throw ValidationError("--trace writes a single run: leave out --repeat, and compare one rule only")
        }
    }

    func run() throws {
        let source = try SweepSource.read(file, overrides: overrides)
        // A missing command is no matter here.
        for warning in source.warnings where warning.field != "command" { Terminal.error("\(warning)") }
        let definition = source.definition
        try requireEnd(of: definition)
        let table = try table(for: definition)
        let contestants = try rules.map { try Contestant($0, definition, table) }
        for contestant in contestants {
            for warning in contestant.warnings { Terminal.error("\(warning)") }
        }
        tellChoices(source)
        var report = SimulationReport(
            definition: definition, table: table, path: curves, workers: options(definition).workers,
            within: within / 100, isComparison: !compare.isEmpty)
        for (place, contestant) in contestants.enumerated() {
            let series = try run(contestant, table, done: place * runs, of: contestants.count * runs)
            report.entries.append(.init(rule: contestant.label, series: series))
        }
        if json {
            Terminal.line(report.document)
        } else {
            for line in report.lines(width: Terminal.width, file: file) { Terminal.line(line) }
        }
    }

    private func table(for definition: SweepDefinition) throws -> CurveTable {
        let bytes = try InputFile(path: curves, shown: curves, kind: "a table of curves").bytes(
            limit: CurveTable.byteLimit)
        do throws(CurveTableError) {
            let table = try CurveTable.read([UInt8](bytes), for: definition)
            return try curveSeed.map { seed throws(CurveTableError) in try table.only(seed: seed) } ?? table
        } catch {
            throw UserError(Format.printable(error.text(file: curves)))
        }
    }

    private var rules: [ComparedRule] {
        compare.isEmpty ? [.file] : compare.flatMap { ComparedRule.list($0) }
    }

    private var overrides: SweepFile.Overrides {
        var overrides = SweepFile.Overrides()
        overrides.trials = trials
        overrides.seed = seed
        overrides.workers = workers
        return overrides
    }

    private func options(_ definition: SweepDefinition) -> VirtualSweep.Options {
        VirtualSweep.Options(
            workers: definition.workers ?? 1, curveSeed: curveSeed, checkpointEvery: checkpointEvery,
            latencySteps: latency)
    }

    /// A sweep without a total would replay the table for ever.
    private func requireEnd(of definition: SweepDefinition) throws {
        let limits = definition.limits
        let hasLimit = limits.steps != nil || limits.sweep != nil || limits.noImprovement != nil
        if definition.trials == nil, !hasLimit, definition.space.cardinality == nil {
            throw UserError("\(file): says neither trials nor a limit, so it would never end: add --trials 60")
        }
    }

    /// What `auto` picks. The file's rule is told only where it is run.
    private func tellChoices(_ source: SweepSource) {
        var definition = source.definition
        definition.workers = options(definition).workers
        if !rules.contains(.file) { definition.earlyTermination = nil }
        SweepSource(path: source.path, definition: definition, warnings: [], namesSeed: true)
            .tellChoice(to: json ? .error : .output)
    }

    private func run(
        _ contestant: Contestant, _ table: CurveTable, done: Int, of total: Int
    ) throws -> AssessmentSeries {
        // A model's fits may take a while.
        let showsProgress = total > 1 && Terminal.isInteractive(.error)
        defer { if showsProgress { Terminal.write("\r\u{1B}[K", to: .error) } }
        var assessments: [Assessment] = []
        for place in 0..<runs {
            if showsProgress { Terminal.write("\rrun \(done + place + 1) of \(total)", to: .error) }
            var definition = contestant.definition
            definition.seed &+= UInt64(place)
            let result: SimulationResult
            do {
                result = try VirtualSweep(definition, table: table, options: options(definition)).run()
            } catch {
                throw UserError("\(error)")
            }
            if let trace { try TraceFile(path: trace).write(result) }
            assessments.append(Assessment(result, tolerance: within / 100))
        }
        return AssessmentSeries(assessments)
    }
}

/// A rule that is run, with the definition that has it.
private struct Contestant {
    let label: String
    let definition: SweepDefinition
    let warnings: [Diagnostic]

    init(_ rule: ComparedRule, _ definition: SweepDefinition, _ table: CurveTable) throws {
        do {
            (self.definition, warnings) = try rule.applied(to: definition, lastStep: table.lastStep)
        } catch {
            throw UserError("\(error)")
        }
        let chosen = self.definition.withChoicesMade.earlyTermination?.rule.name ?? "none"
        // Where the name does not say what is run.
        label = rule == .file || rule.name == "auto" ? "\(rule.name) (\(chosen))" : rule.name
    }
}

/// What was reported when, as JSON lines.
private struct TraceFile {
    let path: String

    func write(_ result: SimulationResult) throws {
        var output = try ByteOutput.file(path)
        for report in result.reports { try output.write(Self.line(report, result.trials[report.trial]) + "\n") }
        try output.close()
    }

    static func line(_ report: SimulatedReport, _ trial: SimulatedTrial) -> String {
        JSONValue.object([
            .init("trial", JSONOutput.integer(report.trial)), .init("params", trial.configuration.json),
            .init("step", .integer(report.step)),
            // Numbers only: a reader of many lines need not know of "NaN" and "Infinity".
            .init("value", report.value.isFinite ? .number(report.value) : .null),
            .init("seconds", .number(report.seconds)),
        ]).text
    }
}
