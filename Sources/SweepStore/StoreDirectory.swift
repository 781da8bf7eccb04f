// SPDX-License-Identifier: MIT

import Foundation

/// A data directory as the store sees it: it exists, is ours to write, and lies on a file system that keeps promises.
struct StoreDirectory {
    let path: String

    var database: String { Self.database(in: path) }
    var lock: String { "\(path)/LOCK" }

    static func database(in directory: String) -> String { "\(directory)/sweepd.sqlite" }

    /// Creates the directory with mode 0700, and its parents as `mkdir -p` does.
    init(creating path: String, allowsUnsafeFileSystem: Bool) throws(StoreError) {
        self.path = path
        try Self.create(path, mode: 0o700)
        guard access(path, R_OK | W_OK | X_OK) == 0 else { throw Self.error(errno, call: "access", path: path) }
        if !allowsUnsafeFileSystem, let kind = FileSystem.unsafeKind(at: path) {
            throw .networkFileSystem(directory: path, kind: kind)
        }
    }

    /// A directory that is only read.
    init(existing path: String) throws(StoreError) {
        self.path = path
        var status = stat()
        guard stat(path, &status) == 0 else {
            if errno == ENOENT { throw .noData(path) }
            throw Self.error(errno, call: "stat", path: path)
        }
        guard status.st_mode & S_IFMT == S_IFDIR else { throw .notADirectory(path) }
        guard stat(database, &status) == 0 else {
            if errno == ENOENT { throw .noData(path) }
            throw Self.error(errno, call: "stat", path: database)
        }
    }

    private static func create(_ path: String, mode: mode_t) throws(StoreError) {
        var status = stat()
        if stat(path, &status) == 0 {
            guard status.st_mode & S_IFMT == S_IFDIR else { throw .notADirectory(path) }
            return
        }
        guard errno == ENOENT else { throw error(errno, call: "stat", path: path) }
        let parent = (path as NSString).deletingLastPathComponent
        if !parent.isEmpty, parent != path { try create(parent, mode: 0o777) }
        guard mkdir(path, mode) == 0 || errno == EEXIST else { throw error(errno, call: "mkdir", path: path) }
    }

    static func error(_ code: Int32, call: String, path: String) -> StoreError {
        switch code {
        case EACCES, EPERM: .permissionDenied(path)
        case EROFS: .readOnly(path)
        case ENOTDIR: .notADirectory(path)
        case ENOSPC, EDQUOT: .diskFull(path)
        default: .system(call: call, path: path, reason: String(cString: strerror(code)))
        }
    }

    /// Makes the names of new files durable.
    func sync() {
        let descriptor = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard descriptor >= 0 else { return }
        fsync(descriptor)
        close(descriptor)
    }

    /// Whether a failed write is for lack of space or quota: there is next to none, or a trial write finds none.
    var isFull: Bool {
        var status = statvfs()
        if statvfs(path, &status) == 0, UInt64(status.f_bavail) * UInt64(status.f_frsize) < 1 << 20 { return true }
        let probe = "\(path)/PROBE"
        let descriptor = open(probe, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0o600)
        guard descriptor >= 0 else { return errno == ENOSPC || errno == EDQUOT }
        defer {
            close(descriptor)
            unlink(probe)
        }
        let bytes = [UInt8](repeating: 0, count: 1 << 18)
        let count = write(descriptor, bytes, bytes.count)
        return count < bytes.count && (count >= 0 || errno == ENOSPC || errno == EDQUOT)
    }
}
