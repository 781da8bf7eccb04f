// SPDX-License-Identifier: MIT

import GRDB
import SweepEngine
import SweepModel
import WorkerProtocol

/// Applies events to the tables that queries read. It knows events and tables and never the engine, so that `verify`
/// compares two independent readings of the journal.
final class Projector {
    let db: Database
    /// Live attempts' trials; a fence that is missing is looked up.
    private var owners: [Fence: TrialID] = [:]

    /// - Parameter db: valid, like the projector itself, only on its queue.
    init(_ db: Database) {
        self.db = db
    }

    /// After a rollback: what was remembered may not exist.
    func forget() {
        owners = [:]
    }

    /// - Throws: `ImpossibleEvent` for one that contradicts the tables, besides database errors.
    func apply(_ entry: JournalEntry) throws {
        let at = entry.at.milliseconds
        switch entry.event {
        case .coordinatorStarted: break
        case .sweepCreated(let sweep, let definition, let directory):
            try insert(
                """
                INSERT INTO sweep (sweep, name, directory, definition, state, created_at, changed_at)
                VALUES (?, ?, ?, ?, 'running', ?, ?)
                """, [sweep.number, definition.name, directory, definition.canonicalText, at, at])
        case .sweepRedefined(let sweep, let definition):
            try redefine(sweep, definition, at: at)
        case .sweepPaused(let sweep, let reason):
            switch reason {
            case .user: try move(sweep, to: "paused", reason: "user", at: at)
            case .failures(let message, let tail):
                try move(sweep, to: "paused", reason: "failures", message: message, tail: tail, at: at)
            }
        case .sweepUnpaused(let sweep): try move(sweep, to: "running", reason: nil, at: at)
        case .sweepFinished(let sweep, let reason): try move(sweep, to: "finished", reason: reason.rawValue, at: at)
        case .spaceExhausted(let sweep):
            try update("UPDATE sweep SET exhausted = 1 WHERE sweep = ?", [sweep.number])
        case .workerJoined(let worker, let facts): try join(worker, facts, at: at)
        case .workerLeft(let worker, let reason):
            try update("UPDATE worker SET left_at = ?, left_reason = ? WHERE worker = ?", [at, reason, worker.name])
        case .proposed(let trial, let source, let configuration, let basis):
            try insert(
                """
                INSERT INTO trial (sweep, number, source, source_index, configuration, created_at, basis, until)
                VALUES (?, ?, ?, ?, ?, ?, ?, ?)
                """,
                [
                    trial.sweep.number, trial.number, source.name, source.index, configuration.json.text, at,
                    basis.map { EventCodec.text(of: $0) }, source.until,
                ])
            if source.isContinuation { try reopen(trial.sweep, at: at) }
        case .leased(let fence, let trial, let worker, let attempt):
            owners[fence] = trial
            try lease(fence, trial, worker, attempt: attempt, at: at)
        case .accepted(let fence):
            try update("UPDATE attempt SET state = 'accepted', accepted_at = ? WHERE fence = ?", [at, fence.number])
        case .observed(let fence, let sequence, let event):
            try observe(event, fence: fence, sequence: sequence, at: at)
        case .stopRequested(let fence, let reason):
            try update("UPDATE attempt SET stop_reason = ? WHERE fence = ?", [reason, fence.number])
        case .judged(let fence, let verdict, let enforcement):
            try judge(fence, Judgement(verdict, enforcement))
        case .promoted(let trial):
            try update(
                """
                UPDATE trial SET state = 'queued', verdict = NULL, value = NULL, value_step = NULL
                WHERE sweep = ? AND number = ?
                """, [trial.sweep.number, trial.number])
        case .retired(let trial, let settlement): try settle(trial, settlement, at: at)
        case .checkpointDiscarded(let trial, let location): try discard(location, of: trial, at: at)
        case .ended(let fence, _, let event, let disposition):
            try end(fence, event, disposition, at: at)
            owners[fence] = nil
        case .released(let fence, let reason, let disposition):
            try release(fence, reason, disposition, at: at)
            owners[fence] = nil
        case .readopted(let fence): try readopt(fence)
        case .trialCancelled(let trial): try settle(trial, Settlement(state: .cancelled), at: at)
        case .trialRetried(let trial): try retry(trial, at: at)
        case .asked(let trial):
            try update(
                "UPDATE trial SET state = 'running', started_at = ? WHERE sweep = ? AND number = ?",
                [at, trial.sweep.number, trial.number])
        case .told(let trial, let settlement): try tell(trial, settlement, at: at)
        }
    }

