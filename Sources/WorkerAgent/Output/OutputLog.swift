// SPDX-License-Identifier: MIT

import Foundation

/// What an attempt printed, byte for byte, in a file that cannot fill the disk.
package struct OutputLog: ~Copyable {
    /// Bytes kept of one attempt.
    package static let limit = 64 << 20

    private let file: Int32
    private let limit: Int
    private var written = 0

    private init(file: Int32, limit: Int) {
        self.file = file
        self.limit = limit
    }

    /// - Throws: when the file cannot be made.
    static func open(path: String, limit: Int = OutputLog.limit) throws(Files.Failure) -> OutputLog {
        let file = Foundation.open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0o600)
        guard file >= 0 else { throw Files.Failure(path: path, code: errno) }
        return OutputLog(file: file, limit: limit)
    }

    deinit { close(file) }

    /// Adds the bytes. What it gives is for the user, and comes at most once: the file is full, or the disk is.
    mutating func append(_ bytes: ArraySlice<UInt8>) -> String? {
        guard written < limit else { return nil }
        let part = bytes.prefix(limit - written)
        written += part.count
        if !Files.append(part, to: file) {
            written = limit
            return "the output could not be written: \(Files.text(of: errno)); what follows is not kept"
        }
        guard part.count < bytes.count || written == limit else { return nil }
        let note = "output beyond \(limit >> 20) MiB is not kept"
        written = limit
        _ = Files.append(Array("\n[sweepd: \(note)]\n".utf8)[...], to: file)
        return note
    }
}
