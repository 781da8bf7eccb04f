// SPDX-License-Identifier: MIT

import SweepEngine
import SweepModel

/// Something about a sweep that the user should know, where the evidence is plain.
enum Note: Hashable, Sendable {
    /// The best configuration lies at the edge of a parameter's range, as do so many of the best.
    case edge(RangeEdge, shared: Int, of: Int)
    /// So many of the best trials were getting better when they ended.
    case stillImproving(trials: Int, of: Int)
    case infeasible(trials: Int, of: Int)
    case testMetric(String)

    /// For scripts.
    var kind: String {
        switch self {
        case .edge: "edge"
        case .stillImproving: "still_improving"
        case .infeasible: "infeasible"
        case .testMetric: "test_metric"
        }
    }

    var text: String {
        switch self {
        case .edge(let edge, let shared, let all):
            "The best \(Format.printable(edge.parameter)) (\(edge.value)) lies at the \(edge.side.rawValue) edge of its "
                + "range \(edge.range)\(edge.isLogarithmic ? " (log scale)" : "")"
                + (shared > 1
                    ? ", as in \(shared) of the best \(all): look beyond it." : ": looking beyond it may help.")
        case .stillImproving(let trials, let all):
            (trials == all
                ? (all == 1 ? "The best trial was" : "The best \(all) trials were")
                : "\(trials) of the best \(all) trials, the best among them, were")
                + " still improving at the end: more steps should help."
        case .infeasible(let trials, let all):
            "\(trials) of \(all) configurations were infeasible (out of memory, out of time, NaN or diverged): "
                + (trials * 2 > all ? "most of the search space does not work; " : "")
                + "shrink the ranges they come from, or look for a bug."
        case .testMetric(let name):
            "The metric is called '\(Format.printable(name))': tune on a validation split, never on the test split, or "
                + "its value says nothing about new data."
        }
    }

    /// - Parameters:
    ///   - top: the best trials with their curves, the best first.
    static func of(
        _ records: [TrialRecord], definition: SweepDefinition, ranking: Ranking, top: [(TrialRecord, [CurvePoint])]
    ) -> [Note] {
        var notes: [Note] = []
        notes += edges(definition.space, ranking)
        let improving = top.map { record, curve in
            record.state == .completed && CurveEnd.isStillImproving(curve, objective: definition.objective)
        }
        let count = improving.count { $0 }
        if improving.first == true, count * 2 > improving.count {
            notes.append(.stillImproving(trials: count, of: improving.count))
        }
        let tried = records.filter { $0.state == .completed || $0.state == .stopped || $0.state == .failed }
        let infeasible = tried.count { $0.isInfeasible }
        if infeasible * 5 > tried.count, infeasible > 1 {
            notes.append(.infeasible(trials: infeasible, of: tried.count))
        }
        if namesTest(definition.objective.metric) { notes.append(.testMetric(definition.objective.metric)) }
        return notes
    }

    private static func edges(_ space: SearchSpace, _ ranking: Ranking) -> [Note] {
        // The best of two is at an edge more often than not.
        guard let best = ranking.best, ranking.contenders.count >= 5 else { return [] }
        let top = ranking.contenders.prefix(5)
        return space.parameters.compactMap { parameter in
            guard let value = best.configuration[parameter.name], let edge = RangeEdge.at(parameter, value) else {
                return nil
            }
            let shared = top.count { contender in
                contender.configuration[parameter.name].flatMap { RangeEdge.at(parameter, $0) }?.side == edge.side
            }
            return .edge(edge, shared: shared, of: top.count)
        }
    }

    /// "test" as a word of its own: `test_loss`, `loss/test`, `testAcc`; not `latest` or `contest`.
    static func namesTest(_ metric: String) -> Bool {
        var words: [String] = [""]
        for character in metric {
            if !character.isLetter {
                words.append("")
            } else if character.isUppercase, words[words.count - 1].last?.isLowercase == true {
                words.append(character.lowercased())
            } else {
                words[words.count - 1] += String(character)
            }
        }
        return words.contains { ["test", "testing", "testset"].contains($0.lowercased()) }
    }
}
