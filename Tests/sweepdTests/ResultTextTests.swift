// SPDX-License-Identifier: MIT

import SweepEngine
import SweepModel
import Testing

@testable import sweepd

@Suite struct ResultTextTests {
    @Test func `without repeats it says that it can't be said`() {
        let text = Synthetic.text(Synthetic.result((0..<3).map { Synthetic.trial($0, Double($0)) }))
        #expect(text.contains("synthetic: finished (3 of 10 trials done)"))
        #expect(text.contains("The best three, by loss (lower is better)"))
        #expect(text.contains("can't be said without repeats: `repeats: 3`"))
        #expect(!text.contains("told from the best"))
    }

    @Test func `with repeats it names those that can't be told from the best`() {
        var records: [TrialRecord] = []
        for (index, values) in [[0.30, 0.34], [0.33, 0.31], [0.90, 0.94]].enumerated() {
            for value in values { records.append(Synthetic.trial(records.count, value, lr: 0.1 * Double(index + 1))) }
        }
        let result = Synthetic.result(records)
        #expect(result.ranking.contenders.map { result.ranking.isApartFromBest($0) } == [false, false, true])
        let text = Synthetic.text(result)
        #expect(
            text.contains("Trial 3 can't be told from the best") || text.contains("Trial 2 can't be told from the best")
        )
        #expect(text.contains("means over repeats"))
    }

    @Test func `failures are grouped by message, with an example`() {
        let records = [
            Synthetic.trial(0, 1), Synthetic.failed(1, "exit code 3"),
            Synthetic.failed(2, "out of memory", infeasible: true),
            Synthetic.failed(3, "exit code 3"),
        ]
        let text = Synthetic.text(Synthetic.result(records))
        #expect(text.contains("Trials: 1 completed · 3 failed (1 infeasible)"))
        #expect(text.contains("failed 2 × exit code 3 (e.g. trial 1)"))
        #expect(text.contains("infeasible 1 × out of memory (trial 2)"))
    }

    @Test func `the best is compared with the baseline`() {
        var baseline = Synthetic.trial(0, 0.4)
        baseline.source = .baseline(0)
        let better = Synthetic.text(Synthetic.result([baseline, Synthetic.trial(1, 0.1)]))
        #expect(better.contains("Better than the baseline (trial 0, loss 0.4) by 0.3 (75 %)."))
        let worse = Synthetic.text(Synthetic.result([baseline, Synthetic.trial(1, 0.5)]))
        #expect(worse.contains("No trial is better than the baseline (trial 0)."))
    }

    @Test func `text from outside cannot reach the terminal`() {
        let definition = Synthetic.definition(metric: "lo\u{1B}]0;x\u{7}ss")
        let records = [Synthetic.trial(0, 1), Synthetic.failed(1, "bad\u{1B}[2Jnews")]
        let text = Synthetic.text(
            Synthetic.result(
                records, definition: definition, phase: .paused(.failures(message: "\u{1B}c", tail: "a\u{8}b"))))
        #expect(!text.unicodeScalars.contains { $0.value < 0x20 && $0 != "\n" })
    }

    static let failures = SweepState.Phase.paused(.failures(message: "exit code 1", tail: "a\nNameError: x"))

    @Test func `a pause by failures shows the message and the end of the output`() {
        let text = Synthetic.text(Synthetic.result([Synthetic.failed(0, "exit code 1")], phase: Self.failures))
        #expect(text.contains("The last failure: exit code 1"))
        #expect(text.contains("  | NameError: x"))
        #expect(text.contains(" resume synthetic"))
    }

    @Test func `the exit status follows the headline`() {
        let good = Synthetic.result([Synthetic.trial(0, 1)]), bad = Synthetic.result([Synthetic.failed(0, "x")])
        #expect(Ending.status(.finished(.trials), good) == .finished)
        #expect(Ending.status(.finished(.time), bad) == .noTrialCompleted)
        #expect(Ending.status(.interrupted, good) == .interrupted)
        #expect(Ending.status(.paused(.failures(message: "", tail: "")), bad) == .noTrialCompleted)
        #expect(Ending.status(.paused(.user), good) == .interrupted)
    }

    @Test(arguments: [(0.0000123, "12µs"), (0.0123, "12.3ms"), (0.41, "0.41s"), (4.2, "4.2s"), (61, "1m01s")])
    func `short durations`(seconds: Double, expected: String) {
        #expect(Format.shortDuration(seconds) == expected)
    }

    @Test func `long text is broken between words`() {
        let lines = ResultText.wrapped(String(repeating: "word ", count: 40), width: 50, first: "- ", rest: "  ")
        #expect(lines.allSatisfy { $0.count <= 50 } && lines.count > 3)
        #expect(lines[0].hasPrefix("- word") && lines[1].hasPrefix("  word"))
    }

    @Test func `identical repeats raise the question of the seed`() {
        let records = [Synthetic.trial(0, 1, lr: 0.1), Synthetic.trial(1, 1, lr: 0.1), Synthetic.trial(2, 2, lr: 0.2)]
        #expect(Synthetic.text(Synthetic.result(records)).contains("does the script use SWEEPD_SEED?"))
    }

    @Test func `trials under way in an interrupted sweep are not called running`() {
        let records = [Synthetic.trial(0, 1), Synthetic.trial(1, nil, state: .running)]
        #expect(Synthetic.text(Synthetic.result(records, phase: .running)).contains("1 completed · 1 interrupted"))
    }
}
