// SPDX-License-Identifier: MIT

import Randomness
import SweepModel
import Testing

@testable import SearchAlgorithms

struct SuccessiveHalvingTests {
    private static let losses = [0.50, 0.60, 0.40, 0.45, 0.42, 0.41, 0.39, 0.55]

    private func judge(
        _ rule: inout SuccessiveHalving, _ trial: Int, _ values: [(step: Int64, value: Double)],
        goal: Objective.Goal = .minimize
    ) -> Verdict? {
        var curve = LearningCurve(goal: goal)
        for (step, value) in values { curve.append(step: step, value: value) }
        return rule.judge(trial, curve)
    }

    @Test func goesOnByRankAmongThoseWhoCame() {
        var rule = SuccessiveHalving(.init(), .stopping)
        let isGoing = Self.losses.enumerated().map { trial, loss in judge(&rule, trial, [(1, loss)]) == nil }
        #expect(isGoing == [true, false, true, false, false, true, true, false])
    }

    @Test func verdictsNameTheBetterOnes() throws {
        var rule = SuccessiveHalving(.init(), .stopping)
        var verdicts: [Verdict?] = []
        for (trial, loss) in Self.losses.enumerated() {
            verdicts.append(judge(&rule, trial, [(2, -loss)], goal: .maximize))
        }
        let last = try #require(verdicts.last ?? nil)
        #expect(
            last
                == Verdict(
                    rule: .asha, step: 2, value: -0.55, threshold: -0.40, peers: 7, better: 6,
                    named: [6, 2, 5, 4, 3, 0], rung: 1))
    }

    @Test func withCheckpointsThoseWhoComeEarlyWait() {
        var rule = SuccessiveHalving(.init(), .promotion)
        let verdicts = Self.losses.enumerated().map { trial, loss in judge(&rule, trial, [(1, loss)]) }
        #expect(verdicts.map { $0 == nil } == [false, false, true, false, false, true, true, false])
        #expect(verdicts[0]?.action == .pause && verdicts[0]?.threshold == nil && verdicts[3]?.threshold == 0.40)
        // Two of the eight are in the top share: .39 and .40, both went on by themselves.
        #expect(rule.promote() == nil)
        // With a ninth there are three; .41 went on already.
        #expect(judge(&rule, 8, [(1, 0.7)]) != nil)
        #expect(rule.promote() == nil)
        for trial in 9..<12 { #expect(judge(&rule, trial, [(1, 0.7)]) != nil) }
        #expect(rule.promote() == 4)
        #expect(rule.promote() == nil)
    }

    @Test func upperRungsArePromotedFirstAndTheBestFirst() {
        var rule = SuccessiveHalving(.init(maximumStep: 9), .promotion)
        #expect(rule.steps == [1, 3])
        // Worse and worse: all pause at the first rung, none is in the top share.
        for trial in 0..<9 { #expect(judge(&rule, trial, [(1, Double(trial))]) != nil) }
        #expect(rule.promotable { $0 > 0 } == 1)
        #expect(rule.promotable { $0 > 2 } == nil)
        for trial in 0..<3 {
            #expect(rule.promote() == trial)
            // Equal at the second rung, where they pause until three are there.
            #expect((judge(&rule, trial, [(1, Double(trial)), (3, 1)]) == nil) == (trial == 2))
        }
        // The third went on, as would the first two now: best first, and of equals who came first.
        for trial in 9..<12 { #expect(judge(&rule, trial, [(1, -1)]) == nil) }
        #expect(rule.promote() == 0)
        rule.conclude(1, LearningCurve(goal: .minimize), .stopped)
        #expect(rule.promote() == nil)
    }

    /// A trial that was to pause and went on, as a control, has no claim left at the rung it passed.
    @Test func whoWentOnIsNotPromoted() {
        var rule = SuccessiveHalving(.init(), .promotion)
        #expect(judge(&rule, 0, [(1, 0.1)]) != nil)
        #expect(judge(&rule, 0, [(1, 0.1), (3, 0.1)])?.rung == 3)
        for trial in 1..<5 { #expect(judge(&rule, trial, [(1, Double(trial))]) != nil) }
        #expect(rule.promote() == nil)
    }

    @Test func aReportThatSkipsRungsCountsAtEach() {
        var rule = SuccessiveHalving(.init(), .stopping)
        #expect(judge(&rule, 0, [(10, 0.5)]) == nil)
        #expect(judge(&rule, 1, [(1, 0.6)])?.rung == 1)
        #expect(judge(&rule, 2, [(9, 0.55)])?.rung == 9)
        #expect(judge(&rule, 3, [(4, 0.52)])?.rung == 3)
        #expect(judge(&rule, 4, [(8, 0.4)]) == nil)
    }

    @Test func ladders() {
        func steps(_ minimum: Int64, _ maximum: Int64?, _ eta: Double) -> [Int64] {
            RungLadder(.init(minimumStep: minimum, maximumStep: maximum, eta: eta)).steps
        }
        #expect(steps(1, 27, 3) == [1, 3, 9])
        #expect(steps(1, 28, 3) == [1, 3, 9, 27])
        #expect(steps(2, 60, 2.5) == [2, 5, 12, 31])
        #expect(steps(1, 6, 1.5) == [1, 2, 3, 5])
        #expect(steps(5, 5, 3).isEmpty && steps(9, 5, 3).isEmpty)
        #expect(steps(1, nil, 3).count == 34)
        // Nearly endless ones end.
        #expect(steps(1, nil, 1.000_001) == [1])
        #expect(steps(1, nil, 1.01).count == 100)
        #expect(steps(.max, nil, 3).isEmpty)
    }

    /// Against the definition, counted anew for every report.
    @Test(arguments: [1, 2, 3, 4, 5] as [UInt64], EarlyTermination.Variant.allCases)
    func agreesWithTheDefinition(seed: UInt64, variant: EarlyTermination.Variant) {
        let script = PrunerScript.random(seed: seed, trials: 60)
        let rungs: [Int64] = [2, 4, 8, 16]
        var recorded: [[(trial: Int, value: Double)]] = rungs.map { _ in [] }
        var expected: [Int64?] = []
        for case .report(let trial, let step, let value) in script.events {
            var failed: Int64?
            for (index, rung) in rungs.enumerated() where step >= rung {
                if recorded[index].contains(where: { $0.trial == trial }) { continue }
                recorded[index].append((trial, value))
                let rank = 1 + recorded[index].count { $0.value < value }
                let share = recorded[index].count / 2
                if rank > (variant == .stopping ? max(1, share) : share) { failed = rung }
            }
            expected.append(failed)
        }
        var rule = StoppingRule(
            EarlyTermination(rule: .asha(.init(minimumStep: 2, maximumStep: 30, eta: 2), variant)), seed: 1)
        #expect(script.run(&rule).map { $0.verdict?.rung } == expected, "seed \(seed)")
    }

    // Curves that never cross: the trial's number is its rank.

    private func order(seed: UInt64, count: Int) -> [Int] {
        var random = RandomStream(seed: seed, index: 0, name: "order", purpose: .tests)
        var order = Array(0..<count)
        order.shuffle(using: &random)
        return order
    }

    private func loss(_ trial: Int, _ step: Int64) -> Double { Double(trial) + 5 / Double(step) }

    @Test(arguments: 0..<20 as Range<UInt64>)
    func theBestOfCurvesThatNeverCrossIsNeverStopped(seed: UInt64) {
        var rule = SuccessiveHalving(.init(), .stopping)
        for trial in order(seed: seed, count: 50) {
            var curve = LearningCurve(goal: .minimize)
            for step in 1...40 as ClosedRange<Int64> {
                curve.append(step: step, value: loss(trial, step))
                let verdict = rule.judge(trial, curve)
                if trial == 0 { #expect(verdict == nil, "seed \(seed), step \(step)") }
                if verdict != nil { break }
            }
        }
    }

    @Test(arguments: 0..<20 as Range<UInt64>)
    func theBestOfCurvesThatNeverCrossIsPromotedToTheEnd(seed: UInt64) {
        let end: Int64 = 27
        var rule = SuccessiveHalving(.init(maximumStep: end), .promotion)
        var curves = [LearningCurve](repeating: LearningCurve(goal: .minimize), count: 40)
        var waiting = order(seed: seed, count: 40)
        var paused: Set<Int> = []
        var completed: Set<Int> = []
        while true {
            let promoted = rule.promotable { paused.contains($0) }
            guard let trial = promoted ?? waiting.popLast() else { break }
            if let promoted {
                rule.promote(promoted)
                paused.remove(promoted)
            }
            while true {
                let step = (curves[trial].last?.step ?? 0) + 1
                curves[trial].append(step: step, value: loss(trial, step))
                if step == end {
                    completed.insert(trial)
                    break
                }
                if rule.judge(trial, curves[trial]) != nil {
                    paused.insert(trial)
                    break
                }
            }
        }
        #expect(completed.contains(0), "seed \(seed)")
        #expect(completed.count < 12, "seed \(seed)")
    }
}
