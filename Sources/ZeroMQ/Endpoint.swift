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
    let isIPv6: Bool

    package init(_ text: String) throws(Malformed) {
        if text.hasPrefix("ipc://") {
            try Self.checkPath(text.dropFirst(6), of: text)
            isIPv6 = false
        } else if text.hasPrefix("tcp://") {
            isIPv6 = try Self.checkAddress(text.dropFirst(6), of: text)
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

    /// Whether the host is an IPv6 address.
    private static func checkAddress(_ address: Substring, of text: String) throws(Malformed) -> Bool {
        guard let colon = address.lastIndex(of: ":"), !address[..<colon].isEmpty else {
            throw Malformed(description: "'\(text)' needs tcp://host:port")
        }
        let digits = address[address.index(after: colon)...]
        guard digits.utf8.allSatisfy({ UInt8(ascii: "0")...UInt8(ascii: "9") ~= $0 }), let port = UInt16(digits),
            port > 0
        else { throw Malformed(description: "'\(digits)' in '\(text)' is no port: expected 1 to 65535") }
        let host = address[..<colon]
        if host.hasPrefix("["), host.hasSuffix("]") {
            let literal = host.dropFirst().dropLast()
            if !literal.isEmpty, literal.utf8.allSatisfy(isIPv6Byte) { return true }
        } else if host.utf8.count <= 253, host.utf8.allSatisfy(isNameByte), host.first != "-" {
            return false
        }
        throw Malformed(description: "'\(host)' in '\(text)' is no host name or address")
    }

    private static func isIPv6Byte(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "a")...UInt8(ascii: "f"),
            UInt8(ascii: "A")...UInt8(ascii: "F"), UInt8(ascii: ":"), UInt8(ascii: "."):
            true
        default: false
        }
    }

    private static func isNameByte(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "a")...UInt8(ascii: "z"),
            UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "-"), UInt8(ascii: "_"), UInt8(ascii: "."):
            true
        default: false
        }
    }
}
