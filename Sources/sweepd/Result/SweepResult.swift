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
    /// Of the trials that can count towards the total: without those that continue others.
    let counts: StateCounts
    /// Trials trained further: beyond the total, and ranked among none.
    let continued: [ContinuedTrial]
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
    /// nil where the sweep stops nothing early.
    let earlyStopping: EarlyStopping?
    /// When the sweep will be over, as of that time; nil where it is, or nothing is known.
    var forecast: (forecast: Forecast, at: Timestamp)?
    /// Why nothing of it runs although it could, where that is plain.
    var waits: String?

    /// - Parameter curve: reads the objective's reports of one trial; asked for the best trials only.
    init(sweep: SweepRecord, records: [TrialRecord], curve: (Int) throws -> [CurvePoint]) rethrows {
        self.sweep = sweep
        let own = records.filter { !$0.isContinuation }
        counts = StateCounts(own)
        continued = ContinuedTrial.of(records)
        var ranking = Ranking(own, objective: sweep.objective)
        let top = try ranking.contenders.prefix(Self.shown).map { ($0.trials[0], try curve($0.number)) }
        ranking.estimateNoise(from: top.map(\.1))
        self.ranking = ranking
        comparison = Self.compare(ranking, objective: sweep.objective)
        failures = FailureGroup.of(own)
        stops = Self.stops(own)
        secondsPerStep = Spread(records.compactMap(\.secondsPerStep))
        trialSeconds = Spread(own.compactMap(\.seconds))
        peakMemory = Spread(records.compactMap { $0.peakMemoryBytes.map(Double.init) })
        totalSeconds = records.compactMap(\.seconds).reduce(0, +)
        notes = Note.of(own, definition: sweep.definition, ranking: ranking, top: top)
        earlyStopping = EarlyStopping(own, definition: sweep.definition)
    }

    /// Trials that count towards the total and are over.
    var done: Int { counts.done }
    /// Trials that continue others and were not cancelled.
    var continuedCount: Int { continued.count { $0.record.state != .cancelled } }
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
        guard let judgement = record.judgement, judgement.enforcement.endsAttempt else {
            return record.stopReason ?? "by its own decision"
        }
        let verdict = judgement.verdict
        let rule = "\(verdict.rule.rawValue)" + (verdict.rung.map { ", at step \($0)" } ?? "")
        // It ended with the sweep, where it had waited.
        return judgement.enforcement == .paused ? "\(rule), where it had paused" : rule
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

extension StateCounts {
    /// Of all the records.
    init(_ records: [TrialRecord]) {
        self.init()
        for record in records { self[record.state] += 1 }
    }
}
