// SPDX-License-Identifier: MIT

import SweepEngine
import SweepModel

/// What a rule found against a trial, in sentences that name what it was compared with.
struct VerdictText {
    let verdict: Verdict
    let definition: SweepDefinition

    private var metric: String { Format.printable(definition.objective.metric) }
    private var value: String { Format.number(verdict.value) }
    private var limit: String { Format.number(verdict.threshold) }

    /// "asha at step 9": who judged, and where.
    var judge: String {
        // The veto is no rule of its own in the sweep file.
        let isVeto = verdict.rule == .curve && definition.earlyTermination?.rule.name != "curve"
        return (isVeto ? "the curve's veto" : verdict.rule.rawValue) + " at step \(verdict.step)"
    }

    /// Without a full stop; begins with a small letter.
    var finding: String {
        switch verdict.rule {
        case .nan: return "its \(metric) was \(value), and a training that comes there does not recover"
        case .threshold:
            let isAbove = verdict.threshold.map { verdict.value > $0 } ?? true
            return "its \(metric) of \(value) was \(isAbove ? "above the upper" : "below the lower") bound, \(limit)"
        case .asha, .asyncHyperband:
            guard verdict.threshold != nil else {
                return "its \(metric) was \(value), and too few trials had come to this rung for one to go on"
            }
            return "its \(metric) of \(value) was worse than \(limit), the worst that goes on from this rung"
        case .hyperband:
            var what = "its \(metric) of \(value)"
            if case .hyperband(let bands)? = definition.earlyTermination?.rule, !bands.isStrict {
                what = "its best \(metric) so far, \(value),"
            }
            return "\(what) was worse than \(limit), the worst that goes on from the band of "
                + Format.plural(Int(verdict.rung ?? 0), "logged value")
        case .median, .percentile:
            var what = verdict.rule == .median ? "the median" : "the percentile that the rule asks for"
            if verdict.rule == .percentile, case .percentile(let rule)? = definition.earlyTermination?.rule {
                what = "the percentile \(Format.number(rule.percentile))"
            }
            return "its best \(metric) so far, \(value), was worse than \(limit), \(what) of the "
                + "\(Format.plural(verdict.peers, "completed trial")) with a value at that step"
        case .patience:
            var count = ""
            if case .patience(let rule)? = definition.earlyTermination?.rule { count = " \(rule.reports + 1)" }
            return "none of its last\(count) reports came to \(limit), which it had reached before; the last was "
                + "\(metric) \(value)"
        case .wilcoxon:
            return "over the same steps its \(metric) was \(value) on average, against \(limit) of the best trial"
                + "\(rival), and a paired test gives that a probability of \(chance) if it were as good"
        case .curve:
            return "by its curve it would become better than \(limit), the best of any other trial\(rival), with a "
                + "probability of \(chance); its own best was \(value)"
        }
    }

    /// The best of the others, where the rule compares with it alone.
    private var rival: String { verdict.named.first.map { ", trial \($0)" } ?? "" }
    private var chance: String { Format.number(verdict.probability) }

    /// How it stood among those it was compared with, as whole sentences; empty where the rule compares with none.
    var standing: String {
        var sentences: [String] = []
        switch verdict.rule {
        case .asha, .asyncHyperband, .hyperband:
            let place =
                verdict.rule == .hyperband ? "that band" : "step \(verdict.rung ?? verdict.step)"
            sentences.append(compared("that had come to \(place)"))
        case .median, .percentile: sentences.append(compared("it was compared with"))
        case .nan, .threshold, .patience, .wilcoxon, .curve: break
        }
        if let bracket = verdict.bracket { sentences.append("It belonged to bracket \(bracket).") }
        return sentences.joined(separator: " ")
    }

    private func compared(_ which: String) -> String {
        if verdict.peers == 0 { return "It was the first to come there." }
        let others = verdict.peers == 1 ? "the one other trial \(which)" : "\(verdict.peers) trials \(which)"
        if verdict.better == 0 {
            return verdict.peers == 1
                ? "The one other trial \(which) was no better." : "None of \(others) was better."
        }
        let names = verdict.named.map(String.init).joined(separator: ", ")
        let isCut = verdict.better > verdict.named.count
        let list = names.isEmpty ? "." : ": \(names)\(isCut ? ", …" : ".")"
        if verdict.peers == 1 { return "\(others.prefix(1).uppercased())\(others.dropFirst()) was better\(list)" }
        return "\(verdict.better) of \(others) \(verdict.better == 1 ? "was" : "were") better\(list)"
    }
}

extension Judgement {
    /// For scripts.
    var json: JSONValue {
        .object([
            .init("rule", .string(verdict.rule.rawValue)), .init("action", .string(verdict.action.rawValue)),
            .init("enforcement", .string(enforcement.rawValue)), .init("step", .integer(verdict.step)),
            .init("value", .number(verdict.value)), .init("threshold", JSONOutput.number(verdict.threshold)),
            .init("peers", JSONOutput.integer(verdict.peers)), .init("better", JSONOutput.integer(verdict.better)),
            .init("better_trials", JSONOutput.numbers(verdict.named)),
            .init("rung", JSONOutput.integer(verdict.rung)),
            .init("bracket", JSONOutput.integer(verdict.bracket.map(Int64.init))),
            .init("probability", JSONOutput.number(verdict.probability)),
        ])
    }
}
