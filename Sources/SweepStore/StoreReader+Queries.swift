// SPDX-License-Identifier: MIT

import GRDB
package import SweepEngine
package import SweepModel

/// What commands show.
extension StoreReader {
    /// In the order of their creation.
    package func sweeps() throws -> [SweepRow] {
        try rows("SELECT * FROM sweep ORDER BY sweep")
    }

    package func sweep(_ id: SweepID) throws -> SweepRow? {
        try row("SELECT * FROM sweep WHERE sweep = ?", [id.number])
    }

    /// The latest of that name.
    package func sweep(named name: String) throws -> SweepRow? {
        try row("SELECT * FROM sweep WHERE name = ? ORDER BY sweep DESC LIMIT 1", [name])
    }

    /// How many of a sweep's trials are in each state; states without trials are missing.
    ///
    /// - Parameter onlyContinued: of the trials that continue others alone.
    package func counts(of sweep: SweepID, onlyContinued: Bool = false) throws -> [Trial.State: Int] {
        try read { db in
            var counts: [Trial.State: Int] = [:]
            let condition = onlyContinued ? "AND source = 'continuation'" : ""
            let rows = try Row.fetchCursor(
                db, sql: "SELECT state, count(*) FROM trial WHERE sweep = ? \(condition) GROUP BY state",
                arguments: [sweep.number])
            while let row = try rows.next() {
                guard let state = Trial.State(rawValue: row[0]) else {
                    throw MalformedRow("a trial in the unknown state '\(row[0] as String)'")
                }
                counts[state] = row[1]
            }
            return counts
        }
    }

    package enum TrialOrder: Hashable, Sendable {
        case number
        case newestFirst
        /// Best first; those without a value at the end.
        case value(Objective.Goal)
    }

    /// - Parameter states: nil for all.
    package func trials(
        of sweep: SweepID, states: [Trial.State]? = nil, order: TrialOrder = .number, limit: Int? = nil, offset: Int = 0
    ) throws -> [TrialRow] {
        var arguments: StatementArguments = [sweep.number]
        var sql = "SELECT * FROM trial WHERE sweep = ?"
        if let states {
            sql += " AND state IN (\(states.map { "'\($0.rawValue)'" }.joined(separator: ", ")))"
        }
        switch order {
        case .number: sql += " ORDER BY number"
        case .newestFirst: sql += " ORDER BY number DESC"
        case .value(.minimize): sql += " ORDER BY value IS NULL, value, number"
        case .value(.maximize): sql += " ORDER BY value IS NULL, value DESC, number"
        }
        sql += " LIMIT ? OFFSET ?"
        arguments += [limit ?? -1, offset]
        return try rows(sql, arguments)
    }

    package func trial(_ id: TrialID) throws -> TrialRow? {
        try row("SELECT * FROM trial WHERE sweep = ? AND number = ?", [id.sweep.number, id.number])
    }

    /// What an adaptive sampler made the trial from; nil for any other, and in a store of the first version.
    package func basis(of trial: TrialID) throws -> ProposalBasis? {
        try read { db in
            let row = try Row.fetchOne(
                db, sql: "SELECT * FROM trial WHERE sweep = ? AND number = ?",
                arguments: [trial.sweep.number, trial.number])
            guard let text = row?["basis"] as String? else { return nil }
            do { return try EventCodec.basis(text) } catch { throw MalformedRow("\(error)") }
        }
    }

    /// Completed and stopped trials with a value that are feasible and continue no other, best first, the earlier of
    /// equals first.
    package func best(of sweep: SweepID, goal: Objective.Goal, limit: Int) throws -> [TrialRow] {
        try rows(
            """
            SELECT * FROM trial
            WHERE sweep = ? AND value IS NOT NULL AND NOT infeasible AND state IN ('completed', 'stopped')
            AND source <> 'continuation'
            ORDER BY value \(goal == .minimize ? "ASC" : "DESC"), number LIMIT ?
            """, [sweep.number, limit])
    }

    /// Oldest first.
    package func attempts(of trial: TrialID) throws -> [AttemptRow] {
        try rows(
            "SELECT * FROM attempt WHERE sweep = ? AND trial = ? ORDER BY fence", [trial.sweep.number, trial.number])
    }

    /// In the order they were made; over all attempts, so a step may appear again after a resumption.
    package func reports(of trial: TrialID) throws -> [ReportRow] {
        try rows(ofTrial: trial, in: "report")
    }

    package func reports(of fence: Fence) throws -> [ReportRow] {
        try rows("SELECT * FROM report WHERE fence = ? ORDER BY sequence", [fence.number])
    }

    package func checkpoints(of trial: TrialID) throws -> [CheckpointRow] {
        try rows(ofTrial: trial, in: "checkpoint")
    }

    package func warnings(of trial: TrialID) throws -> [WarningRow] {
        try rows(ofTrial: trial, in: "warning")
    }

    /// In the order of their names.
    package func workers() throws -> [WorkerRow] {
        try rows("SELECT * FROM worker ORDER BY worker")
    }

    private func rows<Result: StoredRow>(ofTrial trial: TrialID, in table: String) throws -> [Result] {
        try rows(
            """
            SELECT \(table).* FROM attempt JOIN \(table) USING (fence)
            WHERE attempt.sweep = ? AND attempt.trial = ? ORDER BY fence, sequence
            """, [trial.sweep.number, trial.number])
    }

    private func row<Result: StoredRow>(_ sql: String, _ arguments: StatementArguments) throws -> Result? {
        let found: [Result] = try rows(sql, arguments)
        return found.first
    }

    private func rows<Result: StoredRow>(_ sql: String, _ arguments: StatementArguments = []) throws -> [Result] {
        try read { db in
            var results: [Result] = []
            let rows = try Row.fetchCursor(db, sql: sql, arguments: arguments)
            while let row = try rows.next() { results.append(try Result(row)) }
            return results
        }
    }
}
