// SPDX-License-Identifier: MIT

import Foundation
import SweepEngine
import SweepModel

/// What a sweep's `early_terminate` did, what it saved, and how far it can be trusted.
struct EarlyStopping: Sendable {
    /// Trials that one rule condemned at one rung; without a rung, wherever it judged them.
    struct Place: Hashable, Sendable {
        let rule: Verdict.Rule
        /// What the rule meant for them.
        let action: Verdict.Action
        let rung: Int64?
        /// The steps they were judged at.
        let steps: ClosedRange<Int64>
        /// Their numbers, ascending.
        let trials: [Int]
    }

    /// Steps of trials that ended as the rule or their script would have it; failed ones saved nothing.
    struct Steps: Hashable, Sendable {
        let trained: Int64
        /// Of training as many trials to the last step.
        let full: Int64
        /// Whether the sweep file says the last step; else it is the longest completed trial's.
        let isDeclared: Bool
        let trials: Int
    }

    /// What a rule that only records would have done.
    struct DryRun: Hashable, Sendable {
        /// By the trials that would have been stopped. One that would have paused might have gone on.
        let saved: Int64
        /// The best trial, and the step at which it would have been stopped or paused; nil where no trial has a value.
        let best: Best?
        struct Best: Hashable, Sendable {
            let trial: Int
            let condemnedAt: Int64?
            let action: Verdict.Action
        }
    }

    /// Condemned trials that went on all the same.
    struct Controls: Hashable, Sendable {
        let condemned: [Int]
        /// Those of them that ended with a value.
        let ended: [Int]
        /// Those that came out better than the best of the rest, best first: there the rule was wrong, unless it was only
        /// to pause them.
        let better: [Int]
        /// Those of them that would have paused, and might have gone on.
        let pausing: [Int]
        /// The best of the rest, and the best control where that is better.
        let rest: Best?
        let best: Best?

        struct Best: Hashable, Sendable {
            let trial: Int
            let value: Double
        }

        /// Fewer say nothing about how often the rule is wrong.
        static let fewest = 10
        var areTooFew: Bool { ended.count < Self.fewest }

        /// With 95 % confidence the rule is wrong less often than this, when none of the controls was better.
        var upperBound: Double? {
            ended.isEmpty || !better.isEmpty ? nil : 1 - pow(0.05, 1 / Double(ended.count))
        }
    }

    let termination: EarlyTermination
    let stopped: [Place]
    let paused: [Place]
    /// In a dry run.
    let condemned: [Place]
    /// How many of the paused still wait.
    let waiting: Int
    let steps: Steps?
    let dryRun: DryRun?
    let controls: Controls?

    /// - Parameter records: of the sweep, without those that continue others.
    /// - Returns: nil where the sweep stops nothing early.
    init?(_ records: [TrialRecord], definition: SweepDefinition) {
        guard let termination = definition.earlyTermination else { return nil }
        self.termination = termination
        stopped = Self.places(records, .stopped)
        paused = Self.places(records, .paused)
        condemned = Self.places(records, .dryRun)
        waiting = records.count { $0.state == .paused }
        steps = Self.steps(records, definition)
        dryRun = termination.isDryRun ? Self.dryRun(records, definition.objective) : nil
        controls = termination.controlShare > 0 ? Self.controls(records, definition.objective) : nil
    }

    /// One that was condemned, for an example.
    var anyTrial: Int? { (stopped + paused + condemned).first?.trials.first ?? controls?.condemned.first }

    private static func places(_ records: [TrialRecord], _ enforcement: Enforcement) -> [Place] {
        struct Key: Hashable {
            let rule: Verdict.Rule
            let action: Verdict.Action
            let rung: Int64?
        }
        var groups: [Key: [(trial: Int, step: Int64)]] = [:]
        for record in records {
            guard let judgement = record.judgement, judgement.enforcement == enforcement else { continue }
            let verdict = judgement.verdict
            let key = Key(rule: verdict.rule, action: verdict.action, rung: verdict.rung)
            groups[key, default: []].append((record.number, verdict.step))
        }
        return groups.map { key, members in
            let steps = members.map(\.step)
            let range = (steps.min() ?? 0)...(steps.max() ?? 0)
            return Place(
                rule: key.rule, action: key.action, rung: key.rung, steps: range, trials: members.map(\.trial).sorted())
        }.sorted {
            ($0.rule.rawValue, $0.rung ?? 0, $0.trials[0]) < ($1.rule.rawValue, $1.rung ?? 0, $1.trials[0])
        }
    }

    private static func steps(_ records: [TrialRecord], _ definition: SweepDefinition) -> Steps? {
        let longest = records.filter { $0.state == .completed }.compactMap(\.lastStep).max()
        guard let full = definition.maximumStep ?? longest, full > 0 else { return nil }
        let ended = records.filter { record in
            switch record.state {
            case .completed, .stopped, .paused: record.lastStep != nil
            case .queued, .leased, .running, .failed, .cancelled: false
            }
        }
        guard !ended.isEmpty else { return nil }
        let (product, isTooMuch) = full.multipliedReportingOverflow(by: Int64(ended.count))
        return Steps(
            trained: sum(ended.compactMap(\.lastStep)), full: isTooMuch ? .max : product,
            isDeclared: definition.maximumStep != nil, trials: ended.count)
    }

    private static func dryRun(_ records: [TrialRecord], _ objective: Objective) -> DryRun {
        let saved = records.compactMap { record -> Int64? in
            guard let judgement = record.judgement, judgement.enforcement == .dryRun,
                judgement.verdict.action == .stop, let last = record.lastStep
            else { return nil }
            return max(0, last - judgement.verdict.step)
        }
        let best = best(of: records, objective).map { best in
            let verdict = best.judgement.flatMap { $0.enforcement == .dryRun ? $0.verdict : nil }
            return DryRun.Best(trial: best.number, condemnedAt: verdict?.step, action: verdict?.action ?? .stop)
        }
        return DryRun(saved: sum(saved), best: best)
    }

    private static func controls(_ records: [TrialRecord], _ objective: Objective) -> Controls {
        let condemned = records.filter { $0.judgement?.enforcement == .control }
        let others = records.filter { $0.judgement?.enforcement != .control }
        let rest = best(of: others, objective)
        let ended = condemned.filter(\.isRanked)
        let better = ended.filter { record in
            guard let value = record.value, let limit = rest?.value else { return false }
            return objective.isBetter(value, than: limit)
        }
        func named(_ record: TrialRecord?) -> Controls.Best? {
            record.flatMap { record in record.value.map { Controls.Best(trial: record.number, value: $0) } }
        }
        let order = better.sorted { left, right in
            guard let one = left.value, let other = right.value, one != other else { return left.number < right.number }
            return objective.isBetter(one, than: other)
        }
        return Controls(
            condemned: condemned.map(\.number), ended: ended.map(\.number), better: order.map(\.number),
            pausing: order.filter { $0.judgement?.verdict.action == .pause }.map(\.number), rest: named(rest),
            best: named(order.first))
    }

    /// The first of equals, as in the ranking.
    private static func best(of records: [TrialRecord], _ objective: Objective) -> TrialRecord? {
        var best: TrialRecord?
        for record in records where record.isRanked {
            guard let value = record.value else { continue }
            if let known = best?.value, !objective.isBetter(value, than: known) { continue }
            best = record
        }
        return best
    }

    private static func sum(_ steps: [Int64]) -> Int64 { steps.reduce(0) { $0.addingSaturated($1) } }
}
