// SPDX-License-Identifier: MIT

import SweepModel

/// Reads a journal line from its front. It borrows the bytes and lives within one call of `EventCodec.decode`.
struct EventCodecCursor {
    private let bytes: UnsafeBufferPointer<UInt8>
    private var position = 0

    init(_ bytes: UnsafeBufferPointer<UInt8>) {
        self.bytes = bytes
    }

    var isAtEnd: Bool { position == bytes.count }

    func malformed(_ expected: String) -> EventCodecError {
        .malformed(expected: expected, offset: position)
    }

    /// Steps over `word` if it is next.
    mutating func skip(_ word: StaticString) -> Bool {
        let count = word.utf8CodeUnitCount
        guard count <= bytes.count - position else { return false }
        for index in 0..<count where bytes[position + index] != word.utf8Start[index] { return false }
        position += count
        return true
    }

    mutating func expect(_ word: StaticString) throws(EventCodecError) {
        guard skip(word) else { throw malformed("\(word)") }
    }

    mutating func integer() throws(EventCodecError) -> Int64 {
        let start = position
        let isNegative = skip("-")
        // Negative throughout: Int64.min has no positive counterpart.
        var value: Int64 = 0
        var digits = 0
        while position < bytes.count {
            let digit = bytes[position] &- UInt8(ascii: "0")
            if digit > 9 { break }
            let (tens, overflow) = value.multipliedReportingOverflow(by: 10)
            let (sum, carry) = tens.subtractingReportingOverflow(Int64(digit))
            if overflow || carry { throw .malformed(expected: "an integer of 64 bits", offset: start) }
            value = sum
            digits += 1
            position += 1
        }
        guard digits > 0, isNegative || value != .min else {
            throw .malformed(expected: "an integer of 64 bits", offset: start)
        }
        return isNegative ? value : -value
    }

    mutating func string() throws(EventCodecError) -> String {
        let start = position
        try expect("\"")
        var isPlain = true
        while position < bytes.count {
            let byte = bytes[position]
            position += 1
            if byte == UInt8(ascii: "\"") {
                if isPlain {
                    let text = UnsafeBufferPointer(rebasing: bytes[start + 1..<position - 1])
                    return String(decoding: text, as: UTF8.self)
                }
                guard let text = try parse(start..<position).stringValue else { throw malformed("a string") }
                return text
            }
            if byte == UInt8(ascii: "\\") {
                isPlain = false
                position += 1
            } else if byte >= 0x80 || byte < 0x20 {
                isPlain = false
            }
        }
        throw malformed("the end of a string")
    }

    mutating func double() throws(EventCodecError) -> Double {
        guard let value = try value().doubleValue else { throw malformed("a number") }
        return value
    }

    /// Any JSON value.
    mutating func value() throws(EventCodecError) -> JSONValue {
        guard position < bytes.count else { throw malformed("a value") }
        let start = position
        var depth = 0
        repeat {
            switch bytes[position] {
            case UInt8(ascii: "\""):
                let text = try string()
                if depth == 0 { return .string(text) }
            case UInt8(ascii: "{"), UInt8(ascii: "["):
                depth += 1
                position += 1
            case UInt8(ascii: "}"), UInt8(ascii: "]"):
                if depth == 0 { return try parse(start..<position) }
                depth -= 1
                position += 1
            case UInt8(ascii: ",") where depth == 0: return try parse(start..<position)
            default:
                position += 1
                continue
            }
            if depth == 0 { break }
        } while position < bytes.count
        return try parse(start..<position)
    }

    /// The part that needs the strict reader: escapes, floats, nested values.
    private func parse(_ range: Range<Int>) throws(EventCodecError) -> JSONValue {
        do {
            return try JSONValue.parse(Array(bytes[range]), limits: JSONLimits(maximumBytes: .max))
        } catch {
            throw .malformed(expected: "JSON (\(error))", offset: range.lowerBound)
        }
    }
}

/// A member by its name with the comma before it.
extension EventCodecCursor {
    mutating func string(_ name: StaticString) throws(EventCodecError) -> String {
        try expect(name)
        return try string()
    }

    mutating func integer(_ name: StaticString) throws(EventCodecError) -> Int64 {
        try expect(name)
        return try integer()
    }

    mutating func int(_ name: StaticString) throws(EventCodecError) -> Int {
        Int(try integer(name))
    }

    mutating func bool(_ name: StaticString) throws(EventCodecError) -> Bool {
        try expect(name)
        if skip("true") { return true }
        try expect("false")
        return false
    }

    mutating func optionalInteger(_ name: StaticString) throws(EventCodecError) -> Int64? {
        try expect(name)
        return skip("null") ? nil : try integer()
    }

    mutating func optionalDouble(_ name: StaticString) throws(EventCodecError) -> Double? {
        try expect(name)
        return skip("null") ? nil : try double()
    }

    mutating func word<Word: RawRepresentable>(
        _ name: StaticString
    ) throws(EventCodecError) -> Word where Word.RawValue == String {
        guard let word = Word(rawValue: try string(name)) else { throw malformed("a known word") }
        return word
    }
}
