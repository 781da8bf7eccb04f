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
        let table = try CurveFile(path: curves).read(for: definition, seed: curveSeed)
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

/// The table's file.
private struct CurveFile {
    let path: String

    /// - Parameter seed: leaves only the curves that have it.
    func read(for definition: SweepDefinition, seed: Int64?) throws -> CurveTable {
        let bytes = try bytes()
        do throws(CurveTableError) {
            let table = try CurveTable.read(bytes, for: definition)
            return try seed.map { seed throws(CurveTableError) in try table.only(seed: seed) } ?? table
        } catch {
            throw UserError(Format.printable(error.text(file: path)))
        }
    }

    private func bytes() throws -> [UInt8] {
        var isDirectory: ObjCBool = false
        guard FileManager.default.fileExists(atPath: path, isDirectory: &isDirectory) else {
            throw UserError("\(path): no such file")
        }
        if isDirectory.boolValue { throw UserError("\(path) is a directory, not a table of curves") }
        guard let handle = FileHandle(forReadingAtPath: path) else {
            throw UserError("\(path): cannot be read: \(String(cString: strerror(errno)))")
        }
        defer { try? handle.close() }
        do {
            // One more than the reader takes, so that it refuses what is longer.
            return [UInt8](try handle.read(upToCount: CurveTable.byteLimit + 1) ?? Data())
        } catch {
            throw UserError("\(path): cannot be read: \(error.localizedDescription)")
        }
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

/// What the simulated sweeps found and cost, for people and for programs.
struct SimulationReport {
    struct Entry {
        let rule: String
        let series: AssessmentSeries
    }

    let definition: SweepDefinition
    let table: CurveTable
    let path: String
    let workers: Int
    /// As a share of the table's best.
    let within: Double
    let isComparison: Bool
    /// Each with as many runs.
    var entries: [Entry] = []

    private var runs: Int { entries.first?.series.runs.count ?? 0 }
    private var metric: String { Format.printable(definition.objective.metric) }
    private var percent: String { "\(Format.number((within * 1000).rounded() / 10)) %" }
    private var bestOfTable: Double? { entries.first?.series.runs.first?.bestOfTable }

    func lines(width: Int?, file: String) -> [String] {
        let isSingle = entries.count == 1 && runs == 1
        let page = isSingle ? entries[0].series.runs.first.map(single) ?? [] : comparison(width)
        return page + notes + (isComparison ? [] : next(file))
    }

    /// What a configuration comes to, where it was trained more than once.
    private var means: String { table.curveCount > table.rows.count ? " (mean over the table's seeds)" : "" }

    // MARK: one run

    private func single(_ run: Assessment) -> [String] {
        let seeds = "seed \(run.seed)"
        let slots = Format.plural(workers, "worker")
        var lines = ["\(Format.printable(definition.name)): simulated with \(slots), \(seeds); \(ending(run))", ""]
        if let best = run.best, let value = best.value {
            lines.append("Best: trial \(best.number), \(metric) \(Format.number(value))")
            lines.append("  " + Format.configuration(best.configuration))
            lines.append("  " + standing(run))
        } else {
            lines.append("No trial has a value of \(metric).")
        }
        lines.append("  " + arrival(run))
        lines.append("")
        let counts = Trial.State.allCases.filter { $0.isOver && run.counts[$0] > 0 }
            .map { "\(run.counts[$0]) \($0.rawValue)" }
        lines.append("Trials: \(run.begun) begun" + (counts.isEmpty ? "" : ": " + counts.joined(separator: ", ")))
        var cost = "Cost: \(run.steps) steps"
        if let share = run.shareOfSteps {
            cost += ", \(Self.percent(share)) of the \(run.wholeSteps) that training all of them to the end takes"
        }
        lines.append(cost)
        if table.isTimed {
            let share = run.shareOfSeconds.map { ", \(Self.percent($0)) of what all of them take" } ?? ""
            lines.append(
                "Time: \(Format.duration(seconds: run.seconds)) with \(slots); "
                    + "\(Format.duration(seconds: run.secondsTrained)) of training\(share)")
        }
        return lines
    }

    private func ending(_ run: Assessment) -> String {
        if run.isCutShort { return "given up, since it does not end" }
        switch run.phase {
        case .finished(let reason): return "finished" + (reason.explanation.map { ", \($0)" } ?? "")
        case .paused: return "paused, because the first trials failed and none succeeded"
        case .running: return "it came to a standstill"
        }
    }

    private func standing(_ run: Assessment) -> String {
        guard let end = run.best?.endValue else { return "Trained to the end, it diverges." }
        let text = "Trained to the end, it comes to \(Format.number(end))\(means)"
        guard let regret = run.regret, let best = run.bestOfTable else { return text + "." }
        if regret == 0 { return text + ", the table's best." }
        return text + "; the table's best is \(Format.number(best)): regret \(Format.number(regret))."
    }

    private func arrival(_ run: Assessment) -> String {
        guard let reached = run.reached else { return "Nothing came within \(percent) of the table's best." }
        let time = table.isTimed ? " and \(Format.duration(seconds: reached.seconds))" : ""
        return "Within \(percent) of the table's best after \(reached.stepsTrained) steps\(time): "
            + "trial \(reached.trial), \(metric) \(Format.number(reached.value)) at step \(reached.step)."
    }

    // MARK: several

    private func comparison(_ width: Int?) -> [String] {
        let first = definition.seed
        let seeds = runs == 1 ? "seed \(first)" : "seeds \(first) to \(first &+ UInt64(runs - 1))"
        let slots = Format.plural(workers, "worker")
        let medians = runs == 1 ? "" : "; medians of \(runs) runs"
        var columns: [TextTable.Column] = [
            .init("rule"), .init("regret", .right), .init("steps to \(percent)", .right), .init("steps", .right),
            .init("of all", .right), .init("begun", .right), .init("stopped", .right), .init("completed", .right),
        ]
        if table.isTimed { columns.append(.init("time", .right)) }
        if runs > 1 { columns.append(.init("missed", .right)) }
        var page = TextTable(columns)
        for entry in entries {
            let series = entry.series
            var cells = [
                Format.printable(entry.rule), Format.number(series.median(\.regret)),
                series.median { $0.reached.map { Double($0.stepsTrained) } }.map { Format.number($0) } ?? "never",
                Format.number(series.median { Double($0.steps) }),
                series.median(\.shareOfSteps).map(Self.percent) ?? "–",
                Format.number(series.median { Double($0.begun) }),
                Format.number(series.median { Double($0.counts[.stopped]) }),
                Format.number(series.median { Double($0.counts[.completed]) }),
            ]
            if table.isTimed { cells.append(series.median(\.seconds).map { Format.duration(seconds: $0) } ?? "–") }
            if runs > 1 { cells.append("\(series.missed) of \(runs)") }
            page.add(cells)
        }
        let lines = ["\(Format.printable(definition.name)): simulated with \(slots), \(seeds)\(medians)", ""]
        return lines + page.lines(width: width) + [""] + legend
    }

    private var legend: [String] {
        let best = bestOfTable.map { " (\(metric) \(Format.number($0)))" } ?? ""
        var lines = [
            "  regret: how much worse than the table's best\(best) the configuration found is, trained to the end\(means)",
            "  steps to \(percent): steps of all trials until one had come within \(percent) of the table's best",
            "  of all: steps, of those that training every trial to its end takes",
        ]
        if runs > 1 { lines.append("  missed: runs in which none came that near") }
        return lines
    }

    private static func percent(_ share: Double) -> String {
        "\(Format.number((share * 100).rounded())) %"
    }

    // MARK: both

    private var notes: [String] {
        let all = entries.flatMap(\.series.runs)
        let begun = all.reduce(0) { $0 + $1.begun }
        let unmatched = all.reduce(0) { $0 + $1.unmatched }
        let cut = all.count { $0.isCutShort }
        var notes: [String] = []
        if unmatched > 0 {
            notes.append("\(unmatched) of \(begun) trials were not in the table: the nearest row was used")
        }
        if table.leftOut > 0 {
            notes.append(
                "\(Format.plural(table.leftOut, "configuration")) of the table left out: not the sweep file's constants"
            )
        }
        if cut > 0, all.count > 1 { notes.append("\(cut) of \(all.count) runs were given up, since they do not end") }
        return notes.isEmpty ? [] : ["", "Notes"] + notes.map { "  - \($0)" }
    }

    private func next(_ file: String) -> [String] {
        let command =
            "sweepd simulate \(ShellWord.quoted(file)) --curves \(ShellWord.quoted(path)) "
            + "--compare file,asha,median,none --repeat 20"
        return ["", "Next", "  # which rule finds more for less", "  \(command)"]
    }
}

// MARK: JSON

extension SimulationReport {
    var document: String {
        JSONOutput.text(
            "simulate",
            [
                .init("sweep", .string(definition.name)), .init("method", .string(definition.method.rawValue)),
                .init("metric", .string(definition.objective.metric)),
                .init("goal", .string(definition.objective.goal.rawValue)),
                .init("workers", JSONOutput.integer(workers)), .init("within", .number(within)),
                .init("table", tableJSON), .init("rules", .array(entries.map { json($0) })),
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
