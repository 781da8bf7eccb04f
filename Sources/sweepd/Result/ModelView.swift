// SPDX-License-Identifier: MIT

import SearchAlgorithms
import SweepEngine
import SweepModel
import WorkerProtocol

/// What the model thinks of a sweep, with the trials it means.
struct ModelView: Sendable {
    let report: ModelReport
    /// The trial with the best posterior mean; of a configuration that was repeated the first.
    let best: TrialRecord
    /// The best by the values seen.
    let seen: Ranking.Contender?

    /// nil when there are too few results for a model.
    ///
    /// - Parameter curve: of the trial with that number; asked for only where trials are stopped early.
    init?(_ records: [TrialRecord], definition: SweepDefinition, curve: (Int) throws -> [CurvePoint]) rethrows {
        let ladder = FidelityLadder(definition.earlyTermination)
        var evidence: [TrialRecord] = []
        var trials: [TrialEvidence] = []
        for record in records where record.isEvidence {
            let points = ladder == nil ? [] : try curve(record.number)
            let milestones = ladder?.milestones(
                of: points.lazy.map { LearningCurve.Point(step: $0.step, value: $0.value) }, definition.objective)
            evidence.append(record)
            trials.append(TrialEvidence(record.configuration, milestones: milestones ?? [], end: record.end))
        }
        // As the sampler sees them: trials of different length on one scale.
        let adjustment = RungAdjustment(ladder, trials.filter { !$0.milestones.isEmpty })
        let history = SearchHistory(results: trials.compactMap { adjustment.result(of: $0) })
        guard let report = ModelReport(definition, history) else { return nil }
        self.report = report
        best = evidence[report.best.result]
        seen = Ranking(records, objective: definition.objective).best
    }

    /// Whether the model takes another configuration for the best than the values do.
    var differs: Bool { seen.map { $0.configuration != best.configuration } ?? false }

    /// What the model takes for the best.
    func bestLines(_ objective: Objective) -> [String] {
        let metric = Format.printable(objective.metric)
        let estimate = report.best
        let interval = "95 %: \(Format.number(estimate.better)) … \(Format.number(estimate.worse))"
        let expected = "\(metric) \(Format.number(estimate.mean)) expected (\(interval))"
        guard differs, let seen else {
            return ["best by the model's mean: the same, \(expected)"]
        }
        let value = best.value.map { ", seen \(Format.number($0))" } ?? ""
        return [
            "best by the model's mean: trial \(best.number), \(expected)\(value)",
            "  they differ: the best of many noisy values is partly luck, so trial \(seen.number) may owe its value to it",
        ]
    }

    /// Everything, for `show --model`.
    func lines(_ objective: Objective) -> [String] {
        let failed = report.failures > 0 ? ", \(report.failures) of them failed" : ""
        var table = TextTable([.init("parameter"), .init("length scale", .right), .init("")])
        for scale in report.lengthScales {
            table.add([Format.printable(scale.parameter), Format.number(scale.share), Self.meaning(scale.share)])
        }
        return ["", "What a Gaussian process makes of \(Format.plural(report.results, "result"))\(failed)"]
            + table.lines().map { "  " + $0 }
            + [
                "  Length scales are shares of the range: the shorter, the more the parameter matters.",
                "  noise: one value scatters by \(Format.number(report.noise)) about its mean near the best",
            ] + bestLines(objective).map { "  " + $0 }
    }

    private static func meaning(_ share: Double) -> String {
        switch share {
        case ..<0.5: "matters much"
        case ..<2: "matters"
        case ..<8: "matters little"
        default: "no influence seen"
        }
    }

    var json: JSONValue {
        .object([
            .init("results", JSONOutput.integer(report.results)),
            .init("failures", JSONOutput.integer(report.failures)),
            .init(
                "length_scales",
                .object(report.lengthScales.map { JSONValue.Member($0.parameter, .number($0.share)) })),
            .init("noise", .number(report.noise)), .init("best", bestJSON),
        ])
    }

    var bestJSON: JSONValue {
        .object([
            .init("trial", JSONOutput.integer(best.number)), .init("mean", .number(report.best.mean)),
            .init("better", .number(report.best.better)), .init("worse", .number(report.best.worse)),
            .init("value", JSONOutput.number(best.value)), .init("parameters", best.configuration.json),
            .init("differs_from_best_seen", .bool(differs)),
        ])
    }
}

extension TrialRecord {
    /// How a trial that is evidence ended, for a model.
    fileprivate var end: TrialEvidence.End {
        guard isRanked else { return .failed }
        return state == .stopped ? .stopped(value) : .completed(value)
    }

    /// Whether its end says something about its configuration: `Trial.isEvidence`, from what the store keeps.
    fileprivate var isEvidence: Bool {
        if isContinuation { return false }
        if isRanked || isInfeasible { return state.isOver && state != .cancelled }
        guard state == .failed, let failure else { return false }
        return AttemptFailure.Cause(rawValue: failure.cause).map { $0 != .infrastructure } ?? false
    }
}
