// SPDX-License-Identifier: MIT

import SweepEngine
import SweepModel
import Testing

@testable import sweepd

@Suite struct EarlyStoppingTests {
    private static func termination(dryRun: Bool = false, control: Double = 0) -> EarlyTermination {
        EarlyTermination(
            rule: .asha(.init(minimumStep: 1, maximumStep: 27, eta: 3), .stopping), isDryRun: dryRun,
            controlShare: control, maximumStep: 27)
    }

    private static func trial(
        _ number: Int, _ value: Double, to step: Int64, state: Trial.State = .completed,
        _ enforcement: Enforcement? = nil, at rung: Int64 = 3, action: Verdict.Action = .stop
    ) -> TrialRecord {
        var record = Synthetic.trial(number, value, state: state)
        record.lastStep = step
        if let enforcement {
            record.judgement = Judgement(
                StoppingStore.verdict(action: action, step: rung, value: value), enforcement)
        }
        return record
    }

    private static func text(_ records: [TrialRecord], _ termination: EarlyTermination) -> String {
        Synthetic.text(Synthetic.result(records, definition: StoppingStore.definition(termination)))
    }

    @Test func `what was stopped, at which rungs, and what was trained`() {
        let records = [
            Self.trial(0, 0.1, to: 27), Self.trial(1, 0.5, to: 3, state: .stopped, .stopped),
            Self.trial(2, 0.6, to: 3, state: .stopped, .stopped),
            Self.trial(3, 0.4, to: 9, state: .stopped, .stopped, at: 9),
        ]
        let text = Self.text(records, Self.termination())
        #expect(text.contains("Early stopping by asha (min_step 1, eta 3, max_step 27, variant stopping)\n"), "\(text)")
        #expect(text.contains("  3 trials stopped: 2 at step 3, 1 at step 9.\n"))
        #expect(text.contains("  42 of 108 steps of 4 trials were trained: 39 %.\n"))
        #expect(text.contains("why 1 synthetic"))
        #expect(text.contains("stopped 2 × asha, at step 3 (e.g. trial 1)"))
    }

    @Test func `without early_terminate there is no section`() {
        #expect(!Synthetic.text(Synthetic.result([Synthetic.trial(0, 1)])).contains("Early stopping"))
    }

    @Test func `nothing stopped yet`() {
        #expect(Self.text([Self.trial(0, 1, to: 27)], Self.termination()).contains("  No trial has been stopped.\n"))
    }

    @Test func `paused trials wait or have ended with the sweep`() {
        let records = [
            Self.trial(0, 0.1, to: 27), Self.trial(1, 0.5, to: 3, state: .paused, .paused),
            Self.trial(2, 0.5, to: 3, state: .stopped, .paused),
        ]
        let text = Self.text(records, Self.termination())
        #expect(text.contains("2 trials paused: 2 at step 3; 1 of them still may go on."), "\(text)")
        #expect(text.contains("Trials: 1 completed · 1 stopped · 1 paused"))
    }

