// SPDX-License-Identifier: MIT

import Coordinator
import Foundation
import SweepEngine
import SweepModel
import SweepStore
import WorkerProtocol

/// Reads from a data directory what results are made of.
struct ResultReader {
    let store: StoreReader
    private let isLive: Bool

    /// - Throws: `StoreError`.
    init(_ location: DataDirectory) throws {
        store = try StoreReader.open(directory: location.path)
        isLive = Self.hasCoordinator(location)
    }

    /// Whether a coordinator is at work there. The file of a killed one names a process that is gone.
    static func hasCoordinator(_ location: DataDirectory) -> Bool {
        guard let endpoint = EndpointFile(reading: location.endpointFile) else { return false }
        return kill(endpoint.processID, 0) == 0 || errno == EPERM
    }

    func sweep(_ row: SweepRow) throws -> SweepRecord {
        let counts = try store.counts(of: row.id)
        return SweepRecord(
            id: row.id, definition: row.definition, phase: Self.phase(row),
            isLive: try isLive && (Self.isHeld(counts) || isLatestUnfinished(row)), createdAt: row.createdAt,
            elapsed: Self.elapsed(try store.attemptTimes(of: row.id), now: isLive ? Clock.wall : nil))
    }

    /// - Precondition: it exists.
    func sweep(id: SweepID) throws -> SweepRecord {
        guard let row = try store.sweep(id) else { throw EngineError.unknownSweep(id) }
        return try sweep(row)
    }

    /// Of all trials, those that continue others included.
    func counts(of sweep: SweepID) throws -> StateCounts { StateCounts(try store.counts(of: sweep)) }

    /// Of the trials that continue others: they are beyond the total.
    func continuedCounts(of sweep: SweepID) throws -> StateCounts {
        StateCounts(try store.counts(of: sweep, onlyContinued: true))
    }

    func overviews() throws -> [SweepOverview] {
        try store.sweeps().map { row in
            let continued = try continuedCounts(of: row.id)
            let counts = try counts(of: row.id).without(continued)
            let best = try store.best(of: row.id, goal: row.definition.objective.goal, limit: 1).first
            return SweepOverview(
                sweep: try sweep(row), done: counts.done, paused: counts[.paused],
                continued: continued.counted,
                best: best.flatMap { trial in trial.value.map { (trial: trial.id.number, value: $0) } })
        }
    }

    /// All trials, in the order of their numbers.
    func records(of sweep: SweepID) throws -> [TrialRecord] {
        let steps = try store.lastSteps(of: sweep)
        let reasons = try store.stopReasons(of: sweep)
        return try store.trials(of: sweep).map { row in
            Self.record(row, lastStep: steps[row.id.number], stopReason: reasons[row.id.number])
        }
    }

    /// One trial, with the end of the output of its last failure; nil when there is none of that number.
    func record(of sweep: SweepID, trial number: Int) throws -> TrialRecord? {
        let id = TrialID(sweep: sweep, number: number)
        guard number >= 0, let row = try store.trial(id) else { return nil }
        let attempts = try store.attempts(of: id)
        let step = try store.reports(of: id).map(\.step).max()
        var record = Self.record(row, lastStep: step, stopReason: attempts.compactMap(\.stopReason).last)
        if record.failure != nil, let failure = attempts.last?.failure {
            record.failure = TrialRecord.Failure(
                cause: failure.cause.rawValue, message: failure.message, tail: failure.tail)
        }
        return record
    }

    func attempts(of sweep: SweepID, trial: Int) throws -> [AttemptRow] {
        try store.attempts(of: TrialID(sweep: sweep, number: trial))
    }

    /// Over all attempts, in the order they were made.
    func reports(of sweep: SweepID, trial: Int) throws -> [ReportRecord] {
        let id = TrialID(sweep: sweep, number: trial)
        var numbers: [Fence: Int] = [:]
        for attempt in try store.attempts(of: id) { numbers[attempt.fence] = attempt.number }
        return try store.reports(of: id).map { row in
            ReportRecord(attempt: numbers[row.fence] ?? 0, step: row.step, metrics: row.metrics, at: row.at)
        }
    }

