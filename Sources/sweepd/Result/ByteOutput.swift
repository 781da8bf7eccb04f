// SPDX-License-Identifier: MIT

import Foundation

/// Bytes for a pipe, a terminal or a file, collected into large writes.
struct ByteOutput {
    private let descriptor: Int32
    private let path: String
    private var waiting: [UInt8] = []

    static let standard = ByteOutput(descriptor: STDOUT_FILENO, path: "standard output")

    private init(descriptor: Int32, path: String) {
        self.descriptor = descriptor
        self.path = path
    }

    /// A new file, or an existing one emptied.
    static func file(_ path: String) throws -> ByteOutput {
        let descriptor = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o644)
        guard descriptor >= 0 else {
            throw UserError("cannot write \(path): \(String(cString: strerror(errno)))")
        }
        return ByteOutput(descriptor: descriptor, path: path)
    }

    mutating func write(_ text: String) throws { try write(Array(text.utf8)) }

    mutating func write(_ bytes: [UInt8]) throws {
        waiting += bytes
        if waiting.count >= 1 << 16 { try flush() }
    }

    /// - Throws: `ExitStatus.finished` when the reader went away, which is its own business; `UserError` otherwise.
    mutating func flush() throws {
        defer { waiting.removeAll(keepingCapacity: true) }
        try waiting.withUnsafeBytes { buffer in
            var offset = 0
            while offset < buffer.count {
                let count = Foundation.write(
                    descriptor, buffer.baseAddress?.advanced(by: offset), buffer.count - offset)
                if count < 0 {
                    if errno == EINTR { continue }
                    if errno == EPIPE { throw ExitStatus.finished }
                    throw UserError("cannot write \(path): \(String(cString: strerror(errno)))")
                }
                offset += count
            }
        }
    }

    mutating func close() throws {
        try flush()
        guard descriptor > STDERR_FILENO, Foundation.close(descriptor) != 0, errno != EINTR else { return }
        throw UserError("cannot write \(path): \(String(cString: strerror(errno)))")
    }
}
