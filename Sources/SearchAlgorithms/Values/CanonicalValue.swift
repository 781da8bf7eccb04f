// SPDX-License-Identifier: MIT

import Randomness
package import SweepModel

extension JSONValue {
    /// One form for all ways to write a value: 3e6, 3000000.0 and 3000000 are one, -0.0 is 0, the order of an object's
    /// members does not count. `true` and 1 stay apart, and so do a number and its text.
    package var canonical: JSONValue {
        switch self {
        case .null, .bool, .integer, .string:
            return self
        case .number(let value):
            return Int64(exactly: value).map(JSONValue.integer) ?? (value.isNaN ? .string("NaN") : self)
        case .array(let values):
            return .array(values.map(\.canonical))
        case .object(let members):
            return .object(
                members.map { Member($0.name, $0.value.canonical) }.sorted {
                    $0.name.utf8.lexicographicallyPrecedes($1.name.utf8)
                })
        }
    }

    /// The number, if it is written as one.
    var numericValue: Double? {
        switch self {
        case .integer(let value): Double(value)
        case .number(let value): value
        case .null, .bool, .string, .array, .object: nil
        }
    }
}

extension Fingerprint {
    /// Takes in a value such that two values have equal canonical forms iff they are taken in alike.
    mutating func combine(value: JSONValue) {
        switch value.canonical {
        case .null:
            combine(0)
        case .bool(let bool):
            combine(bool ? 2 : 1)
        case .integer(let integer):
            combine(3)
            combine(UInt64(bitPattern: integer))
        case .number(let number):
            combine(4)
            combine(number.bitPattern)
        case .string(let text):
            combine(5)
            combine(text)
        case .array(let values):
            combine(6)
            combine(UInt64(values.count))
            for value in values { combine(value: value) }
        case .object(let members):
            combine(7)
            combine(UInt64(members.count))
            for member in members {
                combine(member.name)
                combine(value: member.value)
            }
        }
    }
}
