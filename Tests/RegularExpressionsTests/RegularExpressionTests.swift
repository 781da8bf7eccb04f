// SPDX-License-Identifier: MIT

import RegularExpressions
import Testing

@Suite struct RegularExpressionTests {
    static var enough: SearchEffort { SearchEffort(steps: 1_000_000) { false } }

    /// The named groups of all matches; nil when the effort was too little.
    private func found(_ pattern: String, _ text: String, effort: SearchEffort = enough) throws -> [[String]]? {
        let expression = try RegularExpression(pattern)
        var matches: [[String]] = []
        let isDone = expression.search(text, effort: effort) { captures in
            matches.append(captures.map { "\($0.name)=\($0.text)" })
        }
        return isDone ? matches : nil
    }

    @Test(
        arguments: [
            (#"(?<b>\d)(?<a>\d)?"#, "12 3", [["b=1", "a=2"], ["b=3"]]),
            (#"(?<a>\w*)"#, "aé b", [["a=aé"], ["a=b"]]),
            (#"(?<=(?<a>.))"#, "é1", [["a=é"], ["a=1"]]),
            (#"(?J)x(?<a>\d)|y(?<a>\d)"#, "x1y2", [["a=1"], ["a=2"]]),
            (#"a\K(?<a>)"#, "aa", [["a="], ["a="]]),
            (#"(?C1)(?<a>a)(?C'x')"#, "a", [["a=a"]]),
            (#"(?<größe>b)"#, "ab", [["größe=b"]]),
            ("x", "", []), ("", "a", [[], []]),
        ] as [(String, String, [[String]])])
    func findsAllMatchesInTurn(pattern: String, text: String, expected: [[String]]) throws {
        #expect(try found(pattern, text) == expected)
    }

    @Test func namesStandFromLeftToRight() throws {
        #expect(try RegularExpression(#"(?<b>x)(y)(?P<a>z)(?'c'w)"#).names == ["b", "a", "c"])
    }

    @Test(
        arguments: [
            ("(?<a>", "missing closing parenthesis (at byte 5)"), (#"a\Cb"#, "disabled"),
            ("(?<a>x)(?<a>y)", "the same name"), (#"(?<=\S+)a"#, "lookbehind"), (#"(?=a\K)"#, #"\K"#),
            (String(repeating: "(", count: 300), "too deeply nested"),
            (String(repeating: "é", count: 2049), "more than 4096 bytes"),
            (String(repeating: "(?:", count: 200) + "a" + String(repeating: "){9}", count: 200), "too large"),
        ])
    func aFailureSaysWhy(pattern: String, reason: String) {
        let failure = #expect(throws: RegularExpression.Failure.self) { try RegularExpression(pattern) }
        #expect(failure?.description.contains(reason) == true, "\(failure?.description ?? "")")
    }

    /// Each takes a step count that grows without bound in the text, by another way.
    @Test(
        arguments: [
            #"(\w+\s?)+:(?<a>!)"#, #"(?:a|\w)+:(?<a>!)"#, #"(?<a>\w+)[bc]"#, #"(?<a>(?:a?){50}a{50}):b"#,
            #"(?:(?R)|a)+?:"#,
            #"(*LIMIT_MATCH=4000000000)(a+)+:(?<a>!)"#, #"(?=(?<a>.*))"#,
        ])
    func theCountOfStepsEndsASearch(pattern: String) throws {
        // PCRE2 looks for the last letter that a match must have before it tries any.
        let text = String(repeating: "a", count: 60_000) + ": !b"
        #expect(try found(pattern, text, effort: SearchEffort(steps: 50_000) { false }) == nil)
    }

    /// Steps that take long and do not count for much.
    @Test(arguments: [#"^(a*)(a*)a*\1\2(?<a>b)"#, #"(?:\w{30000}|b):?(?<a>!)"#])
    func timeEndsASearchToo(pattern: String) throws {
        let text = String(repeating: "a", count: 29_999)
        var questions = 0
        let effort = SearchEffort(steps: .max) {
            questions += 1
            return questions == 10
        }
        #expect(try found(pattern, text + "!b", effort: effort) == nil)
        #expect(questions == 10)
    }

    @Test func nothingIsLeftOfASearchThatWasGivenUp() throws {
        let expression = try RegularExpression(#"(a+)+:(?<a>!)"#)
        let none = SearchEffort(steps: 0) { false }
        #expect(!expression.search("aaaa:!", effort: none) { _ in })
        var text = ""
        #expect(expression.search("aaaa:!", effort: Self.enough) { text += $0[0].text })
        #expect(text == "!")
    }
}
