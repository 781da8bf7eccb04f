// SPDX-License-Identifier: MIT

import Foundation
import GRDB
import GRDBSQLite

/// Decides when the writer copies its write-ahead log into the database file. SQLite's own rule would do it within a
/// commit, for which a worker waits, and from whichever connection comes along.
final class WriteAheadLog {
    /// A log of so many pages is worth a checkpoint.
    static let pagesPerCheckpoint = 1000
    /// Of the file: a header, and frames of a page each with a header of its own (sqlite.org/fileformat2.html, section 4).
    private static let headerBytes = 32, frameBytes = 24 + 4096
    /// More than most commits write.
    private static let bytesAhead = 16 * frameBytes

    /// In the log after the last commit, as SQLite's hook says.
    private var pages = 0
    /// While a reader keeps the log from starting over it only grows, and a checkpoint for each commit would help
    /// nobody.
    private var nextCheckpoint = pagesPerCheckpoint
    private var file: CInt = -1

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
        if let path = sqlite3_filename_wal(sqlite3_db_filename(db.sqliteConnection, "main")) {
            file = open(path, O_RDONLY | O_CLOEXEC)
        }
    }

    func unwatch(_ db: Database) {
        sqlite3_wal_hook(db.sqliteConnection, nil, nil)
        if file >= 0 { close(file) }
        file = -1
    }

    /// Call when a transaction begins. Frames do not end where pages do, so the commit writes into pages that hold older
    /// frames; the kernel reads those that have left memory back, one after the other, while a worker waits. Asked for
    /// here they come all at once, while the transaction is still being made.
    func fetchWhatIsWrittenNext() {
        guard file >= 0 else { return }
        let start = Self.headerBytes + pages * Self.frameBytes
        _ = posix_fadvise(file, off_t(start), off_t(Self.bytesAhead), POSIX_FADV_WILLNEED)
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
