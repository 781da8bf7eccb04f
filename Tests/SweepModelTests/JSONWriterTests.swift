// SPDX-License-Identifier: MIT

import SweepModel
import Testing

@Suite struct JSONWriterTests {
    @Test(arguments: [
        (JSONValue.null, "null"), (.bool(true), "true"), (.integer(0), "0"), (.integer(10), "10"),
        (.integer(.min), "-9223372036854775808"), (.integer(.max), "9223372036854775807"), (.number(1), "1.0"),
        (.number(-0.0), "-0.0"), (.number(0.1), "0.1"), (.number(1e-5), "1e-05"), (.number(1e16), "1e+16"),
        (.number(.leastNonzeroMagnitude), "5e-324"), (.number(.nan), "\"NaN\""), (.number(.infinity), "\"Infinity\""),
        (.number(-.infinity), "\"-Infinity\""),
        (.string("a\"\\\n\r\t\u{1}\u{1F}é😀/"), "\"a\\\"\\\\\\n\\r\\t\\u0001\\u001fé😀/\""),
        (.array([.integer(1), .array([])]), "[1,[]]"),
        (.object([.init("b", .integer(1)), .init("a", .object([]))]), "{\"b\":1,\"a\":{}}"),
    ])
    func writes(_ value: JSONValue, _ expected: String) {
        #expect(value.text == expected)
    }

    @Test(arguments: [11, 12] as [UInt64])
    func everyFiniteNumberComesBack(seed: UInt64) throws {
        var random = SplitMix(seed: seed)
        for _ in 0..<50_000 {
            let value = Double(bitPattern: random.next())
            guard value.isFinite else { continue }
            let back = try JSONValue.parse(JSONValue.number(value).text)
            #expect(back == .number(value), "seed \(seed)")
            let short = (value.significand * 1000).rounded() / 100
            #expect(try JSONValue.parse(JSONValue.number(short).text) == .number(short), "seed \(seed)")
            let integer = Int64(truncatingIfNeeded: random.next() >> UInt64.random(in: 0..<64, using: &random))
            #expect(try JSONValue.parse(JSONValue.integer(integer).text) == .integer(integer), "seed \(seed)")
        }
    }

    /// Decimal texts of any length, against the standard library's reader.
    @Test(arguments: [21, 22] as [UInt64])
    func everyDecimalIsReadCorrectly(seed: UInt64) throws {
        var random = SplitMix(seed: seed)
        for _ in 0..<20_000 {
            let whole = UInt64.random(in: 0...9, using: &random)
            let digits = (0..<Int.random(in: 1...20, using: &random)).map { _ in
                String(UInt8.random(in: 0...9, using: &random))
            }
            let text = "\(whole).\(digits.joined())e\(Int.random(in: -30...30, using: &random))"
            #expect(try JSONValue.parse(text).doubleValue == Double(text), "seed \(seed): \(text)")
        }
    }
}
