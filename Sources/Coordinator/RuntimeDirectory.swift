// SPDX-License-Identifier: MIT

import Foundation

/// Where a data directory's sockets live: an owner-only directory whose path fits into a Unix socket address (107
/// bytes), whatever the data directory is called.
package struct RuntimeDirectory: Sendable {
    package let path: String

    /// The ZeroMQ endpoint workers dial.
    package var workerEndpoint: String { "ipc://\(path)/w" }
    /// The ZeroMQ endpoint commands dial.
    package var operatorEndpoint: String { "ipc://\(path)/o" }

    package enum Failure: Error, CustomStringConvertible {
        case notOurs(String)
        case cannotCreate(String, String)

        package var description: String {
            switch self {
            case .notOurs(let path):
                "\(path) belongs to someone else or others may enter it: remove it, or set XDG_RUNTIME_DIR to a "
                    + "directory of your own with mode 0700"
            case .cannotCreate(let path, let reason): "cannot create \(path): \(reason)"
            }
        }
    }

    /// The directory for a data directory; nothing is created.
    ///
    /// - Parameter dataDirectory: a canonical absolute path, so that every command comes to the same sockets.
    package init(dataDirectory: String, environment: [String: String] = ProcessInfo.processInfo.environment) {
        let name = Self.shortName(of: dataDirectory)
        // Often set to a directory that is not there: in containers, under su, in batch jobs.
        if let runtime = environment["XDG_RUNTIME_DIR"], runtime.hasPrefix("/"), runtime.utf8.count < 60,
            Self.isOurs(runtime)
        {
            path = "\(runtime)/sweepd/\(name)"
        } else {
            path = "\(NSTemporaryDirectory().utf8.count < 40 ? Self.temporaryRoot : "/tmp")/sweepd-\(getuid())/\(name)"
        }
    }

    private static var temporaryRoot: String {
        let root = NSTemporaryDirectory()
        return root.hasSuffix("/") ? String(root.dropLast()) : root
    }

    /// 64-bit FNV-1a in hexadecimal: a name, not a secret.
    package static func shortName(of text: String) -> String {
        var hash: UInt64 = 0xcbf2_9ce4_8422_2325
        for byte in text.utf8 {
            hash = (hash ^ UInt64(byte)) &* 0x100_0000_01b3
        }
        return String(hash, radix: 16)
    }

    /// Makes the directory and its parent with mode 0700, and checks that nobody else may enter.
    package func create() throws(Failure) {
        let parent = (path as NSString).deletingLastPathComponent
        for directory in [parent, path] {
            if mkdir(directory, 0o700) != 0, errno != EEXIST {
                throw .cannotCreate(directory, String(cString: strerror(errno)))
            }
            guard Self.isOurs(directory) else { throw .notOurs(directory) }
        }
    }

    /// A directory of our own that nobody else may enter.
    private static func isOurs(_ directory: String) -> Bool {
        var status = stat()
        return lstat(directory, &status) == 0 && status.st_mode & S_IFMT == S_IFDIR && status.st_uid == getuid()
            && status.st_mode & 0o077 == 0
    }

    /// Only under the data directory's lock: the paths are the next coordinator's as well.
    func removeSockets() {
        for name in ["w", "o"] { unlink("\(path)/\(name)") }
        rmdir(path)
    }
}
