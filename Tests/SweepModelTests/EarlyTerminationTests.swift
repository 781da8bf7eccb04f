// SPDX-License-Identifier: MIT

import SweepModel
import Testing

struct EarlyTerminationTests {
    private func definition(_ rest: String) throws -> SweepDefinition {
        try read(parameters("x: {values: [1, 2]}", rest: rest)).definition
    }

    @Test(arguments: [
        (
            "{type: asha, max_step: 54}",
            EarlyTermination(rule: .asha(.init(minimumStep: 2, maximumStep: 54), .stopping), maximumStep: 54)
        ),
        (
            "{type: asha, min_step: 4, eta: 4, variant: promotion}",
            EarlyTermination(rule: .asha(.init(minimumStep: 4, eta: 4), .promotion))
        ),
        (
            "{type: async_hyperband, max_step: 200}",
            EarlyTermination(rule: .asyncHyperband(.init(minimumStep: 7, maximumStep: 200)), maximumStep: 200)
        ),
        ("{type: hyperband, min_iter: 3}", EarlyTermination(rule: .hyperband(.init(form: .from(3))))),
        (
            "{type: hyperband, max_iter: 27, s: 2, strict: false}",
            EarlyTermination(
                rule: .hyperband(.init(form: .downFrom(27, count: 2), isStrict: false)), maximumStep: 27)
        ),
        // As in W&B, from whose max_iter and s the bands are made when all three are there.
        (
            "{type: hyperband, min_iter: 3, max_iter: 27, s: 2}",
            EarlyTermination(rule: .hyperband(.init(form: .downFrom(27, count: 2))), maximumStep: 27)
        ),
        (
            "{type: asha, max_iter: 54}",
            EarlyTermination(rule: .asha(.init(minimumStep: 2, maximumStep: 54), .stopping), maximumStep: 54)
        ),
        ("{type: median}", EarlyTermination(rule: .percentile(.init()))),
        (
            "{type: percentile, percentile: 25, min_peers: 3, min_step: 2, interval: 5}",
            EarlyTermination(
                rule: .percentile(.init(percentile: 25, minimumPeers: 3, minimumStep: 2, interval: 5)))
        ),
        (
            "{type: patience, patience: 7, min_delta: 0.01}",
            EarlyTermination(rule: .patience(.init(reports: 7, minimumDelta: 0.01)))
        ),
        (
            "{type: threshold, upper: 10, dry_run: true}",
            EarlyTermination(rule: .threshold, upper: 10, isDryRun: true)
        ),
        ("{type: wilcoxon, p: 0.05}", EarlyTermination(rule: .wilcoxon(.init(significance: 0.05)))),
        (
            "{type: curve, max_step: 50, probability: 0.1}",
            EarlyTermination(
                rule: .curve(.init(probability: 0.1, minimumStep: 10, maximumStep: 50)), maximumStep: 50)
        ),
        (
            "{type: auto, max_step: 50, veto: 0.02, control: 0.1}",
            EarlyTermination(
                rule: .auto(), veto: .init(probability: 0.02, minimumStep: 10, maximumStep: 50), controlShare: 0.1,
                maximumStep: 50)
        ),
        (
            "{type: auto, min_step: 5, max_step: 50}",
            EarlyTermination(rule: .auto(minimumStep: 5), maximumStep: 50)
        ),
    ])
    func readsAndWritesBack(_ written: String, _ expected: EarlyTermination) throws {
        let definition = try definition("early_terminate: \(written)")
        #expect(definition.earlyTermination == expected)
        #expect(definition.maximumStep == expected.maximumStep)
        #expect(try read(definition.canonicalText).definition == definition)
    }

    /// One lucky fold is no result.
    @Test func foldsCountByTheirMean() throws {
        #expect(try definition("early_terminate: {type: wilcoxon}").objective.summary == .mean)
        #expect(try definition("early_terminate: {type: median}").objective.summary == .best)
        var curve = LearningCurve(goal: .minimize)
        for (step, loss) in [0.5, .nan, 0.1, 0.6].enumerated() { curve.append(step: Int64(step + 1), value: loss) }
        let mean = try #require(curve.summary(.mean))
        #expect(mean.step == 4 && (mean.value - 0.4).magnitude < 1e-15)
        #expect(curve.summary(.best)?.value == 0.1 && curve.summary(.last)?.value == 0.6)
    }

    @Test(arguments: [
        (
            "{type: curve}",
            "early_terminate.max_step: is missing: the rule looks ahead to the step at which a trial ends"
        ),
        ("{type: asha, eta: 1}", "early_terminate.eta: must be greater than 1 and at most 1000000, found 1"),
        ("{type: asha, control: 1}", "early_terminate.control: must be at least 0 and below 1, found 1; use dry_run"),
        ("{type: asha, veto: true}", "early_terminate.veto: needs max_step"),
        ("{type: threshold, lower: 2, upper: 1}", "early_terminate.lower: is above upper"),
        ("{type: percentile, percentile: 120}", "early_terminate.percentile: must be 0 to 100"),
        ("{type: wilcoxon, p: 1.5}", "early_terminate.p: must be between 0 and 1"),
        ("{type: asha, variant: promote}", "early_terminate.variant: must be stopping or promotion"),
    ])
    func refuses(_ written: String, _ expected: String) {
        let text = parameters("x: {values: [1, 2]}", rest: "early_terminate: \(written)")
        let found = errors(in: text)
        #expect(found.count == 1 && found[0].contains(expected), "\(found)")
    }

    @Test func checkpointsAndTheLimitWithoutImprovement() throws {
        let definition = try definition(
            "checkpoints: {keep: last, total: 20GiB, path: /shared/ckpt}\nlimits: {no_improvement: 30}")
        #expect(definition.checkpoints == CheckpointPolicy(keep: .last, total: 20 << 30, path: "/shared/ckpt"))
        #expect(definition.limits.noImprovement == 30)
        #expect(try read(definition.canonicalText).definition == definition)
        #expect(try self.definition("checkpoints: {}").checkpoints == CheckpointPolicy())
        #expect(errors(in: parameters("x: {value: 1}", rest: "checkpoints: {path: here}")).count == 1)
        #expect(errors(in: parameters("x: {value: 1}", rest: "checkpoints: {path: /a/../b}")).count == 1)
    }
}
