// SPDX-License-Identifier: MIT

import SweepModel
import Testing

@Suite struct JSONParserTests {
    @Test(arguments: [
        ("null", JSONValue.null), (" true\n", .bool(true)), ("false", .bool(false)),
        ("0", .integer(0)), ("-0", .integer(0)), ("-7", .integer(-7)),
        ("9223372036854775807", .integer(.max)), ("-9223372036854775808", .integer(.min)),
        ("9223372036854775808", .number(0x1p63)), ("-9223372036854775809", .number(-0x1p63)),
        ("1.0", .number(1)), ("1e2", .number(100)), ("1E+2", .number(100)), ("-0.0", .number(-0.0)),
        ("0.1", .number(0.1)), ("5e-324", .number(.leastNonzeroMagnitude)),
        ("1.7976931348623157e308", .number(.greatestFiniteMagnitude)),
        ("123456789012345678901234567890", .number(123456789012345677877719597056)),
        ("9007199254740993.0", .number(9007199254740992)), ("1e-400", .number(0)),
        ("0.000000000000000000000000000001", .number(1e-30)),
        ("\"\"", .string("")), ("\"a\\\"b\\\\c\\/\\b\\f\\n\\r\\t\"", .string("a\"b\\c/\u{8}\u{C}\n\r\t")),
        ("\"\\u00e9\\ud83d\\ude00é😀\"", .string("é😀é😀")), ("\"\\u0000\"", .string("\0")),
        ("[]", .array([])), ("[1, 2.5 ,\"x\"]", .array([.integer(1), .number(2.5), .string("x")])),
        ("{}", .object([])),
        (
            "{\"b\": 1, \"a\": {\"c\": null}}",
            .object([.init("b", .integer(1)), .init("a", .object([.init("c", .null)]))])
        ),
    ])
    func accepts(_ text: String, _ expected: JSONValue) throws {
        #expect(try JSONValue.parse(text) == expected)
    }

    @Test func keepsTheSignOfZero() throws {
        #expect(try JSONValue.parse("-0.0").doubleValue?.sign == .minus)
    }

    @Test(arguments: [
        ("", JSONError.Reason.unexpectedEnd, 0), ("  ", .unexpectedEnd, 2), ("[", .unexpectedEnd, 1),
        ("[1", .unexpectedEnd, 2), ("{\"a\"", .unexpectedEnd, 4), ("\"abc", .unexpectedEnd, 4),
        ("\"a\\", .unexpectedEnd, 3), ("\"\\u12", .unexpectedEnd, 5), ("-", .unexpectedEnd, 1),
        ("1.", .unexpectedEnd, 2),
        ("1e", .unexpectedEnd, 2), ("1 2", .trailingBytes, 2), ("[1,]", .unexpectedByte(93, expected: "a value"), 3),
        ("[1 2]", .unexpectedByte(50, expected: "',' or ']'"), 3),
        ("{1:2}", .unexpectedByte(49, expected: "a name in quotes"), 1),
        ("{\"a\" 1}", .unexpectedByte(49, expected: "':'"), 5),
        ("{\"a\":1,}", .unexpectedByte(125, expected: "a name in quotes"), 7),
        ("nul", .unexpectedByte(110, expected: "a value"), 0), ("'a'", .unexpectedByte(39, expected: "a value"), 0),
        ("01", .invalidNumber, 0), ("-01", .invalidNumber, 0), ("+1", .unexpectedByte(43, expected: "a value"), 0),
        (".5", .unexpectedByte(46, expected: "a value"), 0), ("1.e3", .invalidNumber, 2),
        ("1e999", .numberOutOfRange, 0),
        ("1e99999999999999999999", .numberOutOfRange, 0), ("NaN", .bareNonFinite, 0), ("-Infinity", .bareNonFinite, 1),
        ("\"\u{1}\"", .controlCharacter, 1), ("\"a\\x\"", .invalidEscape, 2), ("\"\\ug000\"", .invalidEscape, 3),
        ("\"\\ud800\"", .loneSurrogate, 1), ("\"\\udc00\"", .loneSurrogate, 1),
        ("\"\\ud800\\u0041\"", .loneSurrogate, 1),
        ("{\"a\":1,\"a\":2}", .duplicateName("a"), 7), ("{\"a\":1,\"\\u0061\":2}", .duplicateName("a"), 7),
    ])
    func refuses(_ text: String, _ reason: JSONError.Reason, _ offset: Int) {
        #expect(throws: JSONError(reason, at: offset)) { try JSONValue.parse(text) }
    }

    @Test(arguments: [[0xFF], [0xC3], [0xC0, 0x80], [0xED, 0xA0, 0x80], [0xF5, 0x80, 0x80, 0x80]] as [[UInt8]])
    func refusesInvalidUTF8(_ bytes: [UInt8]) {
        for prefix in ["", "\\n"] {
            #expect(throws: JSONError.self) {
                try JSONValue.parse(Array("\"\(prefix)".utf8) + bytes + Array("\"".utf8))
            }
        }
    }

    @Test func refusesDuplicatesInLargeObjects() {
        let members = (0..<100).map { "\"k\($0)\":\($0)" } + ["\"k50\":0"]
        #expect(throws: JSONError.self) { try JSONValue.parse("{" + members.joined(separator: ",") + "}") }
    }

    @Test func boundsDepthAndLength() throws {
        func nested(_ depth: Int) -> String {
            String(repeating: "[", count: depth) + String(repeating: "]", count: depth)
        }
        #expect(throws: Never.self) { try JSONValue.parse(nested(32)) }
        #expect(throws: JSONError(.tooDeep(limit: 32), at: 32)) { try JSONValue.parse(nested(33)) }
        #expect(throws: JSONError(.tooDeep(limit: 512), at: 512)) {
            try JSONValue.parse(nested(100_000), limits: JSONLimits(maximumDepth: .max))
        }
        #expect(throws: JSONError(.tooLong(limit: 3), at: 3)) {
            try JSONValue.parse("1234", limits: JSONLimits(maximumBytes: 3))
        }
    }

    @Test func acceptsBareNonFiniteNumbersWhereAllowed() throws {
        let limits = JSONLimits(allowsBareNonFinite: true)
        let values = try JSONValue.parse("[NaN, Infinity, -Infinity]", limits: limits).arrayValue ?? []
        #expect(values.count == 3)
        #expect(values[0].doubleValue?.isNaN == true)
        #expect(values[1] == .number(.infinity))
        #expect(values[2] == .number(-.infinity))
        #expect(throws: JSONError.self) { try JSONValue.parse("Nan", limits: limits) }
    }

    @Test(arguments: [1, 2, 3] as [UInt64])
    func mutatedBytesNeverCrash(seed: UInt64) {
        var random = SplitMix(seed: seed)
        let start = Array(#"{"a":[1,-2.5e3,"x\u00e9\n",true,null],"b":{"c":"é😀","d":1e-7}}"#.utf8)
        for _ in 0..<20_000 {
            var bytes = start
            for _ in 0..<Int.random(in: 1...4, using: &random) {
                let index = Int.random(in: 0..<bytes.count, using: &random)
                switch UInt8.random(in: 0..<3, using: &random) {
                case 0: bytes[index] = UInt8.random(in: 0...255, using: &random)
                case 1: bytes.remove(at: index)
                default: bytes.insert(bytes[Int.random(in: 0..<bytes.count, using: &random)], at: index)
                }
            }
            guard let value = try? JSONValue.parse(bytes) else { continue }
            #expect((try? JSONValue.parse(value.text)) == value, "seed \(seed): \(value.text)")
        }
    }
}
