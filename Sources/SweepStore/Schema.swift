// SPDX-License-Identifier: MIT

import Foundation
import GRDB

/// The tables, as steps that are never edited once released: a change is a new step at the end.
enum Schema {
    /// "SwpD", so that file(1) and we know our own.
    static let applicationID = 0x5377_7044
    static var version: Int { steps.count }

    /// Brings a database of any earlier version to this one, in one transaction.
    ///
    /// - Throws: `StoreError` for one of a later version or of another program.
    static func migrate(_ db: Database, path: String) throws {
        let found = try check(db, path: path, mayBeEmpty: true)
        guard found < version else { return }
        try db.inTransaction(.immediate) {
            for step in steps[found...] { try db.execute(sql: step) }
            if found == 0 {
                try db.execute(sql: "PRAGMA application_id = \(applicationID)")
                try db.execute(
                    sql: "INSERT INTO meta (name, value) VALUES ('database', ?)",
                    arguments: [UUID().uuidString.lowercased()])
            }
            try db.execute(sql: "PRAGMA user_version = \(version)")
            return .commit
        }
    }

    /// The database's version; 0 for an empty one.
    @discardableResult
    static func check(_ db: Database, path: String, mayBeEmpty: Bool) throws -> Int {
        let application = try Int.fetchOne(db, sql: "PRAGMA application_id") ?? 0
        let found = try Int.fetchOne(db, sql: "PRAGMA user_version") ?? 0
        if application == applicationID {
            guard found <= version else { throw StoreError.newerSchema(database: path, found: found, known: version) }
            return found
        }
        guard application == 0, found == 0,
            try Int.fetchOne(db, sql: "SELECT count(*) FROM sqlite_schema") == 0
        else { throw StoreError.foreignDatabase(path) }
        guard mayBeEmpty else { throw StoreError.noData((path as NSString).deletingLastPathComponent) }
        return 0
    }

    private static let steps = [first, second, third, fourth]

