// SPDX-License-Identifier: MIT

import Foundation
import SweepModel

/// How values look to people. Machines get `--json`.
enum Format {
    /// Five significant digits, as short as they allow: 0.081234, 1234.5, 3.2e-07.
    static func number(_ value: Double) -> String {
        if value.isNaN { return "NaN" }
        if value.isInfinite { return value < 0 ? "-inf" : "inf" }
        if value == value.rounded(), abs(value) < 1e7 { return String(Int64(value)) }
        return String(format: "%.5g", value)
    }

    static func number(_ value: Double?) -> String { value.map(number) ?? "–" }

    /// A parameter's value on one line, without control characters.
    static func value(_ value: JSONValue) -> String {
        switch value {
        case .null: "null"
        case .bool(let bool): bool ? "true" : "false"
        case .integer(let integer): String(integer)
        case .number(let double): number(double)
        case .string(let string): printable(string)
        case .array, .object: printable(value.text)
        }
    }

    static func configuration(_ configuration: Configuration, limit: Int = .max) -> String {
        var text = ""
        for entry in configuration.entries {
            let next = "\(printable(entry.name))=\(value(entry.value))"
            if text.count + next.count + 1 > limit {
                return text + " …"
            }
            text += text.isEmpty ? next : " \(next)"
        }
        return text
    }

    /// 4.2s, 3m05s, 2h10m, 3d04h.
    static func duration(seconds: Double) -> String {
        guard seconds.isFinite, seconds < 1e9 else { return "–" }
        if seconds < 9.95 { return String(format: "%.1fs", max(0, seconds)) }
        let whole = Int(seconds.rounded())
        if whole < 60 { return "\(whole)s" }
        if whole < 3600 { return String(format: "%dm%02ds", whole / 60, whole % 60) }
        if whole < 86400 { return String(format: "%dh%02dm", whole / 3600, whole / 60 % 60) }
        return String(format: "%dd%02dh", whole / 86400, whole / 3600 % 24)
    }

    static func duration(_ duration: Duration) -> String {
        self.duration(seconds: Double(duration.milliseconds) / 1000)
    }

    static func bytes(_ count: Int64) -> String {
        let units = ["B", "KiB", "MiB", "GiB", "TiB"]
        var value = Double(count), unit = 0
        while value >= 1024, unit < units.count - 1 {
            value /= 1024
            unit += 1
        }
        return unit == 0 ? "\(count) B" : String(format: value < 10 ? "%.1f %@" : "%.0f %@", value, units[unit])
    }

    /// Text from outside must not move the cursor or change the title of the user's terminal.
    static func printable(_ text: String) -> String {
        guard hasControls(text) else { return text }
        var result = ""
        for scalar in text.unicodeScalars {
            if isControl(scalar) {
                result += String(format: "\\u%04x", scalar.value)
            } else {
                result.unicodeScalars.append(scalar)
            }
        }
        return result
    }

    /// The same for a text of several lines.
    static func printableLines(_ text: String) -> String {
        text.split(separator: "\n", omittingEmptySubsequences: false).map { printable(String($0)) }
            .joined(separator: "\n")
    }

    static func hasControls(_ text: String) -> Bool { text.unicodeScalars.contains(where: isControl) }

    private static func isControl(_ scalar: Unicode.Scalar) -> Bool {
        scalar.properties.generalCategory == .control || scalar.properties.generalCategory == .format
            || (0x2028...0x202E).contains(scalar.value)
    }

    static func plural(_ count: Int, _ noun: String) -> String { "\(count) \(noun)\(count == 1 ? "" : "s")" }
}
