// SPDX-License-Identifier: MIT

import Foundation

/// A file that the user names.
struct InputFile {
    let path: String
    /// As the user wrote it.
    let shown: String
    /// "a sweep file".
    let kind: String

    /// What it holds: one byte more than the limit where it is longer, so that its reader can refuse it.
    ///
    /// - Parameters:
    ///   - whereMissing: what may have been meant, when there is no such file.
    ///   - whereDirectory: the same when it is a directory.
    /// - Throws: `UserError`.
    func bytes(
        limit: Int, whereMissing: () -> String = { "" }, whereDirectory: () -> String = { "" }
    ) throws -> Data {
        var isDirectory: ObjCBool = false
        guard FileManager.default.fileExists(atPath: path, isDirectory: &isDirectory) else {
            throw UserError("\(shown): no such file\(whereMissing())")
        }
        if isDirectory.boolValue { throw UserError("\(shown) is a directory, not \(kind)\(whereDirectory())") }
        guard let handle = FileHandle(forReadingAtPath: path) else {
            throw UserError("\(shown): cannot be read: \(String(cString: strerror(errno)))")
        }
        defer { try? handle.close() }
        do {
            // Nil at once at the end: an empty file.
            return try handle.read(upToCount: limit + 1) ?? Data()
        } catch {
            throw UserError("\(shown): cannot be read: \(error.localizedDescription)")
        }
    }
}
