// SPDX-License-Identifier: MIT

import Foundation

/// The file an attempt's output is kept in; it may be growing.
struct OutputFile {
    let path: String

    /// Bytes from an offset on; none at the end.
    func read(from offset: Int64, limit: Int) throws -> [UInt8] {
        guard let handle = FileHandle(forReadingAtPath: path) else {
            throw UserError("\(path) cannot be read: \(String(cString: strerror(errno)))")
        }
        defer { try? handle.close() }
        try handle.seek(toOffset: UInt64(max(0, offset)))
        return [UInt8](try handle.read(upToCount: limit) ?? Data())
    }

    /// Where the last so many lines begin.
    func start(ofLast lines: Int) throws -> Int64 {
        var status = stat()
        guard stat(path, &status) == 0 else { return 0 }
        let size = Int64(status.st_size)
        guard lines > 0 else { return size }
        var end = size, found = 0
        while end > 0 {
            let begin = max(0, end - 65536)
            let bytes = try read(from: begin, limit: Int(end - begin))
            for index in bytes.indices.reversed() where bytes[index] == 0x0A {
                // The last line's own end is no beginning of a line.
                if begin + Int64(index) == size - 1 { continue }
                found += 1
                if found == lines { return begin + Int64(index) + 1 }
            }
            end = begin
        }
        return 0
    }
}
