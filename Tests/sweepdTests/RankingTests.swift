// SPDX-License-Identifier: MIT

import SweepEngine
import SweepModel
import Testing
import WorkerProtocol

@testable import sweepd

@Suite struct RankingTests {
    private func repeated(_ values: [[Double]]) -> [TrialRecord] {
        var records: [TrialRecord] = []
        for (index, group) in values.enumerated() {
            for value in group { records.append(Synthetic.trial(records.count, value, lr: 0.01 * Double(index + 1))) }
        }
        return records
    }

    @Test func `repeats of a configuration are pooled`() throws {
        let noise = try #require(Noise.fromRepeats([[1, 3], [5], [10, 12, 14]]))
        // Squares 2 and 8, degrees of freedom 1 and 2.
        #expect(abs(noise.deviation - (10.0 / 3).squareRoot()) < 1e-12)
        #expect(noise.source == .repeats(configurations: 2))
        #expect(Noise.fromRepeats([[1], [2]]) == nil)
    }

    @Test(arguments: [(2.0, 1, 1, false), (2.9, 1, 1, true), (2.0, 4, 4, true), (1.4, 4, 4, false)])
    func `two standard errors tell values apart`(difference: Double, left: Int, right: Int, expected: Bool) {
        let noise = Noise(deviation: 1, source: .curves(trials: 1))
        #expect(noise.separates(0, count: left, difference, count: right) == expected)
    }

    @Test func `configurations rank by the mean of their repeats`() throws {
        let records = repeated([[0.1, 0.9], [0.4, 0.42], [0.41, 0.43]])
        let ranking = Ranking(records, objective: Objective(metric: "loss"))
        #expect(ranking.contenders.map(\.number) == [2, 4, 0])
        let best = try #require(ranking.best)
        #expect(abs(best.value - 0.41) < 1e-12)
    }

    @Test func `failed, running and infinite trials do not rank`() {
        var records = [Synthetic.trial(0, 2), Synthetic.trial(1, .infinity), Synthetic.trial(2, 1, state: .running)]
        records += [Synthetic.trial(3, 0.5, state: .failed), Synthetic.trial(4, 3, state: .stopped)]
        let ranking = Ranking(records, objective: Objective(metric: "loss"))
        #expect(ranking.contenders.map(\.number) == [0, 4])
        let highest = Ranking(records, objective: Objective(metric: "acc", goal: .maximize))
        #expect(highest.contenders.map(\.number) == [4, 0])
    }

    @Test func `equal values keep the order of their numbers`() {
        let records = (0..<6).reversed().map { Synthetic.trial($0, 1) }
        #expect(Ranking(records, objective: Objective(metric: "loss")).contenders.map(\.number) == Array(0..<6))
    }

    @Test func `the scatter of a curve's end ignores its trend`() throws {
        let trend = Synthetic.curve((0..<50).map { 1 - 0.01 * Double($0) })
        #expect(try #require(Noise.fromCurves([trend])).deviation < 1e-12)
        let alternating = Synthetic.curve((0..<50).map { $0 % 2 == 0 ? 0.1 : -0.1 })
        let noise = try #require(Noise.fromCurves([alternating]))
        #expect(noise.deviation > 0.1 && noise.deviation < 0.2)
        #expect(Noise.fromCurves([Synthetic.curve([1, 2, 3])]) == nil)
    }

    @Test func `a resumed attempt replaces what came after its checkpoint`() {
        func report(_ attempt: Int, _ step: Int64, _ value: Double) -> ReportRecord {
            ReportRecord(attempt: attempt, step: step, metrics: [.init("loss", value)], at: nil)
        }
        let reports = [report(1, 1, 5), report(1, 2, 4), report(1, 3, 3), report(2, 3, 2), report(2, 4, 1)]
        #expect(reports.curve(of: "loss", resumedFrom: [2: 2]).map(\.value) == [5, 4, 2, 1])
        #expect(reports.curve(of: "loss", resumedFrom: [:]).map(\.value) == [2, 1])
        #expect(reports.curve(of: "other", resumedFrom: [:]).isEmpty)
    }
}
