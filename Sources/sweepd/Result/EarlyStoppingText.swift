// SPDX-License-Identifier: MIT

import SweepEngine
import SweepModel

extension EarlyStopping {
    /// As paragraphs, the first of them a title.
    func paragraphs(_ objective: Objective) -> [String] {
        var paragraphs = ["Early stopping by \(ruleText)"]
        if termination.isDryRun {
            paragraphs.append(dryRunText)
        } else {
            paragraphs.append(actsText)
        }
        paragraphs.append(stepsText)
        if !condemnedAreNone { paragraphs.append(controlsText(objective)) }
        return paragraphs.filter { !$0.isEmpty }
    }

    private var condemnedAreNone: Bool { controls.map(\.condemned.isEmpty) ?? true }

    /// "asha (min_step 1, eta 3, variant stopping)": the sweep file's words, every default filled in.
    private var ruleText: String {
        let settings = settings.filter { $0.name != "type" && $0.name != "dry_run" }
            .map { "\($0.name) \(Format.value($0.value))" }
        let list = settings.isEmpty ? "" : " (\(settings.joined(separator: ", ")))"
        return termination.rule.name + list + (termination.isDryRun ? ", as a dry run" : "")
    }

    private var settings: [JSONValue.Member] { termination.json.objectValue ?? [] }

    private var actsText: String {
        var parts: [String] = []
        if !stopped.isEmpty { parts.append("\(Self.total(stopped)) stopped: \(text(stopped))") }
        if !paused.isEmpty {
            let still = waiting == 0 ? "none of them goes on any more" : "\(waiting) of them still may go on"
            parts.append("\(Self.total(paused)) paused: \(text(paused)); \(still)")
        }
        return parts.isEmpty ? "No trial has been stopped." : Self.sentences(parts)
    }

    private var dryRunText: String {
        guard !condemned.isEmpty, let dryRun else {
            return "No trial would have been stopped\(termination.rule.pauses ? " or paused" : "") so far."
        }
        var sentences: [String] = []
        let stops = condemned.filter { $0.action == .stop }, pauses = condemned.filter { $0.action == .pause }
        if !stops.isEmpty {
            sentences.append("\(Self.total(stops)) would have been stopped: \(text(stops)).")
            sentences.append("That would have saved \(Format.count(dryRun.saved)) steps\(share(of: dryRun.saved)).")
        }
        if !pauses.isEmpty {
            sentences.append("\(Self.total(pauses)) would have been paused: \(text(pauses)).")
            sentences.append(
                "Each would have gone on once it was among the best of its rung, so a dry run does not tell what that "
                    + "would have saved.")
        }
        guard let best = dryRun.best else { return sentences.joined(separator: " ") }
        switch (best.condemnedAt, best.action) {
        case (nil, _): sentences.append("The best trial, \(best.trial), would not have been among them.")
        case (let step?, .stop):
            sentences.append(
                "The best trial, \(best.trial), would have been among them, stopped at step \(step): the rule is too "
                    + "strict for this sweep.")
        case (let step?, .pause):
            sentences.append(
                "The best trial, \(best.trial), would have been among them, paused at step \(step); the first at a rung "
                    + "pause in any case, so that is no fault of the rule.")
        }
        return sentences.joined(separator: " ")
    }

    private func share(of saved: Int64) -> String {
        guard let steps, steps.trained > 0 else { return "" }
        return " of \(Format.count(steps.trained)), \(Self.percent(saved, of: steps.trained))"
    }

    private var stepsText: String {
        guard let steps else { return "" }
        let whole = steps.isDeclared ? "" : ", were each as long as the longest"
        return "\(Format.count(steps.trained)) of \(Format.count(steps.full)) steps of "
            + "\(Format.plural(steps.trials, "trial")) were trained\(whole): "
            + "\(Self.percent(steps.trained, of: steps.full))."
    }

    private func controlsText(_ objective: Objective) -> String {
        guard let controls else { return "" }
        var text =
            "\(Format.plural(controls.condemned.count, "condemned trial")) went on as "
            + "\(controls.condemned.count == 1 ? "a control" : "controls"), to show whether the rule is right."
        let ended = controls.ended.count
        if ended == 0 { return text + " None has ended with a value yet." }
        let metric = Format.printable(objective.metric)
        if let best = controls.best, let rest = controls.rest {
            let wrong = controls.better.count
            text +=
                " Of the \(ended) that ended \(wrong) came out better than the best of the rest: trial \(best.trial) "
                + "with \(metric) \(Format.number(best.value)), better by \(Format.number(abs(best.value - rest.value)))"
                + " than \(Format.number(rest.value)) of trial \(rest.trial). \(Self.blame(controls))"
        } else if controls.rest == nil {
            return text + " No other trial has a value to compare them with."
        } else {
            text += " Of the \(ended) that ended none came out better than the best of the rest."
        }
        if controls.areTooFew {
            return text + " \(ended == 1 ? "One is" : "\(ended) are") too few to say how often the rule is wrong."
        }
        if let bound = controls.upperBound {
            return text + " So it is wrong in less than \(Self.percent(bound)) of its verdicts, with 95 % confidence."
        }
        let share = Double(controls.better.count) / Double(ended)
        return text + " That is \(Self.percent(share)) of the controls."
    }

