// SPDX-License-Identifier: MIT

import Foundation

/// `flock` on `LOCK` in the data directory, held for the coordinator's life. The kernel drops it with the process,
/// however that ends; the file stays and names the last holder.
final class DirectoryLock {
    private var descriptor: Int32?

    /// - Throws: `.locked` with who holds it.
    init(_ directory: StoreDirectory) throws(StoreError) {
        let path = directory.lock
        let descriptor = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0o600)
        guard descriptor >= 0 else { throw StoreDirectory.error(errno, call: "open", path: path) }
        guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else {
            let code = errno
            defer { close(descriptor) }
            if code == EWOULDBLOCK {
                throw .locked(directory: directory.path, holder: Self.holder(descriptor))
            }
            throw StoreDirectory.error(code, call: "flock", path: path)
        }
        self.descriptor = descriptor
        // For people only: a full disk must not keep the directory from being opened.
        let text = Array("process \(getpid()) (\(Self.command()))".utf8.prefix(400))
        if ftruncate(descriptor, 0) == 0 { _ = pwrite(descriptor, text, text.count, 0) }
    }

    func release() {
        if let descriptor { close(descriptor) }
        descriptor = nil
    }

    deinit {
        release()
    }

    private static func holder(_ descriptor: Int32) -> String {
        var buffer = [UInt8](repeating: 0, count: 512)
        let count = pread(descriptor, &buffer, buffer.count, 0)
        guard count > 0 else { return "another process" }
        return String(decoding: buffer[..<count], as: UTF8.self)
    }

    /// The program's name without its path, and its arguments.
    private static func command() -> String {
        let words = CommandLine.arguments
        let program = words.first.map { ($0 as NSString).lastPathComponent } ?? "sweepd"
        return ([program] + words.dropFirst()).joined(separator: " ")
    }
}
