// SPDX-License-Identifier: MIT

import SweepEngine
import SweepModel

/// A sweep's result for people.
struct ResultText {
    let result: SweepResult
    let headline: Headline

    private var objective: Objective { result.sweep.objective }
    private var metric: String { Format.printable(objective.metric) }

    func lines(width: Int?) -> [String] {
        var lines = [headline.text(result), ""]
        if result.ranking.best == nil {
            lines.append("No trial has a value of \(metric) yet.")
        } else {
            lines += best(width: width)
            lines += comparison.flatMap { Self.wrapped($0, width: width ?? .max, first: "  ", rest: "  ") }
        }
        lines += continued(width: width)
        lines.append("")
        lines += Self.wrapped(counts, width: width ?? .max, first: "", rest: "  ")
        lines += reasons
        lines += resources.flatMap { Self.wrapped($0, width: width ?? .max, first: "", rest: "  ") }
        lines += forecast.flatMap { Self.wrapped($0, width: width ?? .max, first: "", rest: "  ") }
        if let stopping = result.earlyStopping?.paragraphs(objective), let title = stopping.first {
            lines.append("")
            lines += Self.wrapped(title, width: width ?? .max, first: "", rest: "  ")
            lines += stopping.dropFirst().flatMap { Self.wrapped($0, width: width ?? 100, first: "  ", rest: "  ") }
        }
        if !result.notes.isEmpty {
            lines += ["", "Notes"]
            lines += result.notes.flatMap { Self.wrapped($0.text, width: width ?? 100, first: "  - ", rest: "    ") }
        }
        return lines
    }

    private func best(width: Int?) -> [String] {
        let contenders = Array(result.ranking.contenders.prefix(SweepResult.shown))
        let direction = objective.goal == .minimize ? "lower" : "higher"
        let isRepeated = contenders.contains { $0.trials.count + $0.missing > 1 }
        let title = contenders.count == 1 ? "The only one with a value" : "The best \(Self.word(contenders.count))"
        var lines = ["\(title), by \(metric) (\(direction) is better\(isRepeated ? "; means over repeats" : "")):"]
        let names = result.sweep.definition.space.variedNames
        var columns: [TextTable.Column] = [.init("trial", .right), .init(metric, .right), .init("behind by", .right)]
        if isRepeated { columns.append(.init("runs", .right)) }
        if result.ranking.noise != nil { columns.append(.init("told from the best")) }
        columns += names.map { .init(Format.printable($0), .right) }
        var table = TextTable(columns)
        for (index, contender) in contenders.enumerated() {
            var cells = ["\(contender.number)", Format.number(contender.value)]
            cells.append(index == 0 ? "" : Format.number(abs(contender.value - contenders[0].value)))
            if isRepeated {
                let all = contender.trials.count + contender.missing
                cells.append(contender.missing == 0 ? "\(all)" : "\(contender.trials.count) of \(all)")
            }
            if let isApart = result.ranking.isApartFromBest(contender) {
                cells.append(index == 0 ? "" : isApart ? "yes" : "no")
            }
            cells += names.map { contender.configuration[$0].map(Format.value) ?? "–" }
            table.add(cells)
        }
        lines += table.lines(width: width)
        lines += Self.wrapped(standing, width: width ?? 100, first: "  ", rest: "  ")
        return lines
    }

    /// Which of them can't be told from the best.
    private var standing: String {
        let ranking = result.ranking
        guard ranking.contenders.count > 1 else { return "" }
        guard let noise = ranking.noise else {
            return "How much of these differences is chance can't be said without repeats: `repeats: 3` in the sweep "
                + "file runs each configuration three times."
        }
        let tied = ranking.contenders.dropFirst().filter { ranking.isApartFromBest($0) == false }
        let basis: String
        switch noise.source {
        case .repeats where noise.deviation == 0:
            basis = "repeats gave exactly the same values: does the script use SWEEPD_SEED?"
        case .repeats(let configurations):
            basis =
                "the repeats of \(Format.plural(configurations, "configuration")) scatter by "
                + "\(Format.number(noise.deviation))"
        case .curves:
            basis =
                "\(metric) scatters by \(Format.number(noise.deviation)) from step to step at the end; another seed "
                + "may change more, which `repeats: 3` would show"
        }
        if tied.isEmpty { return "The best stands apart from all others (\(basis))." }
        let numbers = tied.prefix(8).map { "\($0.number)" }.joined(separator: ", ")
        let more = tied.count > 8 ? " and \(tied.count - 8) more" : ""
        return "Trial\(tied.count == 1 ? "" : "s") \(numbers)\(more) can't be told from the best (\(basis))."
    }

    private func continued(width: Int?) -> [String] {
        guard !result.continued.isEmpty else { return [] }
        let lines = result.continued.prefix(10).flatMap {
            Self.wrapped(
                $0.line(objective, isLive: result.sweep.isLive), width: width ?? .max, first: "  ", rest: "    ")
        }
        let more = result.continued.count - 10
        return ["", "Continued, and ranked among none:"] + lines + (more > 0 ? ["  and \(more) more"] : [])
    }

