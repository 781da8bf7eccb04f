// SPDX-License-Identifier: MIT

import GRDB
package import SweepModel

/// What a result needs of all trials of a sweep at once.
extension StoreReader {
    /// The highest step each trial has reported, by the trial's number; trials without reports are missing.
    package func lastSteps(of sweep: SweepID) throws -> [Int: Int64] {
        try pairs(
            """
            SELECT attempt.trial, max(report.step) FROM attempt JOIN report USING (fence)
            WHERE attempt.sweep = ? GROUP BY attempt.trial
            """, sweep)
    }

    /// Why trials were asked to stop, by the trial's number; the last request counts.
    package func stopReasons(of sweep: SweepID) throws -> [Int: String] {
        try pairs(
            "SELECT trial, stop_reason FROM attempt WHERE sweep = ? AND stop_reason IS NOT NULL ORDER BY fence", sweep)
    }

    /// When attempts held their leases, in the order they began; the end is nil while one lives.
    package func attemptTimes(of sweep: SweepID) throws -> [(from: Timestamp, to: Timestamp?)] {
        try read { db in
            var times: [(from: Timestamp, to: Timestamp?)] = []
            let rows = try Row.fetchCursor(
                db, sql: "SELECT leased_at, ended_at FROM attempt WHERE sweep = ? ORDER BY leased_at",
                arguments: [sweep.number])
            while let row = try rows.next() {
                let end: Int64? = row[1]
                times.append((Timestamp(milliseconds: row[0]), end.map { Timestamp(milliseconds: $0) }))
            }
            return times
        }
    }

    /// How long each trial took that has ended or paused and was measured, by its number; those that continue others are
    /// left out.
    package func trialSeconds(of sweep: SweepID) throws -> [Int: Double] {
        try pairs(
            """
            SELECT number, seconds FROM trial WHERE sweep = ? AND seconds IS NOT NULL AND source <> 'continuation'
            AND state IN ('paused', 'completed', 'stopped', 'failed')
            """, sweep)
    }

    private func pairs<Value: DatabaseValueConvertible>(_ sql: String, _ sweep: SweepID) throws -> [Int: Value] {
        try read { db in
            var values: [Int: Value] = [:]
            let rows = try Row.fetchCursor(db, sql: sql, arguments: [sweep.number])
            while let row = try rows.next() { values[row[0]] = row[1] as Value }
            return values
        }
    }
}
