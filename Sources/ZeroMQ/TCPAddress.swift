// SPDX-License-Identifier: MIT

import Glibc

/// What follows `tcp://` in an endpoint.
struct TCPAddress {
    let isIPv6: Bool
    let isWildcard: Bool

    init(_ address: Substring, of text: String, allowsEphemeralPort: Bool) throws(Endpoint.Malformed) {
        guard let colon = address.lastIndex(of: ":"), !address[..<colon].isEmpty else {
            throw Endpoint.Malformed(description: "'\(text)' needs tcp://host:port")
        }
        try Self.checkPort(address[address.index(after: colon)...], of: text, allowsEphemeral: allowsEphemeralPort)
        let host = address[..<colon]
        if host == "*" {
            (isIPv6, isWildcard) = (false, true)
        } else if host.hasPrefix("["), host.hasSuffix("]"), let bytes = Self.ipv6(String(host.dropFirst().dropLast())) {
            isIPv6 = true
            // Also ::0.0.0.0 and ::ffff:0.0.0.0, which is IPv4's.
            isWildcard =
                bytes.allSatisfy { $0 == 0 } || bytes == [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF, 0, 0, 0, 0]
        } else if host.utf8.count <= 253, host.utf8.allSatisfy(Self.isNameByte), host.first != "-" {
            isIPv6 = false
            isWildcard = Self.isAnyIPv4(String(host))
        } else {
            throw Endpoint.Malformed(description: "'\(host)' in '\(text)' is no host name or address")
        }
    }

    private static func checkPort(
        _ port: Substring, of text: String, allowsEphemeral: Bool
    ) throws(Endpoint.Malformed) {
        if allowsEphemeral, port == "*" || port == "0" { return }
        guard port.utf8.allSatisfy({ UInt8(ascii: "0")...UInt8(ascii: "9") ~= $0 }), let number = UInt16(port),
            number > 0
        else { throw Endpoint.Malformed(description: "'\(port)' in '\(text)' is no port: expected 1 to 65535") }
    }

    private static func ipv6(_ literal: String) -> [UInt8]? {
        var bytes = [UInt8](repeating: 0, count: 16)
        return unsafe inet_pton(AF_INET6, literal, &bytes) == 1 ? bytes : nil
    }

    /// `0.0.0.0` in any of the spellings that getaddrinfo takes, such as `0`, `0x0` and `0.0`.
    private static func isAnyIPv4(_ host: String) -> Bool {
        var address = in_addr()
        return unsafe inet_aton(host, &address) != 0 && address.s_addr == 0
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