    @Test(arguments: [false, true])
    func `a dry run says what it would have cost`(isTooStrict: Bool) {
        let best = isTooStrict ? Self.trial(0, 0.1, to: 27, .dryRun) : Self.trial(0, 0.1, to: 27)
        let records = [best, Self.trial(1, 0.5, to: 27, .dryRun, at: 9), Self.trial(2, 0.3, to: 27)]
        let text = Self.text(records, Self.termination(dryRun: true))
        if isTooStrict {
            #expect(text.contains("2 trials would have been stopped: 1 at step 3, 1 at step 9."), "\(text)")
            #expect(
                text.contains("saved 42 steps of 81, 52 %. The best trial, 0, would have been among them, stopped at"))
        } else {
            #expect(text.contains("1 trial would have been stopped: 1 at step 9."), "\(text)")
            #expect(text.contains("saved 18 steps of 81, 22 %. The best trial, 0, would not have been among them."))
        }
    }

    /// Promotion pauses the first at each rung in any case: that makes it neither too strict, nor are the steps saved.
    @Test func `a dry run of a rule that pauses blames it for nothing`() throws {
        let termination = EarlyTermination(
            rule: .asha(.init(minimumStep: 1, maximumStep: 27, eta: 3), .promotion), isDryRun: true, maximumStep: 27)
        let records = [
            Self.trial(0, 0.1, to: 27, .dryRun, action: .pause), Self.trial(1, 0.5, to: 27, .dryRun, action: .pause),
            Self.trial(2, 0.6, to: 27, .dryRun, at: 9),
        ]
        let result = Synthetic.result(records, definition: StoppingStore.definition(termination))
        let text = try #require(result.earlyStopping?.paragraphs(result.sweep.objective)).joined(separator: " ")
        #expect(
            text.contains("1 trial would have been stopped: 1 at step 9. That would have saved 18 steps"), "\(text)")
        #expect(text.contains("2 trials would have been paused: 2 at step 3. Each would have gone on once"), "\(text)")
        #expect(text.contains("The best trial, 0, would have been among them, paused at step 3;"), "\(text)")
        #expect(!text.contains("too strict"), "\(text)")
        let dryRun = try #require(result.earlyStopping?.json["dry_run"])
        #expect(
            dryRun["condemned"]?.text
                == #"[{"rule":"asha","rung":3,"trials":[0,1],"action":"pause"},{"rule":"asha","rung":9,"trials":[2],"action":"stop"}]"#
        )
        #expect(dryRun["saved_steps"]?.integerValue == 18 && dryRun["best_condemned_at"]?.integerValue == 3)
        let lines = Trials.lines(records, definition: StoppingStore.definition(), width: nil)
        #expect(lines[1].contains("(would pause at step 3)") && lines[3].contains("(would stop at step 9)"))
        let none = Self.text([Self.trial(0, 1, to: 27)], termination)
        #expect(none.contains("No trial would have been stopped or paused so far."), "\(none)")
    }

    @Test(
        arguments: [
            (
                [.pause],
                "It would only have paused, until among the best of a rung: that is no fault of the rule. One is too"
            ),
            ([.pause, .pause], "They would only have paused, until"),
            (
                [.pause, .stop],
                "1 of them would only have paused, until among the best of a rung: that is no fault of the "
                    + "rule. With the others it was wrong."
            ),
            ([.stop], "There the rule was wrong."),
        ] as [([Verdict.Action], String)])
    func `a control that was to pause shows nothing against the rule`(actions: [Verdict.Action], expected: String) {
        var records = [Self.trial(0, 0.2, to: 27)]
        for action in actions { records.append(Self.trial(records.count, 0.1, to: 27, .control, action: action)) }
        let definition = StoppingStore.definition(Self.termination(control: 0.2))
        let result = Synthetic.result(records, definition: definition)
        let text = (result.earlyStopping?.paragraphs(result.sweep.objective) ?? []).joined(separator: " ")
        #expect(text.contains(expected), "\(text)")
    }

    private static func controlled(_ controls: [Double]) -> String {
        var records = [trial(0, 0.2, to: 27), trial(1, 0.9, to: 3, state: .stopped, .stopped)]
        for value in controls { records.append(trial(records.count, value, to: 27, .control)) }
        let result = Synthetic.result(records, definition: StoppingStore.definition(termination(control: 0.2)))
        return (result.earlyStopping?.paragraphs(result.sweep.objective) ?? []).joined(separator: " ")
    }

    @Test func `controls show whether the rule is right`() {
        let none = Self.controlled([])
        #expect(!none.contains("as a control"))
        let few = Self.controlled([0.3, 0.4])
        #expect(few.contains("2 condemned trials went on as controls"), "\(few)")
        #expect(
            few.contains("Of the 2 that ended none came out better than the best of the rest. 2 are too few to say"))
        let wrong = Self.controlled([0.3, 0.15])
        #expect(
            wrong.contains(
                "Of the 2 that ended 1 came out better than the best of the rest: trial 3 with loss 0.15, better by 0.05 "
                    + "than 0.2 of trial 0. There the rule was wrong. 2 are too few to say"), "\(wrong)")
        let many = Self.controlled([Double](repeating: 0.5, count: 20))
        #expect(many.contains("So it is wrong in less than 14 % of its verdicts, with 95 % confidence."), "\(many)")
        let often = Self.controlled([Double](repeating: 0.5, count: 9) + [0.1])
        #expect(often.contains("That is 10 % of the controls."), "\(often)")
    }

    @Test func `JSON holds what the text says`() throws {
        let records = [
            Self.trial(0, 0.2, to: 27), Self.trial(1, 0.9, to: 3, state: .stopped, .stopped),
            Self.trial(2, 0.1, to: 27, .control),
        ]
        let result = Synthetic.result(records, definition: StoppingStore.definition(Self.termination(control: 0.2)))
        let json = try #require(result.earlyStopping?.json)
        #expect(json["stopped"]?.text == #"[{"rule":"asha","rung":3,"trials":[1]}]"#)
        #expect(json["trained_steps"]?.integerValue == 57 && json["full_steps"]?.integerValue == 81)
        #expect(json["controls"]?["better"]?.text == "[2]" && json["dry_run"] == .null)
        #expect(json["controls"]?["gain"]?.doubleValue == 0.1)
    }

    @Test func `the table of trials names the rule`() {
        let records = [
            Self.trial(0, 0.5, to: 3, state: .stopped, .stopped), Self.trial(1, 0.5, to: 3, state: .paused, .paused),
            Self.trial(2, 0.5, to: 27, .dryRun), Self.trial(3, 0.5, to: 27, .control),
        ]
        let lines = Trials.lines(records, definition: StoppingStore.definition(), width: nil)
        let expected = [
            "stopped (asha, step 3)", "paused (asha, step 3)", "completed (would stop at step 3)",
            "completed (a control from step 3)",
        ]
        for (line, state) in zip(lines.dropFirst(), expected) { #expect(line.contains("  \(state)  "), "\(line)") }
    }

    @Test(arguments: [(0, "0"), (999, "999"), (1240, "1,240"), (-1_234_567, "-1,234,567")] as [(Int64, String)])
    func `numbers in groups`(number: Int64, expected: String) {
        #expect(Format.count(number) == expected)
    }
}
