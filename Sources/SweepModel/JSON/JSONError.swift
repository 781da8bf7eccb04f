// SPDX-License-Identifier: MIT

/// Why bytes are not a JSON value that sweepd accepts, and where. Whoever sent them has to mend them; a retry of the
/// same bytes fails the same way.
package struct JSONError: Error, Hashable, Sendable, CustomStringConvertible {
    package enum Reason: Hashable, Sendable {
        case tooLong(limit: Int)
        case tooDeep(limit: Int)
        case unexpectedEnd
        case unexpectedByte(UInt8, expected: String)
        case trailingBytes
        case duplicateName(String)
        case invalidUTF8
        case controlCharacter
        case invalidEscape
        case loneSurrogate
        case invalidNumber
        case numberOutOfRange
        case bareNonFinite
    }

    package let reason: Reason
    /// Bytes before the place where it went wrong.
    package let offset: Int

    package init(_ reason: Reason, at offset: Int) {
        self.reason = reason
        self.offset = offset
    }

    package var description: String {
        "\(reason.text) at byte \(offset)"
    }
}

extension JSONError.Reason {
    var text: String {
        switch self {
        case .tooLong(let limit): "more than \(limit) bytes of JSON"
        case .tooDeep(let limit): "nested deeper than \(limit) levels"
        case .unexpectedEnd: "the JSON ends too early"
        case .unexpectedByte(let byte, let expected): "expected \(expected), found \(Self.name(of: byte))"
        case .trailingBytes: "something follows the JSON value"
        case .duplicateName(let name): "the name '\(name)' appears twice in one object"
        case .invalidUTF8: "a string is not valid UTF-8"
        case .controlCharacter: "a string contains an unescaped control character"
        case .invalidEscape: "a string contains an unknown escape"
        case .loneSurrogate: "a string contains half of a surrogate pair"
        case .invalidNumber: "a malformed number"
        case .numberOutOfRange: "a number beyond the range of a double"
        case .bareNonFinite: "NaN and Infinity must be written as strings"
        }
    }

    private static func name(of byte: UInt8) -> String {
        if byte > 0x20, byte < 0x7F { return "'\(Character(Unicode.Scalar(byte)))'" }
        return "byte 0x\(byte < 16 ? "0" : "")\(String(byte, radix: 16, uppercase: true))"
    }
}

/// What a reader of bytes from outside bears. The defaults suit one message or one line of a script.
package struct JSONLimits: Hashable, Sendable {
    /// Arrays and objects within one another; a plain value has depth 0. At most 512 is honoured, for the stack's sake.
    package var maximumDepth: Int
    package var maximumBytes: Int
    /// Also accepts the tokens NaN, Infinity and -Infinity, which Python's `json.dumps` writes.
    package var allowsBareNonFinite: Bool

    package init(maximumDepth: Int = 32, maximumBytes: Int = 1 << 20, allowsBareNonFinite: Bool = false) {
        self.maximumDepth = min(maximumDepth, 512)
        self.maximumBytes = maximumBytes
        self.allowsBareNonFinite = allowsBareNonFinite
    }
}
