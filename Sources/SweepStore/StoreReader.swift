// SPDX-License-Identifier: MIT

import GRDB
package import SweepEngine

/// Reads a data directory, whether a coordinator is at work in it or not. It never writes and never checkpoints.
///
/// Each call is a transaction of its own and as short as its answer: a long one would keep the writer's log from
/// starting over.
package final class StoreReader: Sendable {
    let directory: StoreDirectory
    private let queue: DatabaseQueue

    /// - Throws: `StoreError`; `.noData` where there is no database yet.
    package static func open(directory path: String) throws -> StoreReader {
        let directory = try StoreDirectory(existing: path)
        do {
            return try StoreReader(directory)
        } catch {
            throw StoreConnection.translate(error, directory: directory)
        }
    }

    private init(_ directory: StoreDirectory) throws {
        self.directory = directory
        queue = try StoreConnection.reader(directory.database)
        _ = try queue.read { try Schema.check($0, path: directory.database, mayBeEmpty: false) }
    }

    package func close() {
        // It fails only while statements are running, and none is.
        try? queue.close()
    }

    deinit {
        close()
    }

    /// Names the database to workers.
    package func database() throws -> String {
        try read { db in
            guard let name = try String.fetchOne(db, sql: "SELECT value FROM meta WHERE name = 'database'") else {
                throw StoreError.damagedDatabase(directory.database, reason: "it has no identity")
            }
            return name
        }
    }

    /// How many events the journal holds.
    package func eventCount() throws -> Int64 {
        try read { try Journal.next($0) - 1 }
    }

    /// Passes the journal's entries with their numbers, in order, checksums verified. One transaction: be quick.
    package func journal(from number: Int64 = 1, into body: (_ number: Int64, JournalEntry) throws -> Void) throws {
        try read { db in
            let first = try Int64.fetchOne(
                db, sql: "SELECT max(first) FROM journal WHERE first <= ?", arguments: [number])
            try Journal.read(db, path: directory.database, from: first ?? 1) { found, entry in
                if found >= number { try body(found, entry) }
            }
        }
    }

    /// Runs `body` in one read transaction and translates SQLite's errors.
    func read<Value>(_ body: (Database) throws -> Value) throws -> Value {
        do {
            return try queue.read(body)
        } catch let error as MalformedRow {
            throw StoreError.damagedDatabase(directory.database, reason: error.description)
        } catch {
            throw StoreConnection.translate(error, directory: directory)
        }
    }
}
