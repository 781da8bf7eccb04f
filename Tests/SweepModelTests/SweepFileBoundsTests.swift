// SPDX-License-Identifier: MIT

import SweepModel
import Testing

/// A trial that no worker can be handed must not begin to wait for one.
@Suite struct SweepFileBoundsTests {
    private static func bounded(_ text: String) -> [String] {
        errors(in: text, overrides: .init(checksBounds: true))
    }

    private static func text(_ kibibytes: Int) -> String { String(repeating: "x", count: kibibytes << 10) }

    private static func command(_ words: [String]) -> String {
        "method: random\nmetric: {name: loss}\ntrials: 10\nparameters: {x: {min: 0.0, max: 1.0}}\n"
            + "command: [\(words.map { "'\($0)'" }.joined(separator: ", "))]\n"
    }

    @Test func aWordOfTheCommandHasAnEnd() {
        #expect(Self.bounded(Self.command(["sh", "-c", Self.text(64)])).isEmpty)
        let long = Self.command(["sh", "-c", Self.text(64) + "x"])
        #expect(
            Self.bounded(long) == [
                "sweep.yaml:5: command[2]: a word must be at most 64 KiB long, found 65 KiB; put what is long into a file, "
                    + "and its name here"
            ])
        // What is stored already is taken as it is.
        #expect(errors(in: long).isEmpty)
        #expect(
            Self.bounded(Self.command([String](repeating: "a", count: 1001))) == [
                "sweep.yaml:5: command: must be at most 1000 words, found 1001"
            ])
    }

    @Test func theWholeCommandHasAnEnd() {
        #expect(Self.bounded(Self.command([String](repeating: Self.text(60), count: 10))).isEmpty)
        let found = Self.bounded(Self.command([String](repeating: Self.text(64), count: 10)))
        #expect(
            found == [
                "sweep.yaml:5: command: with the longest values of the parameters it has 641 KiB, and workers take at most "
                    + "640 KiB; put what is long into a file, and its name here"
            ])
        // As it is written to workers: a control character takes six bytes.
        let escaped = String(repeating: "\\x01", count: 60 << 10)
        let words = [String](repeating: "\"\(escaped)\"", count: 2).joined(separator: ", ")
        #expect(Self.bounded(Self.command([]).replacing("[]", with: "[\(words)]")).count == 1)
    }

    /// Each choice alone is short enough, and so is each parameter.
    @Test func theLongestChoicesAreCountedTogether() {
        func choices(_ name: String) -> String { "\(name): {values: [a, \(Self.text(230))]}" }
        #expect(Self.bounded(parameters("\(choices("one"))\n\(choices("two"))")).isEmpty)
        let found = Self.bounded(parameters("\(choices("one"))\n\(choices("two"))\n\(choices("three"))"))
        #expect(found.count == 1)
        #expect(
            found[0].hasPrefix(
                "sweep.yaml:5: parameters: with the command, a trial with the longest values has 691 KiB"))
        #expect(found[0].contains("the longest are of 'three', with 231 KiB"))
    }

    @Test func valuesAreNotNestedDeeperThanAWorkerReads() {
        func nested(_ depth: Int) -> String {
            let value = String(repeating: "[", count: depth) + "1" + String(repeating: "]", count: depth)
            return parameters("x: {values: [0, \(value)]}")
        }
        #expect(Self.bounded(nested(8)).isEmpty)
        let found = Self.bounded(nested(9))
        #expect(found.count == 1 && found[0].contains("a value of 'x' is nested 9 levels deep"), "\(found)")
    }

    @Test func namesAreNotLongerThanAWorkerReads() {
        let long = String(repeating: "m", count: 257)
        #expect(
            Self.bounded(oneParameter("min: 0.0, max: 1.0").replacing("name: loss", with: "name: \(long)")) == [
                "sweep.yaml:2: metric.name: must be at most 256 bytes long"
            ])
        let program = oneParameter("min: 0.0, max: 1.0") + "\nprogram: \(Self.text(4))x\n"
        #expect(Self.bounded(program) == ["sweep.yaml:7: program: must be at most 4096 bytes long"])
    }
}
