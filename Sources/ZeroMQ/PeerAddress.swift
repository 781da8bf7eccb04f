// SPDX-License-Identifier: MIT

/// The process at the other end of an ipc connection, as the kernel names it (SO_PEERCRED at the time of connecting).
package struct PeerAddress: Hashable, Sendable {
    package let uid: UInt32
    package let gid: UInt32
    /// 0 for a process of another pid namespace.
    package let pid: Int32

    /// Reads `Message.peerAddress`, which is `host:uid:gid:pid` over ipc. nil for anything else, and surely for an
    /// address of tcp: IPv6 looks alike (`::1000:1000:7`), but has colons in what would be the host.
    package init?(_ text: String) {
        let parts = text.split(separator: ":", omittingEmptySubsequences: false)
        guard parts.count == 4, !parts[0].isEmpty, parts[1...].allSatisfy(Self.isDecimal), let uid = UInt32(parts[1]),
            let gid = UInt32(parts[2]), let pid = Int32(parts[3])
        else { return nil }
        (self.uid, self.gid, self.pid) = (uid, gid, pid)
    }

    /// Swift's parser takes a sign as well.
    private static func isDecimal(_ text: Substring) -> Bool {
        !text.isEmpty && text.utf8.allSatisfy { UInt8(ascii: "0")...UInt8(ascii: "9") ~= $0 }
    }
}
