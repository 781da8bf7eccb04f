// SPDX-License-Identifier: MIT

/// What a plain (unquoted) scalar means: YAML 1.2, and beyond it what PyYAML, which W&B uses, reads as a number or a
/// boolean.
enum PlainScalar {
    /// Why a reading may surprise.
    enum Surprise: Sendable { case oldBoolean, octal, wideInteger }

    static func value(of text: String) -> (value: JSONValue, surprise: Surprise?) {
        switch text {
        case "", "~", "null", "Null", "NULL": return (.null, nil)
        case "true", "True", "TRUE": return (.bool(true), nil)
        case "false", "False", "FALSE": return (.bool(false), nil)
        case "yes", "Yes", "YES", "on", "On", "ON": return (.bool(true), .oldBoolean)
        case "no", "No", "NO", "off", "Off", "OFF": return (.bool(false), .oldBoolean)
        case ".inf", ".Inf", ".INF", "+.inf", "+.Inf", "+.INF": return (.number(.infinity), nil)
        case "-.inf", "-.Inf", "-.INF": return (.number(-.infinity), nil)
        case ".nan", ".NaN", ".NAN": return (.number(.nan), nil)
        default: break
        }
        guard let first = text.utf8.first, text.utf8.count <= 400,
            isDigit(first) || first == UInt8(ascii: "-") || first == UInt8(ascii: "+") || first == UInt8(ascii: ".")
        else { return (.string(text), nil) }
        return integer(text) ?? float(text).map { (.number($0), nil) } ?? (.string(text), nil)
    }

    /// A decimal float as YAML 1.2 writes it; `1e-5` is one, though PyYAML takes it for text.
    static func float(_ text: String) -> Double? {
        var bytes = Array(text.utf8)
        if let first = bytes.first, isDigit(first) || bytes.count > 1 && isDigit(bytes[1]) {
            bytes.removeAll { $0 == UInt8(ascii: "_") }
        }
        var rest = bytes[...]
        if rest.first == UInt8(ascii: "-") || rest.first == UInt8(ascii: "+") { rest.removeFirst() }
        let whole = dropDigits(&rest)
        var fraction = 0
        if rest.first == UInt8(ascii: ".") {
            rest.removeFirst()
            fraction = dropDigits(&rest)
        }
        guard whole + fraction > 0 else { return nil }
        if let mark = rest.first, mark | 0x20 == UInt8(ascii: "e") {
            rest.removeFirst()
            if rest.first == UInt8(ascii: "-") || rest.first == UInt8(ascii: "+") { rest.removeFirst() }
            guard dropDigits(&rest) > 0 else { return nil }
        }
        guard rest.isEmpty else { return nil }
        return Double(String(decoding: bytes, as: UTF8.self))
    }

    private static func integer(_ text: String) -> (value: JSONValue, surprise: Surprise?)? {
        var digits = Substring(text)
        var sign = ""
        if digits.hasPrefix("-") || digits.hasPrefix("+") {
            sign = digits.hasPrefix("-") ? "-" : ""
            digits.removeFirst()
        }
        guard let first = digits.utf8.first, isDigit(first) else { return nil }
        digits.removeAll { $0 == "_" }
        for (prefix, radix) in [("0x", 16), ("0o", 8), ("0b", 2)] where digits.hasPrefix(prefix) {
            let body = digits.dropFirst(2)
            guard body.utf8.first != UInt8(ascii: "-"), body.utf8.first != UInt8(ascii: "+") else { return nil }
            return Int64(sign + body, radix: radix).map { (.integer($0), nil) }
        }
        guard digits.utf8.allSatisfy(isDigit) else { return nil }
        if digits.utf8.count > 1, first == UInt8(ascii: "0") {
            return Int64(sign + digits, radix: 8).map { (.integer($0), .octal) }
        }
        if let value = Int64(sign + digits) { return (.integer(value), nil) }
        return Double(sign + digits).map { (.number($0), .wideInteger) }
    }

    private static func dropDigits(_ bytes: inout ArraySlice<UInt8>) -> Int {
        let before = bytes.count
        bytes = bytes.drop(while: isDigit)
        return before - bytes.count
    }

    private static func isDigit(_ byte: UInt8) -> Bool {
        (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
    }
}
