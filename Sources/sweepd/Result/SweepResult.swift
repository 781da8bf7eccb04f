// SPDX-License-Identifier: MIT

import SweepEngine
import SweepModel

/// What a sweep found, and how far to trust it.
struct SweepResult: Sendable {
    /// The best configuration against the best baseline.
    struct Comparison: Sendable {
        let baseline: Ranking.Contender
        /// How much better the best is, in the metric's unit; 0 when a baseline is the best.
        let gain: Double
        /// nil when the noise is not known.
        let isMoreThanNoise: Bool?
    }

    /// Why trials were stopped.
    struct StopGroup: Hashable, Sendable {
        let reason: String
        let trials: [Int]
    }

    /// So many of the best are shown and looked at closely.
    static let shown = 5

    let sweep: SweepRecord
    let counts: StateCounts
    let ranking: Ranking
    let comparison: Comparison?
    let failures: [FailureGroup]
    let stops: [StopGroup]
    let secondsPerStep: Spread?
    let trialSeconds: Spread?
    let peakMemory: Spread?
    /// Of all trials together.
    let totalSeconds: Double
    let notes: [Note]

    /// - Parameter curve: reads the objective's reports of one trial; asked for the best trials only.
    init(sweep: SweepRecord, records: [TrialRecord], curve: (Int) throws -> [CurvePoint]) rethrows {
        self.sweep = sweep
        var counts = StateCounts()
        for record in records { counts[record.state] += 1 }
        self.counts = counts
        var ranking = Ranking(records, objective: sweep.objective)
        let top = try ranking.contenders.prefix(Self.shown).map { ($0.trials[0], try curve($0.number)) }
        ranking.estimateNoise(from: top.map(\.1))
        self.ranking = ranking
        comparison = Self.compare(ranking, objective: sweep.objective)
        failures = FailureGroup.of(records)
        stops = Self.stops(records)
        secondsPerStep = Spread(records.compactMap(\.secondsPerStep))
        trialSeconds = Spread(records.compactMap(\.seconds))
        peakMemory = Spread(records.compactMap { $0.peakMemoryBytes.map(Double.init) })
        totalSeconds = records.compactMap(\.seconds).reduce(0, +)
        notes = Note.of(records, definition: sweep.definition, ranking: ranking, top: top)
    }

    /// Trials that count towards the total and are over.
    var done: Int { counts[.completed] + counts[.stopped] + counts[.failed] }
    var infeasible: Int { failures.reduce(0) { $0 + ($1.isInfeasible ? $1.trials.count : 0) } }

    private static func compare(_ ranking: Ranking, objective: Objective) -> Comparison? {
        guard let best = ranking.best,
            let baseline = ranking.contenders.first(where: { $0.trials.contains(where: \.isBaseline) })
        else { return nil }
        return Comparison(
            baseline: baseline, gain: abs(best.value - baseline.value),
            isMoreThanNoise: ranking.isApartFromBest(baseline))
    }

    /// One text for all that a rule stopped at one rung.
    private static func reason(_ record: TrialRecord) -> String {
        guard let judgement = record.judgement, judgement.enforcement != .control, judgement.enforcement != .dryRun
        else { return record.stopReason ?? "by its own decision" }
        let verdict = judgement.verdict
        return "\(verdict.rule.rawValue)" + (verdict.rung.map { ", at step \($0)" } ?? "")
    }

    private static func stops(_ records: [TrialRecord]) -> [StopGroup] {
        var groups: [String: [Int]] = [:]
        for record in records where record.state == .stopped {
            groups[reason(record), default: []].append(record.number)
        }
        return groups.map { StopGroup(reason: $0.key, trials: $0.value.sorted()) }
            .sorted { ($1.trials.count, $0.trials[0]) < ($0.trials.count, $1.trials[0]) }
    }
}
