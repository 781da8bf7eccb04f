// SPDX-License-Identifier: MIT

/// Durations and sizes as people write them.
package enum Quantity {
    /// `90` (seconds), `90s`, `10m`, `1.5h`, `2d`, `250ms`, `1h30m`. Nil when it is none, not positive, or beyond a
    /// hundred years.
    package static func duration(_ text: String) -> Duration? {
        if let seconds = decimal(text) { return duration(seconds: seconds) }
        var milliseconds = 0.0
        var rest = Substring(text)
        while !rest.isEmpty {
            guard let (amount, unit, remainder) = leadingTerm(rest), let scale = millisecondsPerUnit(unit) else {
                return nil
            }
            milliseconds += amount * scale
            rest = remainder
        }
        return duration(seconds: milliseconds / 1000)
    }

    /// Rounded to milliseconds.
    static func duration(seconds: Double) -> Duration? {
        let milliseconds = (seconds * 1000).rounded()
        guard milliseconds >= 1, milliseconds <= 100 * 365 * 86_400_000 else { return nil }
        return .milliseconds(Int64(milliseconds))
    }

    /// Bytes: `8GiB`, `500MB`, `1.5G`. K, M, G and T are powers of 1024, as in Slurm and systemd; KB, MB, GB and TB
    /// powers of 1000.
    static func bytes(_ text: String) -> Int64? {
        if let amount = decimal(text) { return bytes(amount) }
        guard let (amount, unit, rest) = leadingTerm(Substring(text)), rest.isEmpty,
            let scale = bytesPerUnit(unit)
        else { return nil }
        return bytes(amount * scale)
    }

    static func bytes(_ amount: Double) -> Int64? {
        guard amount >= 1, amount < 0x1p62 else { return nil }
        return Int64(amount.rounded())
    }

    /// Text that `duration(_:)` reads back exactly.
    static func text(of duration: Duration) -> String {
        let milliseconds = duration.milliseconds
        return milliseconds % 1000 == 0 ? "\(milliseconds / 1000)s" : "\(milliseconds)ms"
    }

    private static func millisecondsPerUnit(_ unit: String) -> Double? {
        switch unit {
        case "ms": 1
        case "s", "sec": 1000
        case "m", "min": 60_000
        case "h": 3_600_000
        case "d": 86_400_000
        default: nil
        }
    }

    private static func bytesPerUnit(_ unit: String) -> Double? {
        switch unit.lowercased() {
        case "b": 1
        case "kb": 1e3
        case "mb": 1e6
        case "gb": 1e9
        case "tb": 1e12
        case "k", "kib": 0x1p10
        case "m", "mib": 0x1p20
        case "g", "gib": 0x1p30
        case "t", "tib": 0x1p40
        default: nil
        }
    }

    /// Digits with at most one point; no sign, no exponent.
    private static func decimal(_ text: String) -> Double? {
        guard !text.isEmpty, text.utf8.count <= 20, text.utf8.allSatisfy(isPartOfNumber) else { return nil }
        return Double(text)
    }

    private static func leadingTerm(_ text: Substring) -> (amount: Double, unit: String, rest: Substring)? {
        let digits = text.prefix { $0.utf8.count == 1 && $0.utf8.allSatisfy(isPartOfNumber) }
        guard let amount = decimal(String(digits)) else { return nil }
        let afterSpaces = text[digits.endIndex...].drop { $0 == " " }
        let unit = afterSpaces.prefix { $0.isASCII && $0.isLetter }
        guard !unit.isEmpty else { return nil }
        return (amount, String(unit), afterSpaces[unit.endIndex...].drop { $0 == " " })
    }

    private static func isPartOfNumber(_ byte: UInt8) -> Bool {
        byte == UInt8(ascii: ".") || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
    }
}
