// SPDX-License-Identifier: MIT

import Foundation

enum KernelLog {
    /// The kernel's messages; nil when they may not be read.
    static func lines() -> [String]? {
        // Each read gives one record; EAGAIN is the end, EPIPE a record overwritten meanwhile.
        let file = open("/dev/kmsg", O_RDONLY | O_NONBLOCK | O_CLOEXEC)
        guard file >= 0 else { return nil }
        defer { close(file) }
        var result: [String] = []
        var record = [UInt8](repeating: 0, count: 8192)
        while result.count < 100_000 {
            let count = record.withUnsafeMutableBytes { read(file, $0.baseAddress, $0.count) }
            if count < 0, errno == EPIPE || errno == EINTR { continue }
            if count < 0, errno != EAGAIN, result.isEmpty { return nil }
            if count <= 0 { break }
            result.append(String(decoding: record[..<count], as: UTF8.self))
        }
        return result
    }
}
