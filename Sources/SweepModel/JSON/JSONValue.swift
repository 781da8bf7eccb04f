// SPDX-License-Identifier: MIT

/// A JSON value that keeps what a sweep needs and Foundation's reader loses: integers apart from floats, the order of
/// an object's members, and non-finite numbers (written as the strings "NaN", "Infinity", "-Infinity").
///
/// It is the one representation of a parameter's value in memory, on the wire and in the journal. See
/// `Docs/decisions/0002-own-json.md`.
package enum JSONValue: Hashable, Sendable {
    case null
    case bool(Bool)
    case integer(Int64)
    case number(Double)
    case string(String)
    case array([JSONValue])
    /// Members in the order they were written; names are unique.
    case object([Member])

    package struct Member: Hashable, Sendable {
        package let name: String
        package let value: JSONValue

        package init(_ name: String, _ value: JSONValue) {
            self.name = name
            self.value = value
        }
    }
}

extension JSONValue {
    /// The member of that name, or nil when there is none or this is no object.
    package subscript(_ name: String) -> JSONValue? {
        guard case .object(let members) = self else { return nil }
        return members.first { $0.name == name }?.value
    }

    package var boolValue: Bool? {
        if case .bool(let value) = self { value } else { nil }
    }

    package var stringValue: String? {
        if case .string(let value) = self { value } else { nil }
    }

    package var arrayValue: [JSONValue]? {
        if case .array(let value) = self { value } else { nil }
    }

    package var objectValue: [Member]? {
        if case .object(let value) = self { value } else { nil }
    }

    /// The integer, also where it was written as a whole float or, as 64-bit seeds are, as a decimal string.
    package var integerValue: Int64? {
        switch self {
        case .integer(let value): value
        case .number(let value): Int64(exactly: value)
        case .string(let text): Int64(text)
        case .null, .bool, .array, .object: nil
        }
    }

    /// The number, also where it is one of the strings "NaN", "Infinity" and "-Infinity".
    package var doubleValue: Double? {
        switch self {
        case .integer(let value): Double(value)
        case .number(let value): value
        case .string("NaN"): .nan
        case .string("Infinity"): .infinity
        case .string("-Infinity"): -.infinity
        case .string, .null, .bool, .array, .object: nil
        }
    }
}
