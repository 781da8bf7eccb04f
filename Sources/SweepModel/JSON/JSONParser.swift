// SPDX-License-Identifier: MIT

extension JSONValue {
    /// Reads one JSON value (RFC 8259, strictly) that fills `bytes` but for white space around it.
    ///
    /// Refused: names that appear twice in an object, invalid UTF-8, lone surrogates, numbers beyond a double's range,
    /// and whatever exceeds `limits`. A number without fraction and exponent that fits is an integer, any other a float.
    package static func parse(_ bytes: [UInt8], limits: JSONLimits = .init()) throws(JSONError) -> JSONValue {
        guard bytes.count <= limits.maximumBytes else {
            throw JSONError(.tooLong(limit: limits.maximumBytes), at: limits.maximumBytes)
        }
        return try bytes.withUnsafeBufferPointer { buffer throws(JSONError) in
            var parser = JSONParser(bytes: buffer, limits: limits)
            return try parser.document()
        }
    }

    /// Reads the UTF-8 of `text`.
    package static func parse(_ text: String, limits: JSONLimits = .init()) throws(JSONError) -> JSONValue {
        try parse(Array(text.utf8), limits: limits)
    }
}

/// A recursive-descent reader over borrowed bytes; it lives within one call of `JSONValue.parse`.
struct JSONParser {
    let bytes: UnsafeBufferPointer<UInt8>
    let limits: JSONLimits
    var position = 0

    init(bytes: UnsafeBufferPointer<UInt8>, limits: JSONLimits) {
        self.bytes = bytes
        self.limits = limits
    }

    mutating func document() throws(JSONError) -> JSONValue {
        skipSpace()
        let value = try value(depth: 0)
        skipSpace()
        guard position == bytes.count else { throw JSONError(.trailingBytes, at: position) }
        return value
    }

    private mutating func value(depth: Int) throws(JSONError) -> JSONValue {
        switch try peek() {
        case UInt8(ascii: "{"): return try object(depth: depth + 1)
        case UInt8(ascii: "["): return try array(depth: depth + 1)
        case UInt8(ascii: "\""): return .string(try string())
        case UInt8(ascii: "-"), UInt8(ascii: "0")...UInt8(ascii: "9"): return try number()
        case UInt8(ascii: "t"): return try word("true", .bool(true))
        case UInt8(ascii: "f"): return try word("false", .bool(false))
        case UInt8(ascii: "n"): return try word("null", .null)
        case UInt8(ascii: "N"): return try nonFinite("NaN", .nan)
        case UInt8(ascii: "I"): return try nonFinite("Infinity", .infinity)
        case let byte: throw JSONError(.unexpectedByte(byte, expected: "a value"), at: position)
        }
    }

    private mutating func object(depth: Int) throws(JSONError) -> JSONValue {
        try enter(depth)
        var members: [Member] = []
        var names: Set<String> = []
        if try peek() == UInt8(ascii: "}") {
            position += 1
            return .object(members)
        }
        while true {
            let start = position
            guard try peek() == UInt8(ascii: "\"") else {
                throw JSONError(.unexpectedByte(bytes[position], expected: "a name in quotes"), at: position)
            }
            let name = try string()
            try refuseDuplicate(name, at: start, in: members, &names)
            skipSpace()
            guard try peek() == UInt8(ascii: ":") else {
                throw JSONError(.unexpectedByte(bytes[position], expected: "':'"), at: position)
            }
            position += 1
            skipSpace()
            members.append(Member(name, try value(depth: depth)))
            if try ends(with: UInt8(ascii: "}"), expected: "',' or '}'") { return .object(members) }
        }
    }

    private typealias Member = JSONValue.Member

    /// Compares with each name while they are few, else looks it up: a hostile object costs no square of its size.
    private func refuseDuplicate(
        _ name: String, at start: Int, in members: [Member], _ names: inout Set<String>
    ) throws(JSONError) {
        let isNew: Bool
        if members.count < 16 {
            isNew = !members.contains { $0.name == name }
        } else {
            if names.isEmpty { names = Set(members.map(\.name)) }
            isNew = names.insert(name).inserted
        }
        guard isNew else { throw JSONError(.duplicateName(name), at: start) }
    }

    private mutating func array(depth: Int) throws(JSONError) -> JSONValue {
        try enter(depth)
        var values: [JSONValue] = []
        if try peek() == UInt8(ascii: "]") {
            position += 1
            return .array(values)
        }
        while true {
            values.append(try value(depth: depth))
            if try ends(with: UInt8(ascii: "]"), expected: "',' or ']'") { return .array(values) }
        }
    }

    private mutating func enter(_ depth: Int) throws(JSONError) {
        guard depth <= limits.maximumDepth else {
            throw JSONError(.tooDeep(limit: limits.maximumDepth), at: position)
        }
        position += 1
        skipSpace()
    }

    /// Steps over the end of a container, or over a comma to its next element.
    private mutating func ends(with end: UInt8, expected: String) throws(JSONError) -> Bool {
        skipSpace()
        let byte = try peek()
        position += 1
        if byte == end { return true }
        guard byte == UInt8(ascii: ",") else {
            throw JSONError(.unexpectedByte(byte, expected: expected), at: position - 1)
        }
        skipSpace()
        return false
    }

    private mutating func word(_ word: StaticString, _ value: JSONValue) throws(JSONError) -> JSONValue {
        guard take(word) else { throw JSONError(.unexpectedByte(bytes[position], expected: "a value"), at: position) }
        return value
    }

    mutating func nonFinite(_ word: StaticString, _ value: Double) throws(JSONError) -> JSONValue {
        let start = position
        guard take(word) else { throw JSONError(.unexpectedByte(bytes[position], expected: "a value"), at: position) }
        guard limits.allowsBareNonFinite else { throw JSONError(.bareNonFinite, at: start) }
        return .number(value)
    }

    private mutating func take(_ word: StaticString) -> Bool {
        let count = word.utf8CodeUnitCount
        guard position + count <= bytes.count else { return false }
        for index in 0..<count where bytes[position + index] != word.utf8Start[index] { return false }
        position += count
        return true
    }

    func peek() throws(JSONError) -> UInt8 {
        guard position < bytes.count else { throw JSONError(.unexpectedEnd, at: position) }
        return bytes[position]
    }

    mutating func skipSpace() {
        while position < bytes.count {
            switch bytes[position] {
            case 0x20, 0x09, 0x0A, 0x0D: position += 1
            default: return
            }
        }
    }
}
