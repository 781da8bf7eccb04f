// SPDX-License-Identifier: MIT

import SearchAlgorithms
import SweepModel
import Testing

struct StoppingRuleTests {
    private func curve(_ values: Double..., goal: Objective.Goal = .minimize) -> LearningCurve {
        var curve = LearningCurve(goal: goal)
        for (index, value) in values.enumerated() { curve.append(step: Int64(index + 1), value: value) }
        return curve
    }

    @Test(arguments: Objective.Goal.allCases)
    func boundsAreInTheObjectivesUnit(_ goal: Objective.Goal) {
        var rule = StoppingRule(EarlyTermination(rule: .threshold, lower: 0.1, upper: 2), seed: 1)
        #expect(rule.judge(0, curve(0.1, goal: goal)) == nil && rule.judge(0, curve(2, goal: goal)) == nil)
        #expect(
            rule.judge(0, curve(0.5, 2.5, goal: goal))
                == Verdict(rule: .threshold, step: 2, value: 2.5, threshold: 2))
        #expect(
            rule.judge(0, curve(0.05, goal: goal)) == Verdict(rule: .threshold, step: 1, value: 0.05, threshold: 0.1))
        var upper = StoppingRule(EarlyTermination(rule: .threshold, upper: 2), seed: 1)
        #expect(upper.judge(0, curve(-1e300, goal: goal)) == nil)
    }

    /// What is out of bounds ends for that reason, and is recorded at its rung all the same.
    @Test func boundsComeBeforeTheRule() {
        let termination = EarlyTermination(rule: .asha(.init(), .stopping), lower: 0)
        var rule = StoppingRule(termination, seed: 1)
        #expect(rule.judge(0, curve(-1))?.rule == .threshold)
        let verdict = rule.judge(1, curve(0.5))
        #expect(verdict?.rule == .asha && verdict?.named == [0])
    }

    @Test func theVetoComesLast() {
        let forecast = EarlyTermination.CurveForecast(minimumStep: 4, maximumStep: 100)
        var rule = StoppingRule(EarlyTermination(rule: .threshold, veto: forecast), seed: 1)
        #expect(rule.judge(0, curve(0.1)) == nil)
        let flat = (1...50).map { 1 + 0.001 * Double($0 % 3) }
        var curve = LearningCurve(goal: .minimize)
        var verdicts: [Verdict] = []
        for (index, value) in flat.enumerated() {
            curve.append(step: Int64(index + 1), value: value)
            if let verdict = rule.judge(1, curve) { verdicts.append(verdict) }
        }
        #expect(verdicts.allSatisfy { $0.rule == .curve && $0.named == [0] })
        #expect(!verdicts.isEmpty)
    }

    @Test func rulesOfOtherDefinitionsDiffer() {
        let rules = RuleCase.all.filter { $0.name != "auto" }.map { $0.rule() }
        for (index, rule) in rules.enumerated() {
            for other in rules.dropFirst(index + 1) { #expect(rule != other) }
        }
        #expect(StoppingRule(nil, seed: 1) != rules[0])
        #expect(StoppingRule(nil, seed: 1) == StoppingRule(nil, seed: 2))
    }

    @Test func promotionGoesThroughToTheRule() {
        var rule = StoppingRule(EarlyTermination(rule: .asha(.init(), .promotion)), seed: 1)
        for trial in 0..<3 { #expect(rule.judge(trial, curve(Double(trial)))?.action == .pause) }
        #expect(rule.promotable { $0 != 0 } == nil)
        #expect(rule.promotable { _ in true } == 0)
        rule.promote(0)
        #expect(rule.promotable { _ in true } == nil)
    }

    // MARK: auto

    @Test func autoTakesRungsWhereThereIsRoom() {
        func choice(_ steps: Int64?, _ hasCheckpoints: Bool) -> PrunerChoice {
            PrunerChoice(EarlyTermination(rule: .auto(), maximumStep: steps), hasCheckpoints: hasCheckpoints)
        }
        #expect(choice(nil, false).rule == .asha(.init(), .stopping))
        #expect(choice(nil, true).rule == .asha(.init(), .promotion))
        #expect(choice(100, false).rule == .asha(.init(minimumStep: 3, maximumStep: 100), .stopping))
        #expect(choice(10, true).rule == .asha(.init(minimumStep: 1, maximumStep: 10), .promotion))
        #expect(choice(9, true).rule == .percentile(.init()))
        for steps in [nil, 5, 50] as [Int64?] { #expect(choice(steps, false).reason != nil) }
    }

    @Test func autoBeginsWhereTheFileSays() throws {
        func rule(_ steps: Int64?, checkpoints: Bool = false) -> EarlyTermination.Rule {
            PrunerChoice(
                EarlyTermination(rule: .auto(minimumStep: 5), maximumStep: steps), hasCheckpoints: checkpoints
            ).rule
        }
        #expect(rule(nil) == .asha(.init(minimumStep: 5), .stopping))
        #expect(rule(100, checkpoints: true) == .asha(.init(minimumStep: 5, maximumStep: 100), .promotion))
        #expect(rule(9) == .percentile(.init(minimumStep: 5)))
    }

    @Test func aNamedRuleStays() {
        let termination = EarlyTermination(rule: .patience(.init(reports: 3)), upper: 1, maximumStep: 5)
        let choice = PrunerChoice(termination, hasCheckpoints: true)
        #expect(choice.rule == termination.rule && choice.reason == nil)
        #expect(termination.withRuleChosen(hasCheckpoints: true) == termination)
        let auto = EarlyTermination(rule: .auto(), upper: 1, isDryRun: true)
        #expect(auto.withRuleChosen(hasCheckpoints: true).rule == .asha(.init(), .promotion))
        #expect(auto.withRuleChosen(hasCheckpoints: true).isDryRun)
    }

    // MARK: cost

    /// A rule that copied what it holds with every report would take dozens of times as long with a hundred times as many
    /// trials.
    @Test(arguments: RuleCase.all.filter { !["curve", "all together"].contains($0.name) })
    func reportsDoNotCopyTheState(_ item: RuleCase) {
        let clock = ContinuousClock()
        func cost(trials: Int) -> Duration {
            var rule = item.rule()
            let curves = (0..<trials).map { curve(Double($0 * 7919 % 10_007), 1, 0.5) }
            for (trial, curve) in curves.enumerated() {
                _ = rule.judge(trial, curve)
                rule.conclude(trial, curve, .completed)
            }
            return (0..<5).map { repetition in
                clock.measure {
                    for (index, curve) in curves.suffix(100).enumerated() {
                        _ = rule.judge(trials + 100 * repetition + index, curve)
                    }
                }
            }.min() ?? .zero
        }
        let (few, many) = (cost(trials: 100), cost(trials: 10_000))
        #expect(many < few * 8 + .milliseconds(2), "\(few), \(many)")
    }
}
