// SPDX-License-Identifier: MIT

import SweepModel
import Testing

@Suite struct SweepFileFuzzTests {
    private static let fragments = [
        "\n", "  ", ": ", "- ", "{", "}", "[", "]", ",", "*a", "&a ", "!!float ", "!x ", "'", "\"", "#", "---\n",
        "...\n", "? ", "|\n",
        ">\n", "<<: ", "min: ", "max: 1", "when: {", "parameters:", "values: [1]", "1e999", "-.inf", ".nan", "~",
        "\u{E000}", "*",
        "\u{1}", "\t", "9223372036854775808", "-9223372036854775808", "0", "1", "1e-5", "\r", "%YAML 1.1\n", "\u{2028}",
        "log: true",
        "step: 0.1", "distribution: q_normal", "baseline: {}", "é", "\u{7F}",
    ]

    /// Never crashes; is refused with an error, or accepted and comes back equal from its canonical text.
    @Test(arguments: 1...8 as ClosedRange<UInt64>)
    func mutatedFiles(seed: UInt64) {
        var random = SplitMix(seed: seed)
        for round in 0..<400 {
            let start = Fixtures.all[Int.random(in: 0..<Fixtures.all.count, using: &random)]
            var scalars = Array(start.unicodeScalars)
            for _ in 0..<Int.random(in: 1...5, using: &random) {
                mutate(&scalars, &random)
            }
            var text = ""
            text.unicodeScalars.append(contentsOf: scalars)
            do {
                let definition = try SweepFile.parse(text, file: "f").definition
                let again = try SweepFile.parse(definition.canonicalText, file: "f").definition
                #expect(again == definition, "seed \(seed), round \(round):\n\(text)")
            } catch {
                let isNamed = error.errors.allSatisfy { $0.line >= 1 && !$0.message.isEmpty && $0.file == "f" }
                #expect(!error.errors.isEmpty && isNamed, "seed \(seed), round \(round):\n\(text)")
                let isOurOwn = error.description.contains("canonical")
                #expect(!isOurOwn)
            }
        }
    }

    private func mutate(_ scalars: inout [Unicode.Scalar], _ random: inout SplitMix) {
        guard scalars.count > 2 else { return }
        let index = Int.random(in: 0..<scalars.count, using: &random)
        let end = min(scalars.count, index + Int.random(in: 1...12, using: &random))
        switch Int.random(in: 0..<5, using: &random) {
        case 0: scalars.removeSubrange(index..<end)
        case 1: scalars.insert(contentsOf: scalars[index..<end], at: Int.random(in: 0...scalars.count, using: &random))
        case 2: scalars.removeSubrange(index...)
        case 3:
            let at = Int.random(in: 0..<scalars.count, using: &random)
            scalars.swapAt(index, at)
        default:
            let fragment = Self.fragments[Int.random(in: 0..<Self.fragments.count, using: &random)]
            scalars.insert(contentsOf: fragment.unicodeScalars, at: index)
        }
    }
}