    func curve(of sweep: SweepRecord, trial: Int) throws -> [CurvePoint] {
        var resumed: [Int: Int64] = [:]
        for attempt in try attempts(of: sweep.id, trial: trial) { resumed[attempt.number] = attempt.resumedFrom }
        return try reports(of: sweep.id, trial: trial).curve(of: sweep.objective.metric, resumedFrom: resumed)
    }

    func result(of sweep: SweepRecord) throws -> SweepResult {
        let records = try records(of: sweep.id)
        var result = try SweepResult(sweep: sweep, records: records) { try curve(of: sweep, trial: $0) }
        let now = Clock.wall
        if case .running = sweep.phase, let forecast = try forecast(of: sweep, records, now: now) {
            result.forecast = (forecast, now)
        }
        if case .running = sweep.phase, sweep.isLive, !records.contains(where: { $0.state.isHeld }) {
            result.waits = sweep.definition.shortage(try attached().map(\.offer))
        }
        return result
    }

    private func attached() throws -> [WorkerFacts] {
        try store.workers().filter { $0.leftAt == nil }.map(\.facts)
    }

    private func forecast(of sweep: SweepRecord, _ records: [TrialRecord], now: Timestamp) throws -> Forecast? {
        let slots = sweep.isLive ? try attached().reduce(0) { $0 + $1.slots } : 0
        return Forecast(Forecast.Course(of: records, sweep: sweep, slots: slots, now: now))
    }

    private static func record(_ row: TrialRow, lastStep: Int64?, stopReason: String?) -> TrialRecord {
        TrialRecord(
            number: row.id.number, state: row.state, source: row.source, configuration: row.configuration,
            value: row.value, valueStep: row.valueStep, isInfeasible: row.isInfeasible, attempts: row.attempts,
            losses: row.losses, failures: row.failures, lastStep: lastStep, seconds: row.resources.seconds,
            secondsPerStep: row.resources.secondsPerStep,
            peakMemoryBytes: row.resources.peakMemoryBytes,
            failure: row.cause.map { cause in
                TrialRecord.Failure(cause: cause, message: row.message ?? "its worker was \(cause) too often", tail: "")
            },
            stopReason: row.state == .stopped ? stopReason : nil, judgement: row.judgement, startedAt: row.startedAt)
    }

    private static func phase(_ row: SweepRow) -> SweepState.Phase {
        switch row.state {
        case .running: .running
        case .paused:
            .paused(row.reason == "failures" ? .failures(message: row.message ?? "", tail: row.tail ?? "") : .user)
        case .finished: .finished(row.reason.flatMap(FinishReason.init(rawValue:)) ?? .trials)
        }
    }

    private static func isHeld(_ counts: [Trial.State: Int]) -> Bool {
        counts[.leased, default: 0] + counts[.running, default: 0] > 0
    }

    /// The one a coordinator is at work on even while no trial runs: a data directory has one sweep at work at a time.
    private func isLatestUnfinished(_ row: SweepRow) throws -> Bool {
        try store.sweeps().last { $0.state == .running }?.id == row.id
    }

    /// The time during which at least one attempt held a lease: pauses between processes are not counted.
    ///
    /// - Parameter now: the end of what has none; nil without a coordinator, when nobody knows when it ended.
    static func elapsed(_ times: [(from: Timestamp, to: Timestamp?)], now: Timestamp?) -> Duration {
        var total: Int64 = 0, reached = Int64.min
        for time in times {
            let end = (time.to ?? now ?? time.from).milliseconds
            let start = max(time.from.milliseconds, reached)
            total += max(0, end - start)
            reached = max(reached, end)
        }
        return .milliseconds(total)
    }
}