    func owner(of fence: Fence) throws -> TrialID {
        if let known = owners[fence] { return known }
        let statement = try db.cachedStatement(sql: "SELECT sweep, trial FROM attempt WHERE fence = ?")
        guard let row = try Row.fetchOne(statement, arguments: [fence.number]) else {
            throw ImpossibleEvent(description: "fence \(fence) was never granted")
        }
        let trial = TrialID(sweep: SweepID(row[0]), number: row[1])
        owners[fence] = trial
        return trial
    }

    func insert(_ sql: String, _ arguments: StatementArguments) throws {
        try db.cachedStatement(sql: sql).execute(arguments: arguments)
    }

    /// A change of exactly one row.
    func update(_ sql: String, _ arguments: StatementArguments) throws {
        try db.cachedStatement(sql: sql).execute(arguments: arguments)
        guard db.changesCount == 1 else {
            throw ImpossibleEvent(description: "no row for: \(sql)")
        }
    }

    private func redefine(_ sweep: SweepID, _ definition: SweepDefinition, at: Int64) throws {
        try update(
            "UPDATE sweep SET name = ?, definition = ?, exhausted = 0, changed_at = ? WHERE sweep = ?",
            [definition.name, definition.canonicalText, at, sweep.number])
        try reopen(sweep, at: at)
    }

    /// A finished sweep that has something to do again.
    func reopen(_ sweep: SweepID, at: Int64) throws {
        let statement = try db.cachedStatement(sql: "SELECT state FROM sweep WHERE sweep = ?")
        if try String.fetchOne(statement, arguments: [sweep.number]) == "finished" {
            try move(sweep, to: "running", reason: nil, at: at)
        }
    }

    private func move(
        _ sweep: SweepID, to state: String, reason: String?, message: String? = nil, tail: String? = nil, at: Int64
    ) throws {
        try update(
            "UPDATE sweep SET state = ?, reason = ?, message = ?, tail = ?, changed_at = ? WHERE sweep = ?",
            [state, reason, message, tail, at, sweep.number])
    }

    private func join(_ worker: WorkerID, _ facts: WorkerFacts, at: Int64) throws {
        try insert(
            """
            INSERT INTO worker (worker, agent, host, pid, slots, local, key, offer, joined_at)
            VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
            ON CONFLICT (worker) DO UPDATE SET agent = excluded.agent, host = excluded.host, pid = excluded.pid,
            slots = excluded.slots, local = excluded.local, key = excluded.key, offer = excluded.offer,
            joined_at = excluded.joined_at, left_at = NULL, left_reason = NULL
            """,
            [
                worker.name, facts.agent, facts.host, facts.processID, facts.slots, facts.isLocal, facts.key,
                // As in a store of before there was a word on it.
                facts.offer == WorkerOffer() ? nil : facts.offer.json.text, at,
            ])
    }
}

/// An event that contradicts the tables: our own bug, or a forged journal.
struct ImpossibleEvent: Error, CustomStringConvertible {
    let description: String
}

extension TrialSource {
    fileprivate var name: String {
        switch self {
        case .sampler: "sampler"
        case .baseline: "baseline"
        case .repetition: "repetition"
        case .enqueued: "enqueued"
        case .continuation: "continuation"
        }
    }

    fileprivate var index: Int {
        switch self {
        case .sampler(let index): index
        case .baseline(let position): position
        case .repetition(let trial): trial
        case .enqueued(let position): position
        case .continuation(let trial, _): trial
        }
    }
}
