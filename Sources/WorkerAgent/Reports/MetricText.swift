// SPDX-License-Identifier: MIT

/// Numbers as training scripts print them.
package enum MetricText {
    /// nan, inf, -Infinity and the like, in any case; nil for anything else.
    package static func nonFinite(_ text: String) -> Double? {
        switch text.lowercased() {
        case "nan", "+nan", "-nan": .nan
        case "inf", "+inf", "infinity", "+infinity": .infinity
        case "-inf", "-infinity": -.infinity
        default: nil
        }
    }

    /// A number, finite or not; nil when the text is none.
    package static func number(_ text: String) -> Double? {
        if let value = nonFinite(text) { return value }
        guard let first = text.utf8.first, (0x30...0x39).contains(first) || [0x2B, 0x2D, 0x2E].contains(first) else {
            return nil
        }
        return Double(text)
    }

    /// A step: a whole number, also written as "3.0".
    package static func step(_ text: String) -> Int64? {
        if let value = Int64(text) { return value >= 0 ? value : nil }
        guard let value = Double(text), value >= 0 else { return nil }
        return Int64(exactly: value)
    }
}
