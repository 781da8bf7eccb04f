// SPDX-License-Identifier: MIT

import Foundation

/// A file that only its owner may read, in a folder that only he may enter.
package struct SecretFile: Sendable {
    package struct Failure: Error, Hashable, Sendable, CustomStringConvertible {
        package let description: String

        package init(description: String) {
            self.description = description
        }
    }

    package let path: String
    private static let maximumBytes = 64 << 10

    package init(_ path: String) {
        self.path = path
    }

    package var exists: Bool {
        var status = stat()
        return lstat(path, &status) == 0
    }

    /// - Throws: `Failure` when it is not there, no plain file, not ours, others may read it, or others may put another
    ///   in its place.
    package func read() throws(Failure) -> [UInt8] {
        let descriptor = open(path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK)
        guard descriptor >= 0 else {
            if errno == ELOOP {
                throw Failure(description: "\(path) is a symbolic link: a key must be a file of its own")
            }
            throw failure("read")
        }
        defer { close(descriptor) }
        var status = stat()
        guard fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFREG else {
            throw Failure(description: "\(path) is no plain file")
        }
        guard status.st_uid == geteuid() else {
            throw Failure(description: "\(path) belongs to another user: a key must be your own")
        }
        guard status.st_mode & 0o077 == 0 else {
            throw Failure(
                description: "others may read \(path): take it for known to them and make a new one, "
                    + "or if you are sure that nobody has read it:  chmod 600 \(path)")
        }
        try Self.checkFolder(folder)
        guard status.st_size <= Self.maximumBytes else { throw Failure(description: "\(path) is too large for a key") }
        var bytes = [UInt8](repeating: 0, count: Int(status.st_size))
        let count = Glibc.read(descriptor, &bytes, bytes.count)
        guard count == bytes.count else { throw failure("read") }
        return bytes
    }

    /// Makes its folder and sees that the file can be written there: for whoever would lose something where it cannot.
    package func prepare() throws(Failure) {
        try Self.makeFolder(folder)
        var status = stat()
        if stat(path, &status) == 0, status.st_mode & S_IFMT == S_IFDIR {
            throw Failure(description: "\(path) is a folder: a key must be a file")
        }
        // Tried, since only the kernel knows all that may be in the way.
        let (descriptor, temporary) = try openTemporary()
        close(descriptor)
        unlink(temporary)
    }

    /// Replaces it at once and durably; makes its folder with mode 0700.
    ///
    /// - Parameter isKey: whether nobody else may be able to put another in its place. What is no key need only not be
    ///   read, and may lie in a folder that others write to as well.
    package func write(_ bytes: [UInt8], isKey: Bool = true) throws(Failure) {
        if isKey { try Self.makeFolder(folder) }
        let (descriptor, temporary) = try openTemporary()
        let isWritten = Glibc.write(descriptor, bytes, bytes.count) == bytes.count && fsync(descriptor) == 0
        let reason = errno
        close(descriptor)
        guard isWritten, rename(temporary, path) == 0 else {
            let failure =
                isWritten ? failure("write") : Failure(description: "cannot write \(path): \(Self.text(reason))")
            unlink(temporary)
            throw failure
        }
        let directory = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        if directory >= 0 {
            fsync(directory)
            close(directory)
        }
    }

    private var folder: String {
        let folder = (path as NSString).deletingLastPathComponent
        return folder.isEmpty ? "." : folder
    }

    private func openTemporary() throws(Failure) -> (descriptor: Int32, path: String) {
        let temporary = "\(path).\(getpid()).tmp"
        unlink(temporary)
        let descriptor = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw failure("write") }
        return (descriptor, temporary)
    }

    /// Whoever may write to the folder can put a key of his own in the place of ours, unless only a file's owner may
    /// remove it there, as in /tmp.
    private static func checkFolder(_ folder: String) throws(Failure) {
        var status = stat()
        guard stat(folder, &status) == 0 else { throw Failure(description: "cannot read \(folder): \(text(errno))") }
        let isShared = status.st_mode & 0o022 != 0 && status.st_mode & S_ISVTX == 0
        guard !isShared, status.st_uid == geteuid() || status.st_uid == 0 else {
            throw Failure(
                description: "others may put files into \(folder): keys must lie where only you can put them "
                    + "(chmod go-w \(folder))")
        }
    }

    private static func makeFolder(_ folder: String) throws(Failure) {
        let parent = (folder as NSString).deletingLastPathComponent
        if !parent.isEmpty, parent != "/", !FileManager.default.fileExists(atPath: parent) { try makeFolder(parent) }
        if mkdir(folder, 0o700) != 0, errno != EEXIST {
            throw Failure(description: "cannot make \(folder): \(text(errno))")
        }
        var status = stat()
        guard stat(folder, &status) == 0, status.st_mode & S_IFMT == S_IFDIR else {
            throw Failure(description: "\(folder) is no folder")
        }
        guard status.st_uid == geteuid(), status.st_mode & 0o022 == 0 else {
            throw Failure(description: "others may write to \(folder): keys must lie where only you can put them")
        }
    }

    private func failure(_ verb: String) -> Failure {
        Failure(description: "cannot \(verb) \(path): \(Self.text(errno))")
    }

    private static func text(_ code: Int32) -> String { String(cString: strerror(code)) }
}
