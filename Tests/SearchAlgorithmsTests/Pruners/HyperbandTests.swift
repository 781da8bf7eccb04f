// SPDX-License-Identifier: MIT

import SweepModel
import Testing

@testable import SearchAlgorithms

struct HyperbandTests {
    @Test func bracketsAreAsLargeAsInARoundOfHyperband() {
        #expect(AsyncHyperband.sizes(rungs: 5, eta: 3, isBounded: true) == [243, 98, 41, 18, 9, 6])
        #expect(AsyncHyperband.sizes(rungs: 4, eta: 3, isBounded: true) == [81, 34, 15, 8, 5])
        #expect(AsyncHyperband.sizes(rungs: 0, eta: 3, isBounded: true) == [1])
        #expect(AsyncHyperband.sizes(rungs: 34, eta: 3, isBounded: false) == [1])
    }

    @Test(arguments: [1, 2, 3] as [UInt64])
    func trialsFallIntoBracketsByTheirSizes(seed: UInt64) {
        let rule = AsyncHyperband(.init(maximumStep: 200), seed: seed)
        let trials = 20_000
        var counts = [Int](repeating: 0, count: 6)
        for trial in 0..<trials { counts[rule.bracket(of: trial)] += 1 }
        for (count, size) in zip(counts, [243.0, 98, 41, 18, 9, 6]) {
            let share = size / 415
            // Four standard deviations.
            let room = 4 * (share * (1 - share) / Double(trials)).squareRoot()
            #expect((Double(count) / Double(trials) - share).magnitude < room, "seed \(seed): \(counts)")
        }
    }

    @Test func bracketsHaveTheirOwnRungs() throws {
        let rule = AsyncHyperband(.init(maximumStep: 200), seed: 1)
        let ladder: [Int64] = [1, 3, 9, 27, 81]
        #expect(rule.brackets.map(\.steps) == (0...ladder.count).map { Array(ladder.dropFirst($0)) })
    }

    /// What is recorded in a bracket is no one's concern in another.
    @Test func bracketsDoNotMix() {
        var rule = AsyncHyperband(.init(maximumStep: 200), seed: 1)
        var alone = (0..<6).map { bracket in
            SuccessiveHalving(
                steps: Array([1, 3, 9, 27, 81].dropFirst(bracket)), eta: 3, .stopping,
                .init(rule: .asyncHyperband, bracket: bracket))
        }
        for trial in 0..<300 {
            var curve = LearningCurve(goal: .minimize)
            for step in 1...100 as ClosedRange<Int64> {
                curve.append(step: step, value: Double(trial * 7919 % 1009) + 10 / Double(step))
                let bracket = rule.bracket(of: trial)
                let verdict = rule.judge(trial, curve)
                #expect(verdict == alone[bracket].judge(trial, curve))
                if let verdict { #expect(verdict.bracket == bracket && verdict.rule == .asyncHyperband) }
            }
        }
    }
}

/// W&B's rule, as its source has it.
struct WandbHyperbandTests {
    @Test func bands() {
        #expect(WandbHyperband.bands(.downFrom(27, count: 2), eta: 3) == [3, 9])
        #expect(WandbHyperband.bands(.downFrom(18, count: 2), eta: 3) == [2, 6])
        #expect(WandbHyperband.bands(.downFrom(5, count: 2), eta: 2) == [1, 2])
        #expect(WandbHyperband.bands(.downFrom(20, count: 9), eta: 3) == [2, 6])
        #expect(WandbHyperband.bands(.downFrom(2, count: 3), eta: 3).isEmpty)
        #expect(WandbHyperband.bands(.from(3), eta: 3).prefix(4) == [3, 9, 27, 81])
        #expect(WandbHyperband.bands(.from(1), eta: 1.5).prefix(5) == [1, 2, 3, 5, 7])
        #expect(WandbHyperband.bands(.from(3), eta: 1).count == 1)
    }

    /// The example in the source of `hyperband_stop_runs`, which stops b at its second value.
    @Test func theSourcesExample() {
        var rule = WandbHyperband(.init(form: .downFrom(5, count: 2), eta: 2))
        var curves = [LearningCurve](repeating: LearningCurve(goal: .minimize), count: 5)
        let histories: [[Double]] = [[10, 9], [10, 10], [10, 8, 8], [10, 7, 7], [10, 6, 6]]
        var verdicts: [Verdict] = []
        for trial in [0, 4, 3, 2, 1] {
            for (index, value) in histories[trial].enumerated() {
                curves[trial].append(step: Int64(100 * index), value: value)
                if let verdict = rule.judge(trial, curves[trial]) { verdicts.append(verdict) }
            }
        }
        let expected = Verdict(
            rule: .hyperband, step: 100, value: 10, threshold: 8, peers: 4, better: 4, named: [4, 3, 2, 0], rung: 2)
        #expect(verdicts == [expected])
    }

    /// The threshold of a band falls, so a trial that had passed it ends between two bands.
    @Test func laterTrialsLowerTheThreshold() {
        var rule = WandbHyperband(.init(form: .from(1)))
        var first = LearningCurve(goal: .maximize)
        first.append(step: 1, value: 0.5)
        #expect(rule.judge(0, first) == nil)
        for trial in 1...3 {
            var curve = LearningCurve(goal: .maximize)
            curve.append(step: 1, value: 0.6)
            #expect(rule.judge(trial, curve) == nil)
        }
        first.append(step: 2, value: 0.9)
        #expect(
            rule.judge(0, first)
                == Verdict(
                    rule: .hyperband, step: 1, value: 0.5, threshold: 0.6, peers: 3, better: 3, named: [1, 2, 3],
                    rung: 1))
    }

    /// Against the source's computation from all histories, done anew for every report.
    @Test(arguments: [1, 2, 3] as [UInt64], [true, false])
    func agreesWithTheSource(seed: UInt64, isStrict: Bool) {
        let script = PrunerScript.random(seed: seed)
        let bands = WandbHyperband.bands(.from(2), eta: 2.5)
        var histories: [Int: [Double]] = [:]
        var condemned: [Int: Int] = [:]
        var expected: [Bool] = []
        for case .report(let trial, _, let value) in script.events {
            histories[trial, default: []].append(value)
            guard let history = histories[trial], let band = bands.last(where: { $0 <= history.count }) else {
                expected.append(false)
                continue
            }
            let values = histories.values.filter { $0.count >= band }.map { $0[band - 1] }.sorted()
            let threshold = values[Int((1 / 2.5) * Double(values.count))]
            let compared = isStrict ? history[band - 1] : history.min() ?? 0
            let isStopped = compared > threshold && condemned[trial] != band
            if isStopped { condemned[trial] = band }
            expected.append(isStopped)
        }
        var rule = StoppingRule(
            EarlyTermination(rule: .hyperband(.init(form: .from(2), eta: 2.5, isStrict: isStrict))), seed: 1)
        #expect(script.run(&rule).map { $0.verdict != nil } == expected, "seed \(seed)")
    }
}
