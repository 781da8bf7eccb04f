// SPDX-License-Identifier: MIT

import SearchAlgorithms
import SweepModel
import Testing

/// What every rule must do.
struct PrunerConformanceTests {
    private static let seeds: [UInt64] = [1, 2]

    @Test(arguments: RuleCase.all, seeds)
    func verdictsAreAFunctionOfWhatHappened(_ item: RuleCase, seed: UInt64) {
        let script = PrunerScript.random(seed: seed)
        var (first, second) = (item.rule(), item.rule())
        let answers = script.run(&first)
        #expect(answers.map(\.verdict) == script.run(&second).map(\.verdict), "seed \(seed)")
        #expect(first == second && first.hashValue == second.hashValue, "seed \(seed)")
        // The scripts are such that every rule has something to say.
        #expect(answers.contains { $0.verdict != nil }, "seed \(seed)")
    }

    /// A rule is a value: what is done to a copy does not show in the original.
    @Test(arguments: RuleCase.all, seeds)
    func copiesAreIndependent(_ item: RuleCase, seed: UInt64) {
        let script = PrunerScript.random(seed: seed)
        var whole = item.rule()
        let answers = script.run(&whole)
        var prefix = script
        prefix.events.removeLast(script.events.count / 2)
        var original = item.rule()
        let before = prefix.run(&original)
        let snapshot = original
        var copy = original
        _ = PrunerScript.random(seed: seed + 100).run(&copy)
        #expect(original == snapshot, "seed \(seed)")
        #expect(before.map(\.verdict) == answers.prefix(before.count).map(\.verdict), "seed \(seed)")
    }

    @Test(arguments: RuleCase.all + [RuleCase("none", .threshold)], [Double.nan, .infinity, -.infinity])
    func whatIsNotFiniteStopsATrial(_ item: RuleCase, value: Double) {
        var rule = item.rule()
        _ = PrunerScript.random(seed: 4).run(&rule)
        for step in 1...5 as ClosedRange<Int64> {
            var curve = LearningCurve(goal: .minimize)
            if step > 1 { curve.append(step: step - 1, value: 0.4) }
            curve.append(step: step, value: value)
            let verdict = rule.judge(1000 + Int(step), curve)
            #expect(verdict?.rule == .nan && verdict?.action == .stop && verdict?.step == step)
        }
    }

    @Test func withoutADefinitionOnlyWhatIsNotFiniteStopsATrial() {
        var rule = StoppingRule(nil, seed: 1)
        let answers = PrunerScript.random(seed: 5).run(&rule)
        #expect(answers.allSatisfy { $0.verdict == nil })
        #expect(rule.promotable { _ in true } == nil)
        let script = PrunerScript(events: [.report(0, step: 1, value: .nan)])
        #expect(script.run(&rule).first?.verdict?.rule == .nan)
    }

    @Test(arguments: RuleCase.all, seeds)
    func maximisingMirrorsMinimising(_ item: RuleCase, seed: UInt64) {
        let script = PrunerScript.random(seed: seed)
        var (rule, mirrored) = (item.rule(), item.mirrored)
        let answers = script.run(&rule)
        let others = script.mapped(.maximize) { -$0 }.run(&mirrored)
        #expect(answers.map(\.verdict) == others.map { $0.verdict.map(negated) }, "seed \(seed)")
    }

    private func negated(_ verdict: Verdict) -> Verdict {
        Verdict(
            rule: verdict.rule, action: verdict.action, step: verdict.step, value: -verdict.value,
            threshold: verdict.threshold.map { -$0 }, peers: verdict.peers, better: verdict.better,
            named: verdict.named, rung: verdict.rung, bracket: verdict.bracket, probability: verdict.probability)
    }

