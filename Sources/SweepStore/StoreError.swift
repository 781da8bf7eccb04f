// SPDX-License-Identifier: MIT

/// What can be wrong with a data directory. Each description says what to do.
package enum StoreError: Error, Hashable, Sendable, CustomStringConvertible {
    /// Another coordinator works here; `holder` is its process id and command line as it wrote them.
    case locked(directory: String, holder: String)
    case newerSchema(database: String, found: Int, known: Int)
    /// The file at that path is a database of some other program.
    case foreignDatabase(String)
    /// A journal row that is not what was written; `batch` is the number of its first event.
    case damagedJournal(database: String, batch: Int64, reason: String)
    /// SQLite found the file itself damaged.
    case damagedDatabase(String, reason: String)
    /// An event contradicts the tables: a bug in sweepd.
    case inconsistent(String, reason: String)
    case networkFileSystem(directory: String, kind: String)
    /// Nothing of the batch was kept; the same batch may be appended again once there is space.
    case diskFull(String)
    /// Writing or syncing failed. What the kernel holds in memory may be lost, and a retry would hide that: exit, and
    /// let the next start recover.
    case ioFailure(String, reason: String)
    /// Another program holds the database's write lock; the same batch may be appended again.
    case busy(String)
    case notADirectory(String)
    case permissionDenied(String)
    case readOnly(String)
    /// There is no data directory there, or nothing in it yet.
    case noData(String)
    /// Another system call failed.
    case system(call: String, path: String, reason: String)

    package var description: String {
        switch self {
        case .locked(let directory, let holder):
            "\(holder) already works on the data directory \(directory): stop it first, or give this one another "
                + "directory with --data"
        case .newerSchema(let database, let found, let known):
            "\(database) has schema version \(found), and this sweepd knows versions up to \(known): use the newer "
                + "sweepd that wrote it"
        case .foreignDatabase(let path): "\(path) is not a sweepd database: give another directory with --data"
        case .damagedJournal(let database, let batch, let reason):
            "the journal in \(database) is damaged in the batch that begins with event \(batch): \(reason); restore the "
                + "data directory from a backup"
        case .damagedDatabase(let database, let reason):
            "\(database) is damaged: \(reason); restore the data directory from a backup"
        case .inconsistent(let database, let reason):
            "\(database): \(reason); this is a bug in sweepd: please report it with what 'sweepd verify' says"
        case .networkFileSystem(let directory, let kind):
            "\(directory) is on a file system of type \(kind), where SQLite's locks and syncs cannot be relied on: "
                + "choose a local directory with --data, or take the risk with --unsafe-fs"
        case .diskFull(let directory):
            "the disk that holds \(directory) is full: free some space; nothing that was recorded is lost"
        case .ioFailure(let database, let reason):
            "\(database) cannot be written: \(reason); check the disk, then resume"
        case .busy(let database): "\(database) is locked by another program: end that program, then resume"
        case .notADirectory(let path): "\(path) is not a directory: give another one with --data"
        case .permissionDenied(let path): "no permission to use \(path): it must be readable and writable for you"
        case .readOnly(let path): "\(path) is read-only: give a writable directory with --data"
        case .noData(let path): "there are no sweeps in \(path): run one first, or name the directory with --data"
        case .system(let call, let path, let reason): "\(call) of \(path) failed: \(reason)"
        }
    }

    /// Whether it may pass without anybody touching sweepd: whoever starts a daemon by itself is to try again.
    package var isPassing: Bool {
        switch self {
        case .diskFull, .busy: true
        case .locked, .newerSchema, .foreignDatabase, .damagedJournal, .damagedDatabase, .inconsistent,
            .networkFileSystem, .ioFailure, .notADirectory, .permissionDenied, .readOnly, .noData, .system:
            false
        }
    }

    /// Whether the user can mend it (bad input) or it is a fault of the machine or ours.
    package var isUsers: Bool {
        switch self {
        case .locked, .newerSchema, .foreignDatabase, .networkFileSystem, .diskFull, .notADirectory, .permissionDenied,
            .readOnly, .noData, .busy:
            true
        case .damagedJournal, .damagedDatabase, .inconsistent, .ioFailure, .system: false
        }
    }
}
