// SPDX-License-Identifier: MIT

import SweepModel
import Testing
import WorkerAgent

@Suite struct PythonTextTests {
    @Test func floatsReadLikePythons() {
        for (bits, expected) in PythonReprFixture.floats {
            let value = Double(bitPattern: bits)
            #expect(PythonText.repr(value) == expected, "\(value)")
        }
    }

    @Test func stringsWithinContainersReadLikePythons() {
        for (text, expected) in PythonReprFixture.strings {
            #expect(PythonText.repr(.string(text)) == expected)
        }
    }

    @Test(arguments: [
        (JSONValue.bool(true), "True"), (.bool(false), "False"), (.null, "None"), (.integer(-3), "-3"),
        (.number(.nan), "nan"), (.number(-.infinity), "-inf"), (.string("it's"), "it's"),
        (.array([.integer(1), .number(0.5), .string("a"), .null]), "[1, 0.5, 'a', None]"),
        (.array([]), "[]"), (.object([]), "{}"),
        (
            .object([.init("lr", .number(0.001)), .init("deep", .object([.init("on", .bool(true))]))]),
            "{'lr': 0.001, 'deep': {'on': True}}"
        ),
    ])
    func valuesReadLikePythonsStr(value: JSONValue, expected: String) {
        #expect(PythonText.str(value) == expected)
    }
}