    /// What better controls say against the rule: one that was to pause might have gone on.
    private static func blame(_ controls: Controls) -> String {
        if controls.pausing.isEmpty { return "There the rule was wrong." }
        let all = controls.pausing.count == controls.better.count
        let which = all ? (controls.pausing.count == 1 ? "It" : "They") : "\(controls.pausing.count) of them"
        return "\(which) would only have paused, until among the best of a rung: that is no fault of the rule."
            + (all ? "" : " With the others it was wrong.")
    }

    /// "5 at step 1, 3 at step 9, 1 by nan at step 4".
    private func text(_ places: [Place]) -> String {
        let main = Set([termination.rule.name, termination.rule.name == "median" ? "percentile" : ""])
        return places.map { place in
            let rule = main.contains(place.rule.rawValue) ? "" : " by \(place.rule.rawValue)"
            return "\(place.trials.count)\(rule) at \(place.text)"
        }.joined(separator: ", ")
    }

    private static func total(_ places: [Place]) -> String {
        Format.plural(places.reduce(0) { $0 + $1.trials.count }, "trial")
    }

    private static func sentences(_ parts: [String]) -> String { parts.map { $0 + "." }.joined(separator: " ") }

    private static func percent(_ part: Int64, of whole: Int64) -> String {
        percent(whole > 0 ? Double(part) / Double(whole) : 0)
    }

    private static func percent(_ share: Double) -> String {
        // What is not all and not nothing must not look like it.
        let rounded = (share * 100).rounded()
        if rounded == 100, share < 1 { return "more than 99 %" }
        if rounded == 0, share > 0 { return "less than 1 %" }
        return "\(Int(min(rounded, 1e6))) %"
    }
}

extension EarlyStopping.Place {
    fileprivate var text: String {
        if let rung { return rule == .hyperband ? "the band of \(rung)" : "step \(rung)" }
        return steps.lowerBound == steps.upperBound
            ? "step \(steps.lowerBound)" : "steps \(steps.lowerBound) … \(steps.upperBound)"
    }

    private var members: [JSONValue.Member] {
        [
            .init("rule", .string(rule.rawValue)), .init("rung", JSONOutput.integer(rung)),
            .init("trials", JSONOutput.numbers(trials)),
        ]
    }

    fileprivate var json: JSONValue { .object(members) }

    /// Where it is not plain from the list that it is in.
    fileprivate var jsonWithAction: JSONValue { .object(members + [.init("action", .string(action.rawValue))]) }
}

extension EarlyStopping {
    var json: JSONValue {
        func list(_ places: [Place]) -> JSONValue { .array(places.map(\.json)) }
        return .object([
            .init("rule", .string(termination.rule.name)), .init("settings", termination.json),
            .init("stopped", list(stopped)), .init("paused", list(paused)),
            .init("waiting", JSONOutput.integer(waiting)),
            .init("trained_steps", JSONOutput.integer(steps?.trained)),
            .init("full_steps", JSONOutput.integer(steps?.full)), .init("dry_run", dryRunJSON),
            .init("controls", controlsJSON),
        ])
    }

    private var dryRunJSON: JSONValue {
        guard let dryRun else { return .null }
        return .object([
            .init("condemned", .array(condemned.map(\.jsonWithAction))), .init("saved_steps", .integer(dryRun.saved)),
            .init("best", JSONOutput.integer(dryRun.best.map { Int64($0.trial) })),
            .init("best_condemned_at", JSONOutput.integer(dryRun.best?.condemnedAt)),
        ])
    }

    private var controlsJSON: JSONValue {
        guard let controls else { return .null }
        let gain = controls.best.flatMap { best in controls.rest.map { abs(best.value - $0.value) } }
        return .object([
            .init("condemned", JSONOutput.numbers(controls.condemned)),
            .init("ended", JSONOutput.numbers(controls.ended)), .init("better", JSONOutput.numbers(controls.better)),
            .init("gain", JSONOutput.number(gain)),
            .init("best_of_the_rest", JSONOutput.integer(controls.rest.map { Int64($0.trial) })),
            .init("too_few_to_say", .bool(controls.areTooFew)),
        ])
    }
}

extension EarlyTermination.Rule {
    /// Whether what it condemns may go on later.
    fileprivate var pauses: Bool {
        if case .asha(_, .promotion) = self { true } else { false }
    }
}

extension Verdict.Action {
    /// "it would have been stopped"
    var participle: String {
        switch self {
        case .stop: "stopped"
        case .pause: "paused"
        }
    }
}

extension Format {
    /// In groups of three digits: 1,240.
    static func count(_ number: Int64) -> String {
        var digits = String(number.magnitude), groups: [String] = []
        while digits.count > 3 {
            groups.insert(String(digits.suffix(3)), at: 0)
            digits = String(digits.dropLast(3))
        }
        return (number < 0 ? "-" : "") + ([digits] + groups).joined(separator: ",")
    }
}
