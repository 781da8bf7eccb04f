// SPDX-License-Identifier: MIT

import SearchAlgorithms
import SweepModel

extension Distribution {
    /// The only value it can have; nil when there are more.
    var fixedValue: JSONValue? {
        switch self {
        case .constant(let value): value
        case .categorical(let values, _, _): values.count == 1 ? values[0] : nil
        case .integer(let low, let high, _, _): low == high ? .integer(low) : nil
        case .real: nil
        }
    }

    var isFixed: Bool { fixedValue != nil }

    /// Whether all its values are numbers.
    var isNumeric: Bool {
        switch self {
        case .constant(let value): value.isNumber
        case .categorical(let values, _, _): values.allSatisfy(\.isNumber)
        case .integer, .real: true
        }
    }

    /// Its listed value that is written so in a table; nil when there is none, or no list.
    func listed(_ text: String) -> JSONValue? {
        switch self {
        case .constant(let value): value.isWritten(text) ? value : nil
        case .categorical(let values, _, _): values.first { $0.isWritten(text) }
        case .integer, .real: nil
        }
    }
}

extension JSONValue {
    var isNumber: Bool { number != nil }

    /// The number, where it is written as one and not as text.
    var number: Double? {
        switch self {
        case .integer(let value): Double(value)
        case .number(let value): value
        case .null, .bool, .string, .array, .object: nil
        }
    }

    /// Whether a table's cell means this value, as JSON, pandas or a user may write it.
    fileprivate func isWritten(_ text: String) -> Bool {
        switch self {
        case .null: ["", "null", "none"].contains(text.lowercased())
        case .bool(let value): text.lowercased() == (value ? "true" : "false")
        case .integer, .number: Double(text).map { $0 == number } ?? false
        case .string(let value): text == value
        case .array, .object: (try? JSONValue.parse(text))?.canonical == canonical
        }
    }
}
