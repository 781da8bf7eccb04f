// SPDX-License-Identifier: MIT

import SweepModel
import Testing

@Suite(.serialized) struct YAMLBoundsTests {
    /// Nine levels of nine aliases: 387 million values if it were expanded.
    static let laughs =
        "a: &a [l,l,l,l,l,l,l,l,l]\n"
        + zip("abcdefgh", "bcdefghi").map {
            "\($1): &\($1) [\(repeatElement("*\($0)", count: 9).joined(separator: ","))]"
        }
        .joined(separator: "\n")

    private static let bombs: [(name: String, text: String, expected: String)] = [
        ("laughs", laughs, "values"),
        ("laughs as a key", laughs + "\n? *i\n: 1", "values"),
        (
            "laughs within a key",
            "? [" + laughs.split(separator: "\n").map { $0.drop { $0 != "&" } }.joined(separator: ",") + "]\n: 1",
            "values"
        ),
        ("merged laughs", laughs + "\n<<: [*i, *i]", "values"),
        ("many aliases", "a: &a 1\nb: [" + repeatElement("*a", count: 101).joined(separator: ",") + "]", "aliases"),
        (
            "long texts", "a: &a \"" + String(repeating: "x", count: 500_000) + "\"\nb: [*a,*a,*a]",
            "larger than 1 MiB"
        ),
        ("itself", "a: &a {b: *a}", "contains itself"),
        ("brackets", String(repeating: "[", count: 500_000), "nested deeper"),
        (
            "closed brackets", String(repeating: "[", count: 150) + String(repeating: "]", count: 150),
            "nested deeper"
        ),
        ("braces", String(repeating: "{a: ", count: 200_000), "nested deeper"),
        ("dashes", String(repeating: "- ", count: 100_000), ""),
        ("question marks", String(repeating: "? ", count: 100_000), ""),
        (
            "indents", (0..<1000).map { String(repeating: " ", count: $0) + "a:" }.joined(separator: "\n"),
            "nested deeper"
        ),
        (
            "values", "a: [" + repeatElement("1", count: 500_000).joined(separator: ",") + "]",
            "more than 10000 values"
        ),
        ("keys", (0..<80_000).map { "k\($0): 1" }.joined(separator: "\n"), "more than 10000 values"),
        ("large", String(repeating: "#", count: 1 << 20) + "\n", "larger than 1 MiB"),
        ("a long key", "? " + String(repeating: "k", count: 2000) + "\n: 1", "longer than 150 bytes"),
        ("anchors", (0..<50_000).map { "- &a\($0) x" }.joined(separator: "\n"), ""),
    ]

    /// By name: the texts are too long for a log.
    @Test(arguments: bombs.map(\.name))
    func bombsCostLittle(_ name: String) throws {
        let bomb = try #require(Self.bombs.first { $0.name == name })
        let (text, expected) = (bomb.text, bomb.expected)
        var found: [String] = []
        let start = residentBytes()
        let time = ContinuousClock().measure { found = errors(in: text) }
        #expect(found.count == 1 && found[0].contains(expected), "\(name): \(found.map { $0.prefix(200) })")
        // Wide bounds: a debug build on a busy machine. Without the caps some of these take hours and terabytes.
        #expect(time < .seconds(10), "\(name): \(time)")
        #expect(residentBytes() - start < 600 << 20, "\(name)")
    }

    @Test func productsOfConditionsAndParametersAreBounded() {
        let values = (0..<1000).map(String.init).joined(separator: ", ")
        let inner = (0..<900).map { "x\($0): {value: 1}" }.joined(separator: ", ")
        let text = parameters("p: {values: [\(values)]}\nb: {when: {p: [\(values)]}, parameters: {\(inner)}}")
        #expect(errors(in: text).contains { $0.contains("the conditions name more than 4000 values") })
    }

    @Test func productsOfBaselinesAndConstantsAreBounded() throws {
        let constants = (0..<800).map { "c\($0): {value: 1}" }.joined(separator: "\n")
        let baselines = (0..<800).map { "{x: \($0)}" }.joined(separator: ", ")
        let time = try ContinuousClock().measure {
            let file = try read(parameters(constants + "\nx: {min: 0, max: 9999}", rest: "baseline: [\(baselines)]"))
            #expect(try read(file.definition.canonicalText).definition == file.definition)
        }
        #expect(time < .seconds(20))
    }

    @Test func aPrivateUseCharacterIsKept() throws {
        let file = try read(oneParameter("values: [\"\u{E000}*\u{E001}\", 'a*\u{301}']"))
        #expect(
            file.definition.space.parameters[0].distribution
                == .categorical(
                    values: [.string("\u{E000}*\u{E001}"), .string("a*\u{301}")], probabilities: [], ordinal: false))
    }

    @Test(arguments: ["\u{FEFF}", ""])
    func aMarkAndWindowsLineEndsAreAccepted(_ mark: String) throws {
        let text = mark + Fixtures.productPage.split(separator: "\n").joined(separator: "\r\n")
        #expect(try read(text).definition == read(Fixtures.productPage).definition)
    }
}
