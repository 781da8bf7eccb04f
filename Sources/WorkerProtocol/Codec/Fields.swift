// SPDX-License-Identifier: MIT

import SweepModel

/// Reads the members of an object from outside. Unknown ones are ignored; null counts as absent.
struct Fields {
    private let members: [JSONValue.Member]

    init(_ value: JSONValue) throws(CodecError) {
        guard case .object(let members) = value else {
            throw CodecError.field(path: "", problem: "must be an object")
        }
        self.members = members
    }

    func value(_ name: String) -> JSONValue? {
        for member in members where member.name == name {
            return member.value == .null ? nil : member.value
        }
        return nil
    }

    func integer(_ name: String, in range: ClosedRange<Int64> = .min ... .max) throws(CodecError) -> Int64 {
        guard let value = try optionalInteger(name, in: range) else { throw Self.missing(name) }
        return value
    }

    /// Also a whole float, and a decimal string: integers beyond 2^53 travel so.
    func optionalInteger(_ name: String, in range: ClosedRange<Int64> = .min ... .max) throws(CodecError) -> Int64? {
        guard let value = value(name) else { return nil }
        guard let integer = value.integerValue else {
            throw CodecError.field(path: name, problem: "must be a whole number")
        }
        guard range.contains(integer) else {
            throw CodecError.field(path: name, problem: "must be from \(range.lowerBound) to \(range.upperBound)")
        }
        return integer
    }

    func int(_ name: String, in range: ClosedRange<Int>) throws(CodecError) -> Int {
        Int(try integer(name, in: Int64(range.lowerBound)...Int64(range.upperBound)))
    }

    func double(_ name: String) throws(CodecError) -> Double? {
        guard let value = value(name) else { return nil }
        guard let double = value.doubleValue else {
            throw CodecError.field(path: name, problem: "must be a number")
        }
        return double
    }

    func string(_ name: String, limit: Int) throws(CodecError) -> String {
        guard let value = try optionalString(name, limit: limit) else { throw Self.missing(name) }
        return value
    }

    /// - Parameter limit: in bytes of UTF-8.
    func optionalString(_ name: String, limit: Int) throws(CodecError) -> String? {
        guard let value = value(name) else { return nil }
        guard case .string(let text) = value else { throw CodecError.field(path: name, problem: "must be a string") }
        guard text.utf8.count <= limit else {
            throw CodecError.field(path: name, problem: "must have at most \(limit) bytes")
        }
        return text
    }

    /// Absent means false.
    func flag(_ name: String) throws(CodecError) -> Bool {
        guard let value = value(name) else { return false }
        guard case .bool(let flag) = value else {
            throw CodecError.field(path: name, problem: "must be true or false")
        }
        return flag
    }

    func word<Word: RawRepresentable & CaseIterable>(
        _ name: String, _: Word.Type = Word.self
    ) throws(CodecError) -> Word where Word.RawValue == String {
        if case .string(let text)? = value(name), let word = Word(rawValue: text) { return word }
        let words = Word.allCases.map(\.rawValue).joined(separator: ", ")
        throw CodecError.field(path: name, problem: "must be one of \(words)")
    }

    func milliseconds(_ name: String) throws(CodecError) -> Duration? {
        try optionalInteger(name, in: 0...ProtocolLimits.milliseconds).map { .milliseconds($0) }
    }

    func fence() throws(CodecError) -> Fence {
        Fence(try integer("fence", in: 0 ... .max))
    }

    func list(_ name: String, limit: Int) throws(CodecError) -> [JSONValue] {
        guard let value = value(name) else { throw Self.missing(name) }
        guard case .array(let list) = value else { throw CodecError.field(path: name, problem: "must be a list") }
        guard list.count <= limit else {
            throw CodecError.field(path: name, problem: "must have at most \(limit) elements")
        }
        return list
    }

    func objects<Element>(
        _ name: String, limit: Int, _ read: (Fields) throws(CodecError) -> Element
    ) throws(CodecError) -> [Element] {
        let list = try list(name, limit: limit)
        var elements: [Element] = []
        elements.reserveCapacity(list.count)
        for (index, value) in list.enumerated() {
            do throws(CodecError) {
                elements.append(try read(Fields(value)))
            } catch {
                throw error.within("\(name)[\(index)]")
            }
        }
        return elements
    }

    func object<Value>(
        _ name: String, _ read: (Fields) throws(CodecError) -> Value
    ) throws(CodecError) -> Value {
        guard let value = value(name) else { throw Self.missing(name) }
        do throws(CodecError) {
            return try read(Fields(value))
        } catch {
            throw error.within(name)
        }
    }

    private static func missing(_ name: String) -> CodecError {
        .field(path: name, problem: "is missing")
    }
}
