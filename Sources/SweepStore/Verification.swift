// SPDX-License-Identifier: MIT

import GRDB
import OrderedCollections
import SweepEngine
import SweepModel

/// What `verify` found.
package struct VerificationReport: Hashable, Sendable {
    /// Journal rows and the events in them that were read before the first damage.
    package internal(set) var batches = 0
    package internal(set) var events = 0
    package internal(set) var sweeps = 0
    package internal(set) var trials = 0
    /// In words; at most `problemLimit`.
    package internal(set) var problems: [String] = []
    /// Problems beyond the limit.
    package internal(set) var unlisted = 0

    package static let problemLimit = 50

    package var isSound: Bool { problems.isEmpty }

    mutating func add(_ problem: String) {
        if problems.count < Self.problemLimit { problems.append(problem) } else { unlisted += 1 }
    }
}

extension StoreReader {
    /// Reads the whole journal with its checksums, projects it afresh, and compares every row of every projection; then
    /// compares the engine's replay with the trials. All in one transaction, so a coordinator may be at work.
    ///
    /// - Throws: when the database cannot be read at all; what is wrong in it is in the report.
    package func verify() throws -> VerificationReport {
        try read { db in
            var report = VerificationReport()
            for line in try String.fetchAll(db, sql: "PRAGMA quick_check(20)") where line != "ok" {
                report.add("SQLite: \(line)")
            }
            do {
                try replayed(db, &report) { fresh, engine, report in
                    for (table, key) in Schema.projections {
                        try TableComparison(table: table, key: key).run(found: db, expected: fresh, &report)
                    }
                    try compare(engine, db, &report)
                }
            } catch let error as Contradiction {
                report.add(error.description)
            } catch let error as StoreError {
                // A damaged journal tells nothing of the projections.
                report.add(error.description)
            }
            return report
        }
    }

    /// A database without a name is a temporary file that goes with its connection.
    private func replayed(
        _ db: Database, _ report: inout VerificationReport,
        _ body: (Database, Engine, inout VerificationReport) throws -> Void
    ) throws {
        var configuration = Configuration()
        configuration.prepareDatabase { try $0.execute(sql: "PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF") }
        try DatabaseQueue(path: "", configuration: configuration).inDatabase { fresh in
            try Schema.migrate(fresh, path: "the temporary database")
            var engine = Engine(database: "")
            try fresh.inTransaction {
                let projector = Projector(fresh)
                report.batches = try Journal.read(db, path: directory.database) { number, entry in
                    do {
                        try projector.apply(entry)
                        try Self.refuseGap(entry.event, engine)
                    } catch {
                        throw Contradiction(description: "event \(number) contradicts those before it: \(error)")
                    }
                    engine.apply(entry)
                    report.events += 1
                }
                return .commit
            }
            try body(fresh, engine, &report)
        }
    }

    /// The engine counts on what its own journal never breaks.
    private static func refuseGap(_ event: Event, _ engine: Engine) throws {
        guard case .proposed(let trial, _, _, _) = event, let count = engine.sweeps[trial.sweep]?.trials.count,
            trial.number != count
        else { return }
        throw ImpossibleEvent(description: "trial \(trial) should be number \(count)")
    }

    private struct Contradiction: Error {
        let description: String
    }
}
