// SPDX-License-Identifier: MIT

import Simulation
import SweepEngine
import SweepModel
import Testing

/// What a run found and cost, and the rules it is compared with.
@Suite struct AssessmentTests {
    private func run(_ changes: String, seed: UInt64 = 7, steps: Int = 9) throws -> SimulationResult {
        var definition = try SyntheticTable.definition(changes)
        definition.seed = seed
        return try VirtualSweep(definition, table: try SyntheticTable.read(SyntheticTable.text(steps: steps))).run()
    }

    @Test func `a whole run misses nothing`() throws {
        let result = try run("trials: 12")
        let whole = Assessment(result)
        #expect(whole.regret == 0 && whole.best?.endValue == whole.bestOfTable && whole.phase == .finished(.trials))
        #expect(whole.shareOfSteps == 1 && whole.shareOfSeconds == 1 && whole.begun == 12 && whole.unmatched == 0)
        let reached = try #require(whole.reached)
        let best = try #require(whole.bestOfTable)
        #expect(reached.value <= 1.1 * best)
        #expect(result.reports.prefix { $0 != reached }.allSatisfy { $0.value > 1.1 * best })
        #expect(Assessment(result, tolerance: 0).reached?.value == best)
    }

    @Test func `regret is what the best configuration lacks at its end`() throws {
        let assessment = Assessment(try run("trials: 2"), tolerance: 0)
        let best = try #require(assessment.best?.endValue), table = try #require(assessment.bestOfTable)
        #expect(assessment.regret == best - table && (assessment.regret ?? -1) >= 0)
        #expect((assessment.reached == nil) == (best > table))
    }

    @Test func `more is better where the metric is to be maximised`() throws {
        let text = """
            {method: random, metric: {name: accuracy, goal: maximize}, seed: 7, trials: 2, command: [train],
            parameters: {lr: {values: [1, 2, 3]}}}
            """
        let definition = try SweepFile.parse(text, file: "sweep.yaml").definition
        let table = try SyntheticTable.read("lr,step,accuracy\n1,1,0.5\n2,1,0.89\n3,1,0.95\n", definition)
        for seed in UInt64(0)..<6 {
            var seeded = definition
            seeded.seed = seed
            let result = try VirtualSweep(seeded, table: table).run()
            let assessment = Assessment(result)
            let best = result.trials.compactMap(\.value).max() ?? 0
            #expect(assessment.bestOfTable == 0.95 && assessment.seed == seed)
            #expect(abs((assessment.regret ?? -1) - (0.95 - best)) < 1e-12)
            #expect((assessment.reached?.value ?? 0) >= 0.855)
        }
    }

    @Test func `medians over seeds, misses counted as worst`() throws {
        let runs = try (0..<5).map { Assessment(try run("trials: 3", seed: UInt64($0)), tolerance: 0) }
        let series = AssessmentSeries(runs)
        #expect(series.median(\.regret) == runs.compactMap(\.regret).sorted()[2])
        #expect(series.missed == runs.count { $0.reached == nil })
        #expect(series.median(\.seconds) == 27)
        let pair = AssessmentSeries(Array(runs.prefix(2)))
        #expect(pair.median { Double($0.seed) } == 0.5)
        #expect(pair.median { $0.seed == 0 ? 1 : nil } == nil)
        #expect(AssessmentSeries(Array(runs.prefix(3))).median { $0.seed == 0 ? nil : 1 } == 1)
    }

    @Test func `rules are listed with commas outside braces`() {
        let rules = ComparedRule.list("asha, none,{type: asha, eta: 2},file ,{type: percentile, x: [1, 2]}")
        #expect(rules.map(\.name) == ["asha", "none", "{type: asha, eta: 2}", "file", "{type: percentile, x: [1, 2]}"])
        #expect(rules[3] == .file)
        #expect(ComparedRule.list("").map(\.name) == [""])
    }

    @Test func `a rule takes the place of the file's`() throws {
        let plain = try SyntheticTable.definition("trials: 12")
        let bounded = try SyntheticTable.definition(
            "trials: 12\nearly_terminate: {type: median, min_step: 2, max_step: 6}")
        #expect(try ComparedRule.file.applied(to: bounded, lastStep: 9).definition == bounded)
        let asha = try ComparedRule("asha").applied(to: plain, lastStep: 9).definition
        #expect(asha.maximumStep == 9)
        guard case .asha(let rungs, .stopping)? = asha.earlyTermination?.rule else {
            Issue.record("\(asha)")
            return
        }
        #expect(rungs.minimumStep == 1 && rungs.eta == 3)
        #expect(try ComparedRule("asha").applied(to: bounded, lastStep: 9).definition.maximumStep == 6)
        let none = try ComparedRule("none").applied(to: bounded, lastStep: 9).definition
        #expect(none.maximumStep == 6 && none.earlyTermination?.rule == .threshold)
        #expect(try ComparedRule("none").applied(to: plain, lastStep: 9).definition == plain)
        let own = try ComparedRule("{type: asha, eta: 2, nonsense: 1}").applied(to: bounded, lastStep: 9)
        #expect(own.definition.maximumStep == 6 && own.warnings.map(\.field) == ["early_terminate.nonsense"])
        #expect(
            try ComparedRule("{type: asha, max_step: 4}").applied(to: bounded, lastStep: 9).definition.maximumStep == 4)
        #expect(try ComparedRule("{type: curve}").applied(to: plain, lastStep: 9).definition.maximumStep == 9)
        var rest = own.definition
        rest.earlyTermination = bounded.earlyTermination
        #expect(rest == bounded)
    }

    @Test(arguments: [("ahsa", "asha"), ("{type: asha, eta: 0.5}", "eta"), ("{type: asha", "--compare"), ("", "asha")])
    func `a wrong rule is refused as in a sweep file`(rule: String, hint: String) throws {
        let definition = try SyntheticTable.definition("trials: 12")
        let errors = #expect(throws: SweepFileErrors.self) {
            _ = try ComparedRule(rule).applied(to: definition, lastStep: 9)
        }
        #expect(errors?.description.contains(hint) == true, "\(errors?.description ?? "")")
    }
}
