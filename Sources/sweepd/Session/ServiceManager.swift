// SPDX-License-Identifier: MIT

import Foundation

/// Tells systemd how the daemon is (sd_notify(3)), where systemd asked to be told.
enum ServiceManager {
    static func notify(_ state: String, environment: [String: String] = ProcessInfo.processInfo.environment) {
        guard let path = environment["NOTIFY_SOCKET"], path.hasPrefix("/") || path.hasPrefix("@") else { return }
        let descriptor = socket(AF_UNIX, Int32(SOCK_DGRAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        guard descriptor >= 0 else { return }
        defer { close(descriptor) }
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        var bytes = Array(path.utf8)
        guard bytes.count < MemoryLayout.size(ofValue: address.sun_path) else { return }
        // An abstract socket's name begins with a NUL.
        if bytes[0] == UInt8(ascii: "@") { bytes[0] = 0 }
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: bytes) }
        let length = socklen_t(MemoryLayout<sa_family_t>.size + bytes.count)
        let text = Array(state.utf8)
        withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { name in
                _ = sendto(descriptor, text, text.count, Int32(MSG_NOSIGNAL), name, length)
            }
        }
    }
}

/// Each worker that comes over the network is an open file.
enum OpenFiles {
    private static let wanted: rlim_t = 65_536
    private static let least: rlim_t = 4096

    /// - Throws: `UserError` when not even the least can be had: with too few, libzmq spins and new workers wait for ever.
    static func raiseLimit() throws {
        var limit = rlimit()
        getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
        if limit.rlim_cur < wanted {
            limit.rlim_cur = min(max(limit.rlim_max, limit.rlim_cur), wanted)
            setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
            getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
        }
        guard limit.rlim_cur >= least else {
            throw UserError("only \(limit.rlim_cur) files may be open at once (ulimit -Hn): a daemon needs \(least)")
        }
    }
}
