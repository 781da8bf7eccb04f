// SPDX-License-Identifier: MIT

import Crypto
package import SweepModel

/// SHA-256 over a canonical text of a trial's parameters. The worker computes it from what it decoded and sends it back:
/// so a reader that loses a digit, or takes a float for an integer, is found out before it trains anything.
///
/// The text is laid down in `Docs/protocol.md`, its vectors are in `Workers/Conformance/digests.json`.
package enum ParametersDigest {
    /// 64 lower-case hexadecimal digits.
    package static func hex(of configuration: Configuration) -> String {
        var hash = SHA256()
        canonicalText(of: configuration).withUnsafeBytes { hash.update(bufferPointer: $0) }
        var digits: [UInt8] = []
        digits.reserveCapacity(64)
        for byte in hash.finalize() { appendHex(byte, to: &digits) }
        return String(decoding: digits, as: UTF8.self)
    }

    /// What is hashed: one line a parameter, by the bytes of their names.
    package static func canonicalText(of configuration: Configuration) -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(64 * configuration.entries.count)
        for entry in configuration.entries.sorted(by: { precedes($0.name, $1.name) }) {
            appendString(entry.name, to: &bytes)
            bytes.append(UInt8(ascii: "="))
            append(entry.value, to: &bytes)
            bytes.append(UInt8(ascii: "\n"))
        }
        return bytes
    }

    private static func append(_ value: JSONValue, to bytes: inout [UInt8]) {
        switch value {
        case .null: appendJSONWord("null", to: &bytes)
        case .bool(let flag): appendJSONWord(flag ? "b:true" : "b:false", to: &bytes)
        case .integer(let integer):
            appendJSONWord("i:", to: &bytes)
            appendJSONInteger(integer, to: &bytes)
        case .number(let number): append(number, to: &bytes)
        case .string(let text):
            appendJSONWord("s:", to: &bytes)
            appendString(text, to: &bytes)
        case .array(let values):
            bytes.append(UInt8(ascii: "["))
            for (index, value) in values.enumerated() {
                if index > 0 { bytes.append(UInt8(ascii: ",")) }
                append(value, to: &bytes)
            }
            bytes.append(UInt8(ascii: "]"))
        case .object(let members):
            bytes.append(UInt8(ascii: "{"))
            for (index, member) in members.sorted(by: { precedes($0.name, $1.name) }).enumerated() {
                if index > 0 { bytes.append(UInt8(ascii: ",")) }
                appendString(member.name, to: &bytes)
                bytes.append(UInt8(ascii: ":"))
                append(member.value, to: &bytes)
            }
            bytes.append(UInt8(ascii: "}"))
        }
    }

    private static func append(_ number: Double, to bytes: inout [UInt8]) {
        guard number.isFinite else {
            // It travels as a string, so that is what the other side sees.
            appendJSONWord("s:", to: &bytes)
            appendJSONNumber(number, to: &bytes)
            return
        }
        appendJSONWord("f:", to: &bytes)
        for shift in stride(from: 56, through: 0, by: -8) {
            appendHex(UInt8(truncatingIfNeeded: number.bitPattern >> UInt64(shift)), to: &bytes)
        }
    }

    /// As Python's `json.dumps(text, ensure_ascii=False)` and JavaScript's `JSON.stringify(text)` write it.
    private static func appendString(_ text: String, to bytes: inout [UInt8]) {
        bytes.append(UInt8(ascii: "\""))
        for byte in text.utf8 {
            switch byte {
            case UInt8(ascii: "\""): appendJSONWord("\\\"", to: &bytes)
            case UInt8(ascii: "\\"): appendJSONWord("\\\\", to: &bytes)
            case 0x08: appendJSONWord("\\b", to: &bytes)
            case 0x09: appendJSONWord("\\t", to: &bytes)
            case 0x0A: appendJSONWord("\\n", to: &bytes)
            case 0x0C: appendJSONWord("\\f", to: &bytes)
            case 0x0D: appendJSONWord("\\r", to: &bytes)
            case 0..<0x20:
                appendJSONWord("\\u00", to: &bytes)
                appendHex(byte, to: &bytes)
            default: bytes.append(byte)
            }
        }
        bytes.append(UInt8(ascii: "\""))
    }

    /// By bytes: Swift's own order of strings normalises them.
    private static func precedes(_ left: String, _ right: String) -> Bool {
        left.utf8.lexicographicallyPrecedes(right.utf8)
    }

    private static func appendHex(_ byte: UInt8, to bytes: inout [UInt8]) {
        for nibble in [byte >> 4, byte & 0x0F] {
            bytes.append(nibble < 10 ? UInt8(ascii: "0") + nibble : UInt8(ascii: "a") + nibble - 10)
        }
    }
}
