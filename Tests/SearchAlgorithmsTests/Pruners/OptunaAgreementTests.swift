// SPDX-License-Identifier: MIT

import Randomness
import SweepModel
import Testing

@testable import SearchAlgorithms

/// Verdict by verdict what Optuna's pruners say of the same reports, and scipy's probabilities.
struct OptunaAgreementTests {
    private static let rules: [(name: String, rule: any Pruner)] = [
        ("median", Percentile(.init(minimumPeers: 2))),
        ("median with gaps", Percentile(.init(minimumPeers: 2, minimumStep: 2, interval: 3))),
        ("percentile 25", Percentile(.init(percentile: 25, minimumPeers: 3, minimumStep: 3))),
        ("percentile 80", Percentile(.init(percentile: 80, minimumPeers: 1, interval: 2))),
        ("patience 2", Patience(.init(reports: 2))),
        ("patience 3, 0.02", Patience(.init(reports: 3, minimumDelta: 0.02))),
        ("halving 1", SuccessiveHalving(.init(), .stopping)),
        ("halving 2", SuccessiveHalving(.init(minimumStep: 2, eta: 2), .stopping)),
        ("wilcoxon", Wilcoxon(.init(), isCorrected: false)),
        ("wilcoxon with ties", Wilcoxon(.init(significance: 0.2, minimumStep: 4), isCorrected: false)),
    ]

    @Test(arguments: prunerFixtures.map(\.name))
    func saysWhatOptunaSays(_ name: String) throws {
        let fixture = try #require(prunerFixtures.first { $0.name == name })
        var rule = try #require(Self.rules.first { $0.name == name }).rule
        var curves: [Int: LearningCurve] = [:]
        for (index, report) in fixture.reports.enumerated() {
            var curve = curves[report.trial] ?? LearningCurve(goal: fixture.goal)
            curve.append(step: report.step, value: report.value)
            curves[report.trial] = curve
            let verdict = rule.judge(report.trial, curve)
            #expect((verdict != nil) == (report.answer == .stop), "report \(index), trial \(report.trial)")
            if report.answer != .go {
                rule.conclude(report.trial, curve, report.answer == .end ? .completed : .stopped)
            }
        }
        #expect(fixture.reports.contains { $0.answer == .stop } && fixture.reports.contains { $0.answer == .end })
    }

    @Test func theMedianIsCalledSo() {
        for (percentile, name) in [(50.0, Verdict.Rule.median), (40, .percentile)] {
            var rule = Percentile(.init(percentile: percentile, minimumPeers: 1))
            var curve = LearningCurve(goal: .minimize)
            curve.append(step: 1, value: 0)
            rule.conclude(0, curve, .completed)
            curve = LearningCurve(goal: .minimize)
            curve.append(step: 1, value: 1)
            #expect(
                rule.judge(1, curve)
                    == Verdict(rule: name, step: 1, value: 1, threshold: 0, peers: 1, better: 1, named: [0]))
        }
    }

    /// Stopped trials are no peers, and neither are steps that few have come to.
    @Test func peersAreCompletedTrials() {
        var rule = Percentile(.init(minimumPeers: 2))
        for trial in 0..<3 {
            var curve = LearningCurve(goal: .minimize)
            curve.append(step: 1, value: 0)
            if trial == 0 { curve.append(step: 2, value: 0) }
            rule.conclude(trial, curve, trial < 2 ? .completed : .stopped)
        }
        var curve = LearningCurve(goal: .minimize)
        curve.append(step: 1, value: 1)
        #expect(rule.judge(3, curve)?.peers == 2)
        curve.append(step: 2, value: 1)
        #expect(rule.judge(3, curve) == nil)
    }

    @Test func signedRanks() {
        for (differences, probability) in wilcoxonFixture {
            let found = SignedRanks(differences).probability
            #expect((found - probability).magnitude <= 1e-9 * probability, "\(differences)")
        }
        #expect(SignedRanks([0.3, 0.1, -0.05, 0.2, 0.4, 0]).probability == 0.0625)
        #expect(SignedRanks([0, 0, 0]).probability == 1)
        #expect(SignedRanks([Double](repeating: 0, count: 20)).probability == 0.5)
    }

    @Test func looksShareTheSignificance() {
        // Of ten folds the sixth to the tenth can reject at a fifth of 0.1, and five looks they are.
        #expect(Wilcoxon.level(0.1, pairs: 10, from: 2) == 0.1 / 5)
        // Of five only the last can, at any level that leaves more than one look.
        #expect(Wilcoxon.level(0.1, pairs: 5, from: 2) == 0.1 / 2)
        #expect(Wilcoxon.level(0.1, pairs: 5, from: 5) == 0.1)
        #expect(Wilcoxon.level(0.1, pairs: 3, from: 2) == 0.1)
        #expect(Wilcoxon.level(0.05, pairs: 1000, from: 2) > 0.05 / 1000)
    }

    /// A trial that is as good as the best is stopped with at most the significance, however often it is looked at.
    @Test(arguments: [8, 20])
    func equalsAreSeldomStopped(folds: Int) {
        let significance = 0.1
        var stopped = 0
        let repetitions = 1000
        for seed in 0..<repetitions {
            var random = RandomStream(seed: UInt64(seed), index: 0, name: "folds", purpose: .tests)
            var rule = Wilcoxon(.init(significance: significance))
            var best = LearningCurve(goal: .minimize)
            for fold in 0..<folds { best.append(step: Int64(fold), value: random.nextNormal()) }
            rule.conclude(0, best, .completed)
            var curve = LearningCurve(goal: .minimize)
            for fold in 0..<folds {
                curve.append(step: Int64(fold), value: random.nextNormal())
                if rule.judge(1, curve) != nil {
                    stopped += 1
                    break
                }
            }
        }
        #expect(Double(stopped) <= significance * Double(repetitions), "\(stopped)")
        #expect(stopped > 0)
    }

    @Test func worseTrialsAreStoppedBeforeTheirEnd() throws {
        var rule = Wilcoxon(.init())
        var best = LearningCurve(goal: .maximize)
        for fold in 0..<10 { best.append(step: Int64(fold), value: Double(fold)) }
        rule.conclude(4, best, .completed)
        var curve = LearningCurve(goal: .maximize)
        var verdict: Verdict?
        for fold in (0..<10).reversed() where verdict == nil {
            curve.append(step: Int64(fold), value: Double(fold) - 5 - 0.01 * Double(fold))
            verdict = rule.judge(9, curve)
        }
        let found = try #require(verdict)
        #expect(found.named == [4] && found.probability == 1.0 / 64 && curve.count == 6)
        // Of the best trial over the same six folds, and not over all ten.
        #expect(found.threshold == 6.5)
    }
}
