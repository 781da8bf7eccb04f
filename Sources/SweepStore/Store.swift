// SPDX-License-Identifier: MIT

import Foundation
import GRDB
package import SweepEngine

package struct StoreOptions: Hashable, Sendable {
    /// Works on a network file system, where a crash may corrupt what was recorded.
    package var allowsUnsafeFileSystem: Bool
    /// The most pages of 4 KiB the database may have, as if the disk were full then; nil: no limit.
    package var maximumPages: Int?

    package init(allowsUnsafeFileSystem: Bool = false, maximumPages: Int? = nil) {
        self.allowsUnsafeFileSystem = allowsUnsafeFileSystem
        self.maximumPages = maximumPages
    }
}

/// The journal and its projections, opened for writing: one per data directory, held by the coordinator's thread.
///
/// See `Docs/decisions/0004-store.md` for how the database is laid out and why.
package final class Store {
    /// Names this database to workers; made with it, never changed.
    package let database: String

    private let directory: StoreDirectory
    private let lock: DirectoryLock
    private let queue: DatabaseQueue
    private let log = WriteAheadLog()
    private let projector: Projector
    private var next: Int64
    /// A failed sync or write: what the kernel still holds of the file may be lost, so nothing more is written.
    private var failure: StoreError?
    private var isClosed = false

    /// Creates the directory (mode 0700) if need be, locks it, and opens the database.
    ///
    /// - Throws: `StoreError`.
    package static func open(directory path: String, options: StoreOptions = StoreOptions()) throws -> Store {
        let directory = try StoreDirectory(creating: path, allowsUnsafeFileSystem: options.allowsUnsafeFileSystem)
        let lock = try DirectoryLock(directory)
        do {
            return try Store(directory, lock, options)
        } catch {
            throw StoreConnection.translate(error, directory: directory)
        }
    }

    private init(_ directory: StoreDirectory, _ lock: DirectoryLock, _ options: StoreOptions) throws {
        self.directory = directory
        self.lock = lock
        queue = try StoreConnection.writer(directory.database)
        let path = directory.database
        let log = self.log
        (database, next, projector) = try queue.inDatabase { db in
            try Schema.migrate(db, path: path)
            if let pages = options.maximumPages { try db.execute(sql: "PRAGMA max_page_count = \(pages)") }
            log.watch(db)
            guard let name = try String.fetchOne(db, sql: "SELECT value FROM meta WHERE name = 'database'") else {
                throw StoreError.damagedDatabase(path, reason: "it has no identity")
            }
            return (name, try Journal.next(db), Projector(db))
        }
        directory.sync()
    }

    deinit {
        close()
    }

    /// Passes every entry in order; returns how many there are. Each row's checksum is verified first.
    ///
    /// - Throws: `StoreError.damagedJournal`.
    @discardableResult
    package func replay(into apply: (JournalEntry) -> Void) throws -> Int {
        var count = 0
        do {
            _ = try queue.inDatabase { db in
                try Journal.read(db, path: directory.database) { _, entry in
                    apply(entry)
                    count += 1
                }
            }
        } catch {
            throw StoreConnection.translate(error, directory: directory)
        }
        return count
    }

    /// Appends the entries and projects them, in one transaction. They are durable when this returns.
    ///
    /// - Throws: `StoreError.diskFull`: nothing was kept, and the same entries may be appended again later.
    ///   `StoreError.ioFailure`, also on every later call: exit.
    package func append(_ entries: [JournalEntry]) throws {
        guard !entries.isEmpty else { return }
        do {
            try transaction { try write(entries, $0) }
        } catch {
            projector.forget()
            throw error
        }
        next += Int64(entries.count)
    }

    /// Runs `body` in one transaction, which is durable when this returns.
    func transaction(_ body: (Database) throws -> Void) throws {
        if let failure { throw failure }
        precondition(!isClosed, "a closed store is written to")
        try queue.inDatabase { db in
            log.fetchWhatIsWrittenNext()
            do {
                try db.inTransaction(.immediate) {
                    try body(db)
                    return .commit
                }
            } catch {
                throw remember(error)
            }
        }
    }

    func read<Value>(_ body: (Database) throws -> Value) throws -> Value {
        do {
            return try queue.inDatabase(body)
        } catch {
            throw StoreConnection.translate(error, directory: directory)
        }
    }

    private func write(_ entries: [JournalEntry], _ db: Database) throws {
        for start in stride(from: 0, to: entries.count, by: Journal.entriesPerBatch) {
            let end = min(start + Journal.entriesPerBatch, entries.count)
            try Journal.append(entries[start..<end], first: next + Int64(start), db)
        }
        for entry in entries { try projector.apply(entry) }
    }

    private func remember(_ error: any Error) -> any Error {
        let translated = StoreConnection.translate(error, directory: directory)
        if case StoreError.ioFailure? = translated as? StoreError { failure = translated as? StoreError }
        return translated
    }

    /// Call when what was decided is told: copies the write-ahead log into the database file when it has grown. With
    /// nothing else to do it empties the file as well, where readers had let it grow. Cheap when there is nothing to do.
    package func tidy(isIdle: Bool) {
        guard !isClosed, failure == nil else { return }
        if log.isCheckpointDue { checkpoint() }
        if isIdle, log.isWorthTruncating { truncate() }
    }

    private func checkpoint() {
        // What a checkpoint cannot copy stays in the log, where it is durable; but after a failed sync nothing is sure.
        queue.inDatabase { db in
            do { try log.checkpoint(db) } catch { _ = remember(error) }
        }
    }

    private func truncate() {
        queue.inDatabase { db in
            do { try log.truncate(db) } catch { _ = remember(error) }
        }
    }

    /// Lifts or sets `StoreOptions.maximumPages`.
    package func limit(pages: Int?) throws {
        try queue.inDatabase { try $0.execute(sql: "PRAGMA max_page_count = \(pages ?? 0x3FFF_FFFF)") }
    }

    /// Empties the write-ahead log, closes the database and gives up the lock. Nothing is lost when it is not called.
    package func close() {
        guard !isClosed else { return }
        isClosed = true
        if failure == nil { truncate() }
        queue.inDatabase { log.unwatch($0) }
        // It fails only while statements are running, and none is.
        try? queue.close()
        lock.release()
    }
}
