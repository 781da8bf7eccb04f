// SPDX-License-Identifier: MIT

/// What the location of a checkpoint names, and that of a folder for checkpoints.
package enum CheckpointLocation: Hashable, Sendable {
    /// An absolute path: as it stands, or from a `file:` URI of no particular host.
    case path(String)
    /// A URI of the user's own storage, to be handed on as it is: only the script knows what to do with it.
    case uri(String)

    /// nil for anything else, a relative path above all, and for a NUL, at which a file system would cut the path short.
    package init?(_ text: String) {
        if text.utf8.contains(0) { return nil }
        if text.utf8.first == UInt8(ascii: "/") {
            self = .path(text)
            return
        }
        guard let colon = text.utf8.firstIndex(of: UInt8(ascii: ":")), Self.isScheme(text[..<colon]) else { return nil }
        let rest = text[text.utf8.index(after: colon)...]
        if rest.isEmpty { return nil }
        guard text[..<colon].lowercased() == "file", let encoded = Self.pathOfThisHost(rest) else {
            self = .uri(text)
            return
        }
        guard let path = Self.decoded(encoded) else { return nil }
        self = .path(path)
    }

    /// Whether one of two locations is the other, or lies in its folder: what is done to one is done to both.
    package static func overlap(_ one: String, _ other: String) -> Bool {
        if one == other { return true }
        guard case .path(let one)? = CheckpointLocation(one), case .path(let other)? = CheckpointLocation(other) else {
            return false
        }
        return parts(of: one).starts(with: parts(of: other)) || parts(of: other).starts(with: parts(of: one))
    }

    private static func parts(of path: String) -> [Substring] {
        path.utf8.split(separator: UInt8(ascii: "/")).map { Substring($0) }.filter { $0 != "." }
    }

    /// RFC 3986, section 3.1.
    private static func isScheme(_ text: Substring) -> Bool {
        guard let first = text.utf8.first, isLetter(first) else { return false }
        return text.utf8.allSatisfy { isLetter($0) || isDigit($0) || [0x2B, 0x2D, 0x2E].contains($0) }
    }

    /// RFC 8089: `file:///path`, `file://localhost/path` and `file:/path` are the same.
    private static func pathOfThisHost(_ rest: Substring) -> Substring? {
        for authority in ["//localhost/", "///", "/"] where rest.utf8.starts(with: authority.utf8) {
            if authority == "/", rest.utf8.starts(with: "//".utf8) { return nil }
            return Substring(rest.utf8.dropFirst(authority.utf8.count - 1))
        }
        return nil
    }

    /// RFC 3986, section 2.1; nil where what comes out is no path.
    private static func decoded(_ text: Substring) -> String? {
        var bytes: [UInt8] = []
        var rest = text.utf8[...]
        while let byte = rest.popFirst() {
            guard byte == UInt8(ascii: "%") else {
                bytes.append(byte)
                continue
            }
            guard let high = rest.popFirst().flatMap(digit), let low = rest.popFirst().flatMap(digit) else {
                return nil
            }
            bytes.append(high << 4 | low)
        }
        return bytes.contains(0) ? nil : String(validating: bytes, as: UTF8.self)
    }

    private static func digit(_ byte: UInt8) -> UInt8? {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): byte - UInt8(ascii: "0")
        case UInt8(ascii: "a")...UInt8(ascii: "f"): byte - UInt8(ascii: "a") + 10
        case UInt8(ascii: "A")...UInt8(ascii: "F"): byte - UInt8(ascii: "A") + 10
        default: nil
        }
    }

    private static func isLetter(_ byte: UInt8) -> Bool {
        byte | 0x20 >= UInt8(ascii: "a") && byte | 0x20 <= UInt8(ascii: "z")
    }

    private static func isDigit(_ byte: UInt8) -> Bool { byte >= UInt8(ascii: "0") && byte <= UInt8(ascii: "9") }
}
