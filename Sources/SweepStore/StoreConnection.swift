// SPDX-License-Identifier: MIT

import GRDB

/// How the database is opened, and what SQLite's errors mean to us.
enum StoreConnection {
    /// The one connection that writes and checkpoints.
    static func writer(_ path: String) throws -> DatabaseQueue {
        var configuration = Configuration()
        configuration.label = "sweepd.store"
        configuration.busyMode = .timeout(5)
        configuration.foreignKeysEnabled = true
        configuration.prepareDatabase { db in
            try Schema.check(db, path: path, mayBeEmpty: true)
            try db.execute(
                sql: """
                    PRAGMA journal_mode = WAL;
                    PRAGMA synchronous = FULL;
                    PRAGMA wal_autocheckpoint = 0;
                    PRAGMA trusted_schema = OFF;
                    PRAGMA cell_size_check = ON;
                    PRAGMA cache_size = -16384;
                    """)
        }
        return try DatabaseQueue(path: path, configuration: configuration)
    }

    /// A short reader. Its file descriptor is read-only, so it can neither write nor checkpoint, at its close neither:
    /// SQLite needs an exclusive lock on the file for that, which the kernel grants to no such descriptor.
    static func reader(_ path: String) throws -> DatabaseQueue {
        var configuration = Configuration()
        configuration.label = "sweepd.store.reader"
        configuration.readonly = true
        configuration.busyMode = .timeout(5)
        configuration.prepareDatabase { db in
            try db.execute(sql: "PRAGMA query_only = ON; PRAGMA trusted_schema = OFF; PRAGMA cell_size_check = ON;")
        }
        return try DatabaseQueue(path: path, configuration: configuration)
    }

    /// Translates an error of SQLite; anything else passes as it is.
    static func translate(_ error: any Error, directory: StoreDirectory) -> any Error {
        if let impossible = error as? ImpossibleEvent {
            return StoreError.inconsistent(directory.database, reason: impossible.description)
        }
        guard let error = error as? DatabaseError else { return error }
        let reason = "\(error.message ?? error.resultCode.description) (SQLite \(error.extendedResultCode.rawValue))"
        switch error.resultCode {
        case .SQLITE_BUSY: return StoreError.busy(directory.database)
        case .SQLITE_FULL: return StoreError.diskFull(directory.path)
        case .SQLITE_IOERR:
            let isSync =
                error.extendedResultCode == .SQLITE_IOERR_FSYNC || error.extendedResultCode == .SQLITE_IOERR_DIR_FSYNC
            // SQLite tells a used-up quota from a broken disk no better than this.
            if !isSync, directory.isFull { return StoreError.diskFull(directory.path) }
            return StoreError.ioFailure(directory.database, reason: reason)
        case .SQLITE_CONSTRAINT: return StoreError.inconsistent(directory.database, reason: reason)
        case .SQLITE_CORRUPT: return StoreError.damagedDatabase(directory.database, reason: reason)
        case .SQLITE_NOTADB: return StoreError.foreignDatabase(directory.database)
        case .SQLITE_READONLY: return StoreError.readOnly(directory.database)
        case .SQLITE_CANTOPEN, .SQLITE_PERM, .SQLITE_AUTH: return StoreError.permissionDenied(directory.database)
        default: return StoreError.system(call: "SQLite's use", path: directory.database, reason: reason)
        }
    }
}
