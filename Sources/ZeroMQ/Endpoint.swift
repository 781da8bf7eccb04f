// SPDX-License-Identifier: MIT

/// An address that we are willing to hand to libzmq: `ipc:///absolute/path` or `tcp://host:port`.
///
/// libzmq itself understands more (abstract sockets, which have no file permissions; ws, udp, pgm, …), so a user's string
/// never reaches it unread.
package struct Endpoint: Hashable, Sendable, CustomStringConvertible {
    package struct Malformed: Error, Hashable, Sendable, CustomStringConvertible {
        package let description: String
    }

    /// `sockaddr_un.sun_path` without its NUL.
    package static let maximumPathBytes = 107

    package let description: String
    package let isTCP: Bool
    /// Whether it stands for all addresses of the machine: nothing that a peer can be told to connect to.
    package let isWildcard: Bool
    let isIPv6: Bool

    /// - Parameters:
    ///   - allowsWildcard: whether the host may be `*`, `0.0.0.0` or `[::]`, to bind to every interface.
    ///   - allowsEphemeralPort: whether the port may be `0` or `*`, to bind to one that the kernel chooses:
    ///     see `Socket.lastEndpoint`.
    package init(
        _ text: String, allowsWildcard: Bool = false, allowsEphemeralPort: Bool = false
    ) throws(Malformed) {
        if text.hasPrefix("ipc://") {
            try Self.checkPath(text.dropFirst(6), of: text)
            (isTCP, isWildcard, isIPv6) = (false, false, false)
        } else if text.hasPrefix("tcp://") {
            let address = try TCPAddress(text.dropFirst(6), of: text, allowsEphemeralPort: allowsEphemeralPort)
            if address.isWildcard, !allowsWildcard {
                throw Malformed(description: "'\(text)' stands for all addresses of a machine: name one")
            }
            (isTCP, isWildcard, isIPv6) = (true, address.isWildcard, address.isIPv6)
        } else {
            throw Malformed(description: "'\(text)' is no endpoint: expected ipc:///path or tcp://host:port")
        }
        description = text
    }

    private static func checkPath(_ path: Substring, of text: String) throws(Malformed) {
        guard path.hasPrefix("/"), !path.hasSuffix("/") else {
            throw Malformed(description: "'\(text)' needs the absolute path of a socket after ipc://")
        }
        guard path.utf8.count <= maximumPathBytes else {
            throw Malformed(
                description: "the path of '\(text)' has \(path.utf8.count) bytes; a socket's may have "
                    + "\(maximumPathBytes)")
        }
        guard path.utf8.allSatisfy({ $0 >= 0x20 && $0 != 0x7F }) else {
            throw Malformed(description: "the path of an ipc:// endpoint contains a control character")
        }
    }

    /// Where this machine reaches what is bound here.
    var local: Endpoint {
        get throws(Malformed) {
            guard isWildcard, let colon = description.lastIndex(of: ":") else { return self }
            return try Endpoint("tcp://" + (isIPv6 ? "[::1]" : "127.0.0.1") + description[colon...])
        }
    }
}