    @Test(arguments: RuleCase.all.filter(\.isOrdinal), seeds)
    func whereOnlyTheOrderCountsTheScaleDoesNot(_ item: RuleCase, seed: UInt64) {
        let script = PrunerScript.random(seed: seed)
        var (rule, other) = (item.rule(), item.rule())
        let answers = script.run(&rule).map(\.verdict)
        let stretched = script.mapped(.minimize) { $0 * $0 * $0 + 2 * $0 - 7 }.run(&other).map(\.verdict)
        #expect(answers.map { $0 == nil } == stretched.map { $0 == nil }, "seed \(seed)")
        #expect(answers.map { $0?.named } == stretched.map { $0?.named }, "seed \(seed)")
        #expect(answers.map { $0?.better } == stretched.map { $0?.better }, "seed \(seed)")
    }

    /// Every fifth report is followed by a rewind and the same reports again.
    @Test(arguments: RuleCase.all, seeds)
    func whatIsReportedAgainCountsOnce(_ item: RuleCase, seed: UInt64) {
        let script = PrunerScript.random(seed: seed)
        var reported: [Int: [(Int64, Double)]] = [:]
        var (events, isOriginal): ([PrunerScript.Event], [Bool]) = ([], [])
        for (index, event) in script.events.enumerated() {
            events.append(event)
            guard case .report(let trial, let step, let value) = event else { continue }
            isOriginal.append(true)
            reported[trial, default: []].append((step, value))
            guard index % 5 == 0 else { continue }
            events.append(.rewind(trial, to: step / 2))
            for (step, value) in (reported[trial] ?? []).filter({ $0.0 > step / 2 }) {
                events.append(.report(trial, step: step, value: value))
                isOriginal.append(false)
            }
        }
        var (rule, other) = (item.rule(), item.rule())
        let answers = script.run(&rule).map(\.verdict)
        let again = PrunerScript(events: events).run(&other)
        #expect(answers == zip(again, isOriginal).filter(\.1).map(\.0.verdict), "seed \(seed)")
        // Rules with rungs say nothing of a rung twice.
        let repeated = zip(again, isOriginal).filter { !$0.1 && $0.0.verdict?.rung != nil }
        #expect(repeated.isEmpty, "seed \(seed)")
    }

    @Test(arguments: RuleCase.all, seeds)
    func verdictsExplainThemselves(_ item: RuleCase, seed: UInt64) {
        var rule = item.rule()
        var rungs: [Int: Set<Int64>] = [:]
        for answer in PrunerScript.random(seed: seed).run(&rule) {
            guard let verdict = answer.verdict else { continue }
            let text: Comment = "seed \(seed), trial \(answer.trial): \(verdict)"
            #expect(verdict.better <= verdict.peers && verdict.peers >= 0, text)
            #expect(verdict.named.count == min(verdict.better, Verdict.namedPeers), text)
            #expect(Set(verdict.named).count == verdict.named.count && !verdict.named.contains(answer.trial), text)
            #expect(answer.curve.points.contains { $0.step == verdict.step }, text)
            if let threshold = verdict.threshold, verdict.rule != .threshold {
                #expect(answer.curve.loss(of: verdict.value) > answer.curve.loss(of: threshold), text)
            }
            if let rung = verdict.rung {
                // A band of W&B's counts values, which is the step here too.
                #expect(verdict.step >= rung && rungs[answer.trial, default: []].insert(rung).inserted, text)
            }
            if let probability = verdict.probability { #expect((0..<1).contains(probability), text) }
            expectComparedValue(verdict, answer.curve, text)
        }
    }

    /// The value at the step, or what the rule compares in its place.
    private func expectComparedValue(_ verdict: Verdict, _ curve: LearningCurve, _ text: Comment) {
        switch verdict.rule {
        case .nan, .threshold, .patience, .asha, .asyncHyperband:
            #expect(curve.last == LearningCurve.Point(step: verdict.step, value: verdict.value), text)
        case .hyperband:
            let isBest = verdict.value == curve.bestPoint?.value
            #expect(isBest || curve.points.contains(.init(step: verdict.step, value: verdict.value)), text)
        case .median, .percentile, .curve:
            #expect(verdict.value == curve.bestPoint?.value, text)
        case .wilcoxon:
            let losses = curve.points.map { curve.loss(of: $0.value) }
            #expect(curve.loss(of: verdict.value) == losses.reduce(0, +) / Double(losses.count), text)
        }
    }
}
