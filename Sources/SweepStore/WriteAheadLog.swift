// SPDX-License-Identifier: MIT

import GRDB
import GRDBSQLite

/// Decides when the writer copies its write-ahead log into the database file. SQLite's own rule would do it within a
/// commit, for which a worker waits, and from whichever connection comes along.
final class WriteAheadLog {
    /// A log of so many pages is worth a checkpoint.
    static let pagesPerCheckpoint = 1000

    /// In the log after the last commit, as SQLite's hook says.
    private var pages = 0
    /// While a reader keeps the log from starting over it only grows, and a checkpoint for each commit would help
    /// nobody.
    private var nextCheckpoint = pagesPerCheckpoint

    /// - Parameter db: must not be used after this object is gone.
    func watch(_ db: Database) {
        let context = Unmanaged.passUnretained(self).toOpaque()
        let hook: @convention(c) (UnsafeMutableRawPointer?, OpaquePointer?, UnsafePointer<CChar>?, CInt) -> CInt = {
            context, _, _, pages in
            guard let context else { return SQLITE_OK }
            Unmanaged<WriteAheadLog>.fromOpaque(context).takeUnretainedValue().committed(pages: Int(pages))
            return SQLITE_OK
        }
        sqlite3_wal_hook(db.sqliteConnection, hook, context)
    }

    func unwatch(_ db: Database) {
        sqlite3_wal_hook(db.sqliteConnection, nil, nil)
    }

    private func committed(pages count: Int) {
        if count < pages { nextCheckpoint = Self.pagesPerCheckpoint }
        pages = count
    }

    var isCheckpointDue: Bool { pages >= nextCheckpoint }

    /// A checkpoint did not come to its end: the file has grown.
    var isWorthTruncating: Bool { nextCheckpoint != Self.pagesPerCheckpoint }

    /// Copies what no reader holds back, and waits for nobody.
    func checkpoint(_ db: Database) throws {
        let result = try db.checkpoint(.passive)
        nextCheckpoint = result.walFrameCount + Self.pagesPerCheckpoint
        if result.walFrameCount == result.checkpointedFrameCount { nextCheckpoint = Self.pagesPerCheckpoint }
        pages = 0
    }

    /// Empties the log file too, unless a reader is at it.
    func truncate(_ db: Database) throws {
        guard pages > 0 || nextCheckpoint != Self.pagesPerCheckpoint else { return }
        pages = 0
        nextCheckpoint = Self.pagesPerCheckpoint
        try db.execute(sql: "PRAGMA busy_timeout = 0")
        defer { try? db.execute(sql: "PRAGMA busy_timeout = 5000") }
        _ = try db.checkpoint(.truncate)
    }
}