    /// Times are milliseconds since 1970. Every table but `meta` and `journal` is a projection of the journal.
    private static let first = """
        CREATE TABLE meta (name TEXT PRIMARY KEY NOT NULL, value TEXT NOT NULL) STRICT, WITHOUT ROWID;

        CREATE TABLE journal (
            first INTEGER PRIMARY KEY NOT NULL,
            count INTEGER NOT NULL CHECK (count > 0),
            crc32c INTEGER NOT NULL,
            body BLOB NOT NULL
        ) STRICT;
        CREATE TRIGGER journal_is_contiguous BEFORE INSERT ON journal
        WHEN NEW.first <> coalesce((SELECT first + count FROM journal ORDER BY first DESC LIMIT 1), 1)
        BEGIN SELECT raise(ABORT, 'the journal has no gaps and no overlaps'); END;
        CREATE TRIGGER journal_is_never_updated BEFORE UPDATE ON journal
        BEGIN SELECT raise(ABORT, 'the journal is append-only'); END;
        CREATE TRIGGER journal_is_never_deleted BEFORE DELETE ON journal
        BEGIN SELECT raise(ABORT, 'the journal is append-only'); END;

        CREATE TABLE sweep (
            sweep INTEGER PRIMARY KEY NOT NULL,
            name TEXT NOT NULL,
            directory TEXT NOT NULL,
            definition TEXT NOT NULL,
            state TEXT NOT NULL,
            reason TEXT,
            message TEXT,
            tail TEXT,
            exhausted INTEGER NOT NULL DEFAULT 0,
            created_at INTEGER NOT NULL,
            changed_at INTEGER NOT NULL
        ) STRICT;

        CREATE TABLE worker (
            worker TEXT PRIMARY KEY NOT NULL,
            agent TEXT NOT NULL,
            host TEXT NOT NULL,
            pid INTEGER NOT NULL,
            slots INTEGER NOT NULL,
            local INTEGER NOT NULL,
            joined_at INTEGER NOT NULL,
            left_at INTEGER,
            left_reason TEXT
        ) STRICT, WITHOUT ROWID;

        CREATE TABLE trial (
            sweep INTEGER NOT NULL REFERENCES sweep,
            number INTEGER NOT NULL,
            state TEXT NOT NULL DEFAULT 'queued',
            source TEXT NOT NULL,
            source_index INTEGER NOT NULL,
            configuration TEXT NOT NULL,
            value REAL,
            value_step INTEGER,
            infeasible INTEGER NOT NULL DEFAULT 0,
            attempts INTEGER NOT NULL DEFAULT 0,
            losses INTEGER NOT NULL DEFAULT 0,
            failures INTEGER NOT NULL DEFAULT 0,
            seconds REAL,
            seconds_per_step REAL,
            peak_memory INTEGER,
            cause TEXT,
            message TEXT,
            created_at INTEGER NOT NULL,
            started_at INTEGER,
            ended_at INTEGER,
            PRIMARY KEY (sweep, number)
        ) STRICT, WITHOUT ROWID;

        CREATE TABLE attempt (
            fence INTEGER PRIMARY KEY NOT NULL,
            sweep INTEGER NOT NULL,
            trial INTEGER NOT NULL,
            worker TEXT NOT NULL,
            number INTEGER NOT NULL,
            state TEXT NOT NULL DEFAULT 'offered',
            resumed_from INTEGER,
            leased_at INTEGER NOT NULL,
            accepted_at INTEGER,
            started_at INTEGER,
            ended_at INTEGER,
            stop_reason TEXT,
            outcome TEXT,
            cause TEXT,
            message TEXT,
            exit_code INTEGER,
            tail TEXT,
            seconds REAL,
            seconds_per_step REAL,
            peak_memory INTEGER,
            FOREIGN KEY (sweep, trial) REFERENCES trial (sweep, number)
        ) STRICT;
        CREATE INDEX attempt_of_trial ON attempt (sweep, trial);

        CREATE TABLE report (
            fence INTEGER NOT NULL REFERENCES attempt,
            sequence INTEGER NOT NULL,
            step INTEGER NOT NULL,
            metrics TEXT NOT NULL,
            at INTEGER NOT NULL,
            PRIMARY KEY (fence, sequence)
        ) STRICT, WITHOUT ROWID;

        CREATE TABLE checkpoint (
            fence INTEGER NOT NULL REFERENCES attempt,
            sequence INTEGER NOT NULL,
            step INTEGER NOT NULL,
            location TEXT NOT NULL,
            digest TEXT NOT NULL,
            bytes INTEGER NOT NULL,
            at INTEGER NOT NULL,
            PRIMARY KEY (fence, sequence)
        ) STRICT, WITHOUT ROWID;

        CREATE TABLE warning (
            fence INTEGER NOT NULL REFERENCES attempt,
            sequence INTEGER NOT NULL,
            text TEXT NOT NULL,
            at INTEGER NOT NULL,
            PRIMARY KEY (fence, sequence)
        ) STRICT, WITHOUT ROWID;
        """

    /// What an adaptive sampler made the trial from, as the journal has it.
    private static let second = "ALTER TABLE trial ADD COLUMN basis TEXT;"

    /// What a pruner said of the trial, as the journal has it; how far a continued one is to train; checkpoints that were
    /// deleted.
    private static let third = """
        ALTER TABLE trial ADD COLUMN verdict TEXT;
        ALTER TABLE trial ADD COLUMN until INTEGER;
        ALTER TABLE checkpoint ADD COLUMN discarded_at INTEGER;
        """

    /// What a worker offers and the key it came in with. Keys that may connect: no projection of the journal, for who may
    /// come in is no part of what was searched; public keys only.
    private static let fourth = """
        ALTER TABLE worker ADD COLUMN key TEXT;
        ALTER TABLE worker ADD COLUMN offer TEXT;
        CREATE TABLE credential (
            public_key TEXT PRIMARY KEY NOT NULL,
            role TEXT NOT NULL,
            name TEXT NOT NULL,
            created_at INTEGER NOT NULL,
            expires_at INTEGER,
            uses_left INTEGER,
            invitation TEXT,
            revoked_at INTEGER
        ) STRICT, WITHOUT ROWID;
        """

    /// The projections and the columns that order their rows.
    static let projections: [(table: String, key: String)] = [
        ("sweep", "sweep"), ("worker", "worker"), ("trial", "sweep, number"), ("attempt", "fence"),
        ("report", "fence, sequence"), ("checkpoint", "fence, sequence"), ("warning", "fence, sequence"),
    ]
}
