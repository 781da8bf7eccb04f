// SPDX-License-Identifier: MIT

import Testing

@testable import SweepModel

@Suite struct NearestWordTests {
    @Test(arguments: [
        ("trails", "trials"), ("metod", "method"), ("METRIC", "metric"), ("xyz", nil), ("", nil), ("lr", "lr"),
        ("lrr", "lr"), ("mehtod", "method"), ("completelydifferent", nil),
        (String(repeating: "m", count: 100_000), nil),
    ])
    func finds(_ written: String, _ expected: String?) {
        #expect(nearestWord(to: written, in: ["method", "metric", "trials", "lr"]) == expected)
    }

    @Test(arguments: [("", "", 0), ("a", "", 1), ("kitten", "sitting", 3), ("ab", "ba", 1), ("abc", "abc", 0)])
    func distances(_ left: String, _ right: String, _ distance: Int) {
        #expect(editDistance(Array(left.utf8), Array(right.utf8)) == distance)
        #expect(editDistance(Array(right.utf8), Array(left.utf8)) == distance)
    }
}
