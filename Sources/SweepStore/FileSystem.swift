// SPDX-License-Identifier: MIT

import Foundation

/// Which kind of file system a directory lies on, by the kernel's list of mounts.
package enum FileSystem {
    /// The kind's name when it is a network, cluster or user-space file system, where SQLite's locks, shared memory and
    /// syncs cannot be relied on; nil for others, and where there is no list.
    static func unsafeKind(at path: String) -> String? {
        kind(at: path).flatMap { isUnsafe($0) ? $0 : nil }
    }

    /// The kind of the file system an existing path lies on ("ext4"); nil where the kernel's list cannot be read.
    package static func kind(at path: String) -> String? {
        guard let mounts = FileManager.default.contents(atPath: "/proc/self/mountinfo"),
            let resolved = realpath(path, nil)
        else { return nil }
        defer { free(resolved) }
        return kind(of: String(cString: resolved), mounts: String(decoding: mounts, as: UTF8.self))
    }

    /// The type of the mount that `path` is in: the longest mount point that leads to it, the last of equals.
    ///
    /// - Parameters:
    ///   - path: absolute, without symbolic links.
    ///   - mounts: as in /proc/self/mountinfo (proc_pid_mountinfo(5)).
    static func kind(of path: String, mounts: String) -> String? {
        var best: (length: Int, kind: String)?
        for line in mounts.split(separator: "\n") {
            let halves = line.split(separator: " ", omittingEmptySubsequences: false)
            guard let dash = halves.firstIndex(of: "-"), dash + 1 < halves.count, halves.count > 4 else { continue }
            let point = unescaped(halves[4])
            guard path == point || path.hasPrefix(point == "/" ? "/" : point + "/") else { continue }
            if point.utf8.count >= best?.length ?? 0 { best = (point.utf8.count, String(halves[dash + 1])) }
        }
        return best?.kind
    }

    package static func isUnsafe(_ kind: String) -> Bool {
        switch kind {
        case "nfs", "nfs4", "cifs", "smb3", "smbfs", "9p", "afs", "ceph", "lustre", "gfs2", "ocfs2", "gpfs", "beegfs",
            "panfs", "orangefs", "pvfs2", "coda", "ncpfs", "vboxsf", "vmhgfs", "prl_fs", "virtiofs", "fuse", "fuseblk":
            true
        default: kind.hasPrefix("fuse.")
        }
    }

    /// Space, tab, line feed and backslash are written as three octal digits.
    private static func unescaped(_ field: Substring) -> String {
        var bytes: [UInt8] = []
        var rest = field.utf8[...]
        while let byte = rest.popFirst() {
            if byte == UInt8(ascii: "\\"), rest.count >= 3,
                let code = UInt8(String(decoding: rest.prefix(3), as: UTF8.self), radix: 8)
            {
                bytes.append(code)
                rest = rest.dropFirst(3)
            } else {
                bytes.append(byte)
            }
        }
        return String(decoding: bytes, as: UTF8.self)
    }
}
