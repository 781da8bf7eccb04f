// SPDX-License-Identifier: MIT

import SweepModel

/// Comma-separated values as RFC 4180 has them.
enum CSV {
    /// With its line end.
    static func row(_ cells: [String]) -> String {
        cells.map(quoted).joined(separator: ",") + "\r\n"
    }

    static func quoted(_ cell: String) -> String {
        let needsQuotes = cell.utf8.contains { $0 == 0x22 || $0 == 0x2C || $0 == 0x0A || $0 == 0x0D }
        guard needsQuotes || cell.first == " " || cell.last == " " else { return cell }
        return "\"" + cell.replacing("\"", with: "\"\"") + "\""
    }

    /// With all its digits.
    static func number(_ value: Double?) -> String {
        guard let value else { return "" }
        return value.isNaN ? "NaN" : value.isInfinite ? (value < 0 ? "-inf" : "inf") : value.description
    }

    static func value(_ value: JSONValue?) -> String {
        switch value {
        case nil: ""
        case .null?: "null"
        case .bool(let bool)?: bool ? "true" : "false"
        case .integer(let integer)?: String(integer)
        case .number(let double)?: number(double)
        case .string(let text)?: text
        case .array?, .object?: value?.text ?? ""
        }
    }
}
