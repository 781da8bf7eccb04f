// SPDX-License-Identifier: MIT

extension JSONParser {
    /// The number whose sign or first digit is at `position`.
    mutating func number() throws(JSONError) -> JSONValue {
        let start = position
        let isNegative = bytes[position] == UInt8(ascii: "-")
        if isNegative {
            position += 1
            if position < bytes.count, bytes[position] == UInt8(ascii: "I") {
                return try nonFinite("Infinity", -.infinity)
            }
        }
        let digitsStart = position
        var mantissa: UInt64 = 0
        try digits(into: &mantissa)
        let count = position - digitsStart
        if count > 1, bytes[digitsStart] == UInt8(ascii: "0") { throw JSONError(.invalidNumber, at: start) }
        guard let byte = next, byte == UInt8(ascii: ".") || byte | 0x20 == UInt8(ascii: "e") else {
            return try integer(mantissa, isNegative: isNegative, digits: count, from: start)
        }
        var exponent = 0
        var significant = count
        if byte == UInt8(ascii: ".") {
            position += 1
            let fraction = position
            try digits(into: &mantissa)
            exponent = fraction - position
            significant += position - fraction
        }
        exponent += try writtenExponent()
        if significant <= 15, (-22...22).contains(exponent) {
            // Both factors are exact, so the one rounding is correct: Clinger 1990, "How to read floating point numbers
            // accurately".
            let magnitude = exponent < 0 ? Double(mantissa) / powers[-exponent] : Double(mantissa) * powers[exponent]
            return .number(isNegative ? -magnitude : magnitude)
        }
        return .number(try slowDouble(from: start))
    }

    private var next: UInt8? { position < bytes.count ? bytes[position] : nil }

    /// Wraps beyond 19 digits; callers then don't use `value`.
    private mutating func digits(into value: inout UInt64) throws(JSONError) {
        let start = position
        while position < bytes.count {
            let digit = bytes[position] &- UInt8(ascii: "0")
            if digit > 9 { break }
            value = value &* 10 &+ UInt64(digit)
            position += 1
        }
        if position == start {
            throw JSONError(position < bytes.count ? .invalidNumber : .unexpectedEnd, at: position)
        }
    }

    private func integer(
        _ mantissa: UInt64, isNegative: Bool, digits: Int, from start: Int
    ) throws(JSONError) -> JSONValue {
        if digits <= 19 {
            if isNegative, mantissa <= 1 << 63 { return .integer(Int64(truncatingIfNeeded: 0 &- mantissa)) }
            if !isNegative, let value = Int64(exactly: mantissa) { return .integer(value) }
        }
        return .number(try slowDouble(from: start))
    }

    private mutating func writtenExponent() throws(JSONError) -> Int {
        guard let byte = next, byte | 0x20 == UInt8(ascii: "e") else { return 0 }
        position += 1
        var isNegative = false
        if let sign = next, sign == UInt8(ascii: "+") || sign == UInt8(ascii: "-") {
            isNegative = sign == UInt8(ascii: "-")
            position += 1
        }
        let start = position
        var value: UInt64 = 0
        try digits(into: &value)
        // Far beyond the fast path's range either way, and small enough to add to.
        let magnitude = position - start > 9 ? 1_000_000_000 : Int(value)
        return isNegative ? -magnitude : magnitude
    }

    private func slowDouble(from start: Int) throws(JSONError) -> Double {
        let text = String(decoding: UnsafeBufferPointer(rebasing: bytes[start..<position]), as: UTF8.self)
        guard let value = Double(text) else { throw JSONError(.invalidNumber, at: start) }
        guard value.isFinite else { throw JSONError(.numberOutOfRange, at: start) }
        return value
    }
}

/// 10^0 … 10^22: the powers of ten that a double holds exactly.
private let powers: [Double] = [
    1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20,
    1e21, 1e22,
]