    private var forecast: [String] {
        if let waits = result.waits { return ["Nothing runs: " + Format.printable(waits)] }
        guard let forecast = result.forecast else { return [] }
        return ["Forecast: " + forecast.forecast.text(now: forecast.at)]
    }

    private var comparison: [String] {
        guard let comparison = result.comparison, let best = result.ranking.best else { return [] }
        let baseline = comparison.baseline
        if baseline.number == best.number { return ["No trial is better than the baseline (trial \(best.number))."] }
        let share = baseline.value == 0 ? nil : comparison.gain / abs(baseline.value) * 100
        let percent = share.map { " (\(Format.number(($0 * 10).rounded() / 10)) %)" } ?? ""
        let verdict: String
        switch comparison.isMoreThanNoise {
        case true?: verdict = ", more than chance would give"
        case false?: verdict = ", which may be chance"
        case nil: verdict = ""
        }
        return [
            "Better than the baseline (trial \(baseline.number), \(metric) \(Format.number(baseline.value))) by "
                + "\(Format.number(comparison.gain))\(percent)\(verdict)."
        ]
    }

    private var counts: String {
        let counts = result.counts
        var parts = ["\(counts[.completed]) completed"]
        if counts[.stopped] > 0 { parts.append("\(counts[.stopped]) stopped") }
        if counts[.failed] > 0 {
            let infeasible = result.infeasible
            parts.append("\(counts[.failed]) failed" + (infeasible > 0 ? " (\(infeasible) infeasible)" : ""))
        }
        if counts[.cancelled] > 0 { parts.append("\(counts[.cancelled]) cancelled") }
        let running = counts[.leased] + counts[.running]
        // Their process is gone; they go on when the sweep does.
        let isInterrupted = if case .interrupted = headline { true } else { false }
        if running > 0 { parts.append("\(running) \(isInterrupted ? "interrupted" : "running")") }
        if counts[.paused] > 0 { parts.append("\(counts[.paused]) paused") }
        if counts[.queued] > 0 { parts.append("\(counts[.queued]) queued") }
        return "Trials: " + parts.joined(separator: " · ")
    }

    private var reasons: [String] {
        func line(_ what: String, _ reason: String, _ trials: [Int]) -> String {
            let example = trials.count == 1 ? "trial \(trials[0])" : "e.g. trial \(trials[0])"
            return "  \(what) \(trials.count) × \(Format.printable(reason)) (\(example))"
        }
        let stops = result.stops.map { line("stopped", $0.reason, $0.trials) }
        let failures = result.failures.map { line($0.isInfeasible ? "infeasible" : "failed", $0.message, $0.trials) }
        return Self.cut(stops) + Self.cut(failures)
    }

    private static func cut(_ lines: [String], to limit: Int = 5) -> [String] {
        guard lines.count > limit else { return lines }
        return lines.prefix(limit - 1) + ["  and \(lines.count - limit + 1) other reasons"]
    }

    private var resources: [String] {
        func range(_ spread: Spread, _ text: (Double) -> String) -> String {
            let (low, high) = (text(spread.low), text(spread.high))
            return low == high ? text(spread.median) : "\(text(spread.median)) (\(low) … \(high))"
        }
        var parts: [String] = []
        if let spread = result.secondsPerStep { parts.append("a step takes \(range(spread, Format.shortDuration))") }
        if let spread = result.peakMemory {
            parts.append("peak memory \(range(spread) { Format.bytes(Int64($0)) })")
        }
        var times: [String] = []
        if let elapsed = result.sweep.elapsed {
            times.append("\(Format.shortDuration(Double(elapsed.milliseconds) / 1000)) by the clock")
        }
        if result.totalSeconds > 0 { times.append("\(Format.shortDuration(result.totalSeconds)) in trials") }
        if !times.isEmpty { parts.append(times.joined(separator: ", ")) }
        return parts.isEmpty ? [] : ["Costs: " + parts.joined(separator: " · ")]
    }

    private static func word(_ count: Int) -> String {
        ["none", "one", "two", "three", "four", "five"].indices.contains(count)
            ? ["none", "one", "two", "three", "four", "five"][count] : "\(count)"
    }

    /// Broken between words.
    static func wrapped(_ text: String, width: Int, first: String, rest: String) -> [String] {
        guard !text.isEmpty else { return [] }
        var lines: [String] = [], line = first
        for word in text.split(separator: " ") {
            if line.count + word.count + 1 > max(40, width), line != first, line != rest {
                lines.append(line)
                line = rest
            }
            line += (line == first || line == rest ? "" : " ") + word
        }
        return lines + [line]
    }
}

extension Format {
    /// Down to microseconds: 41µs, 3.2ms, 0.41s.
    static func shortDuration(_ seconds: Double) -> String {
        if seconds < 0.001 { return "\(number((seconds * 1e6).rounded()))µs" }
        if seconds < 0.1 { return "\(number((seconds * 1e4).rounded() / 10))ms" }
        if seconds < 1 { return "\(number((seconds * 100).rounded() / 100))s" }
        return duration(seconds: seconds)
    }
}
