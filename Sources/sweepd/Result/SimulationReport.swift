// SPDX-License-Identifier: MIT

import Simulation
import SweepEngine
import SweepModel

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
    var bestOfTable: Double? { entries.first?.series.runs.first?.bestOfTable }

    func lines(width: Int?, file: String) -> [String] {
        let isSingle = entries.count == 1 && runs == 1
        let page = isSingle ? entries[0].series.runs.first.map(single) ?? [] : comparison(width)
        let remarks = notes.isEmpty ? [] : ["", "Notes"] + notes.map { "  - \($0)" }
        return page + remarks + (isComparison ? [] : next(file))
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

    var notes: [String] {
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
        notes += coverageNotes
        if cut > 0, all.count > 1 { notes.append("\(cut) of \(all.count) runs were given up, since they do not end") }
        return notes
    }

    private var coverageNotes: [String] {
        let coverage = TableCoverage(table, definition)
        var notes: [String] = []
        let end = coverage.maximumStep ?? 0
        if coverage.blank > 0 {
            let have = coverage.blank == 1 ? "has" : "have"
            notes.append("\(coverage.blank) of \(table.curveCount) curves \(have) no report up to max_step \(end)")
        }
        if let shortest = coverage.shortest {
            let first = coverage.short == 1 ? "at step \(shortest)" : "the first at step \(shortest)"
            notes.append(
                "\(coverage.short) of \(table.curveCount) curves end before max_step \(end) (\(first)), and so do the "
                    + "trials that replay them")
        }
        if !coverage.unseen.isEmpty {
            notes.append("no line of the table has \(Self.list(coverage.unseen)): others stand for it")
        }
        if !coverage.unlisted.isEmpty {
            notes.append(
                "only the table has \(Self.list(coverage.unlisted)): no trial tries it, but the table's best may have it"
            )
        }
        return notes
    }

    private static func list(_ values: [TableCoverage.Listed]) -> String {
        let most = 4
        let shown = values.prefix(most).map { Format.printable("\($0.parameter) = \($0.value.text)") }
        let rest = values.count > most ? " and \(values.count - most) more" : ""
        return shown.joined(separator: ", ") + rest
    }

    private func next(_ file: String) -> [String] {
        let command =
            "sweepd simulate \(ShellWord.quoted(file)) --curves \(ShellWord.quoted(path)) "
            + "--compare file,asha,median,none --repeat 20"
        return ["", "Next", "  # which rule finds more for less", "  \(command)"]
    }
}
