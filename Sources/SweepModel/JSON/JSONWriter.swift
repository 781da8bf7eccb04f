// SPDX-License-Identifier: MIT

extension JSONValue {
    /// Appends the value as JSON without white space. Reading it back gives an equal value, except that a non-finite
    /// number comes back as the string it is written as (`doubleValue` understands both).
    package func append(to bytes: inout [UInt8]) {
        switch self {
        case .null: appendJSONWord("null", to: &bytes)
        case .bool(let value): appendJSONBool(value, to: &bytes)
        case .integer(let value): appendJSONInteger(value, to: &bytes)
        case .number(let value): appendJSONNumber(value, to: &bytes)
        case .string(let text): appendJSONString(text, to: &bytes)
        case .array(let values):
            bytes.append(UInt8(ascii: "["))
            for (index, value) in values.enumerated() {
                if index > 0 { bytes.append(UInt8(ascii: ",")) }
                value.append(to: &bytes)
            }
            bytes.append(UInt8(ascii: "]"))
        case .object(let members):
            bytes.append(UInt8(ascii: "{"))
            for (index, member) in members.enumerated() {
                if index > 0 { bytes.append(UInt8(ascii: ",")) }
                appendJSONName(member.name, to: &bytes)
                member.value.append(to: &bytes)
            }
            bytes.append(UInt8(ascii: "}"))
        }
    }

    /// The value as JSON without white space.
    package var text: String {
        var bytes: [UInt8] = []
        append(to: &bytes)
        return String(decoding: bytes, as: UTF8.self)
    }
}

/// Appends ASCII as it stands: `null`, `{"type":"ack"` and the like.
package func appendJSONWord(_ word: StaticString, to bytes: inout [UInt8]) {
    bytes.append(contentsOf: UnsafeBufferPointer(start: word.utf8Start, count: word.utf8CodeUnitCount))
}

/// Appends `true` or `false`.
package func appendJSONBool(_ value: Bool, to bytes: inout [UInt8]) {
    if value { appendJSONWord("true", to: &bytes) } else { appendJSONWord("false", to: &bytes) }
}

/// Appends a decimal integer.
package func appendJSONInteger(_ value: Int64, to bytes: inout [UInt8]) {
    if value >= 0, value < 10 {
        bytes.append(UInt8(ascii: "0") + UInt8(value))
        return
    }
    if value < 0 { bytes.append(UInt8(ascii: "-")) }
    let start = bytes.count
    var rest = value.magnitude
    while rest > 0 {
        bytes.append(UInt8(ascii: "0") + UInt8(rest % 10))
        rest /= 10
    }
    bytes[start...].reverse()
}

/// Appends the shortest digits that read back as the same double, always with a fraction or an exponent, so that it
/// stays a float; "NaN", "Infinity" and "-Infinity" as strings.
package func appendJSONNumber(_ value: Double, to bytes: inout [UInt8]) {
    if value.isFinite {
        bytes.append(contentsOf: value.description.utf8)
    } else if value.isNaN {
        appendJSONWord("\"NaN\"", to: &bytes)
    } else if value > 0 {
        appendJSONWord("\"Infinity\"", to: &bytes)
    } else {
        appendJSONWord("\"-Infinity\"", to: &bytes)
    }
}

/// Appends `"name":`.
package func appendJSONName(_ name: String, to bytes: inout [UInt8]) {
    appendJSONString(name, to: &bytes)
    bytes.append(UInt8(ascii: ":"))
}

/// Appends a string in quotes; only what RFC 8259 demands is escaped.
package func appendJSONString(_ text: String, to bytes: inout [UInt8]) {
    bytes.append(UInt8(ascii: "\""))
    for byte in text.utf8 {
        switch byte {
        case UInt8(ascii: "\""): appendJSONWord("\\\"", to: &bytes)
        case UInt8(ascii: "\\"): appendJSONWord("\\\\", to: &bytes)
        case 0x0A: appendJSONWord("\\n", to: &bytes)
        case 0x0D: appendJSONWord("\\r", to: &bytes)
        case 0x09: appendJSONWord("\\t", to: &bytes)
        case 0..<0x20:
            appendJSONWord("\\u00", to: &bytes)
            bytes.append(hexDigit(byte >> 4))
            bytes.append(hexDigit(byte & 0x0F))
        default: bytes.append(byte)
        }
    }
    bytes.append(UInt8(ascii: "\""))
}

private func hexDigit(_ nibble: UInt8) -> UInt8 {
    nibble < 10 ? UInt8(ascii: "0") + nibble : UInt8(ascii: "a") + nibble - 10
}
