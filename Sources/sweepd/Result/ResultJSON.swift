// SPDX-License-Identifier: MIT

import SweepEngine
import SweepModel

/// Results as JSON. A member is never renamed or removed within one version of a schema.
enum JSONOutput {
    typealias Member = JSONValue.Member

    /// One line: an object whose first member names its schema.
    static func text(_ command: String, _ members: [Member]) -> String {
        JSONValue.object([schema(command)] + members).text
    }

    static func schema(_ command: String) -> Member { .init("schema", .string("sweepd.\(command)/1")) }

    static func number(_ value: Double?) -> JSONValue { value.map { .number($0) } ?? .null }
    static func integer(_ value: Int64?) -> JSONValue { value.map { .integer($0) } ?? .null }
    static func integer(_ value: Int) -> JSONValue { .integer(Int64(value)) }
    static func string(_ value: String?) -> JSONValue { value.map { .string($0) } ?? .null }
    static func numbers(_ values: [Int]) -> JSONValue { .array(values.map { .integer(Int64($0)) }) }
}

extension TrialRecord {
    var members: [JSONValue.Member] {
        var failed = JSONValue.null
        if let failure {
            failed = .object([
                .init("cause", .string(failure.cause)), .init("message", .string(failure.message)),
            ])
        }
        return [
            .init("trial", JSONOutput.integer(number)), .init("state", .string(state.rawValue)),
            .init("value", JSONOutput.number(value)), .init("value_step", JSONOutput.integer(valueStep)),
            .init("infeasible", .bool(isInfeasible)), .init("source", .string(sourceName)),
            .init("attempts", JSONOutput.integer(attempts)), .init("last_step", JSONOutput.integer(lastStep)),
            .init("seconds", JSONOutput.number(seconds)), .init("seconds_per_step", JSONOutput.number(secondsPerStep)),
            .init("peak_memory_bytes", JSONOutput.integer(peakMemoryBytes)), .init("failure", failed),
            .init("stop_reason", JSONOutput.string(stopReason)), .init("parameters", configuration.json),
            .init("verdict", judgement?.json ?? .null), .init("parent", JSONOutput.integer(parent.map(Int64.init))),
            .init("until_step", JSONOutput.integer(untilStep)),
        ]
    }

    var sourceName: String {
        switch source {
        case .sampler: "sampler"
        case .baseline: "baseline"
        case .repetition: "repeat"
        case .enqueued: "enqueued"
        case .continuation: "continuation"
        }
    }
}

extension SweepRecord {
    var members: [JSONValue.Member] {
        [
            .init("id", JSONOutput.integer(id.number)), .init("name", .string(name)),
            .init("method", .string(definition.method.rawValue)), .init("state", .string(state)),
            .init("metric", .string(objective.metric)), .init("goal", .string(objective.goal.rawValue)),
            .init("trials", JSONOutput.integer(definition.trials.map(Int64.init))),
            // As text: a 64-bit seed is more than most readers' numbers hold.
            .init("seed", .string(String(definition.seed))),
            .init("created_at_ms", JSONOutput.integer(createdAt?.milliseconds)),
            .init("elapsed_seconds", JSONOutput.number(elapsed.map { Double($0.milliseconds) / 1000 })),
        ]
    }
}

extension SweepResult {
    func members(_ headline: Headline) -> [JSONValue.Member] {
        let best = ranking.contenders.prefix(Self.shown).map { contender in
            JSONValue.object(
                contender.members + [
                    .init("told_from_best", ranking.isApartFromBest(contender).map { .bool($0) } ?? .null)
                ])
        }
        return [
            .init("sweep", .object(sweep.members)), .init("outcome", .string(headline.word)),
            .init("reason", JSONOutput.string(headline.reason)), .init("done", JSONOutput.integer(done)),
            .init("counts", countsJSON), .init("best", .array(best)), .init("noise", noiseJSON),
            .init("baseline", baselineJSON),
            .init("failures", .array(failures.map(\.json))),
            .init(
                "stops",
                .array(
                    stops.map { stop in
                        .object([
                            .init("reason", .string(stop.reason)), .init("trials", JSONOutput.numbers(stop.trials)),
                        ])
                    })),
            .init("seconds_per_step", spread(secondsPerStep)), .init("trial_seconds", spread(trialSeconds)),
            .init("peak_memory_bytes", spread(peakMemory)), .init("total_trial_seconds", .number(totalSeconds)),
            .init(
                "notes",
                .array(
                    notes.map { note in
                        .object([.init("kind", .string(note.kind)), .init("text", .string(note.text))])
                    })),
            .init("continued", .array(continued.map(\.json))),
            .init("early_stopping", earlyStopping?.json ?? .null),
            .init("waits", waits.map { .string($0) } ?? .null),
            .init("forecast", forecast.map { $0.forecast.json(now: $0.at) } ?? .null),
        ]
    }

    private var countsJSON: JSONValue {
        .object(
            Trial.State.allCases.map { .init($0.rawValue, JSONOutput.integer(counts[$0])) }
                + [.init("infeasible", JSONOutput.integer(infeasible))])
    }

    private var noiseJSON: JSONValue {
        guard let noise = ranking.noise else { return .null }
        let source: String
        switch noise.source {
        case .repeats: source = "repeats"
        case .curves: source = "curves"
        }
        return .object([.init("deviation", .number(noise.deviation)), .init("source", .string(source))])
    }

    private var baselineJSON: JSONValue {
        guard let comparison else { return .null }
        return .object([
            .init("trial", JSONOutput.integer(comparison.baseline.number)),
            .init("value", .number(comparison.baseline.value)), .init("gain", .number(comparison.gain)),
            .init("more_than_noise", comparison.isMoreThanNoise.map { .bool($0) } ?? .null),
        ])
    }

    private func spread(_ spread: Spread?) -> JSONValue {
        guard let spread else { return .null }
        return .object([
            .init("low", .number(spread.low)), .init("median", .number(spread.median)),
            .init("high", .number(spread.high)), .init("count", JSONOutput.integer(spread.count)),
        ])
    }
}

extension Ranking.Contender {
    var members: [JSONValue.Member] {
        [
            .init("trial", JSONOutput.integer(number)), .init("value", .number(value)),
            .init("trials", JSONOutput.numbers(trials.map(\.number))), .init("failed", JSONOutput.integer(missing)),
            .init("parameters", configuration.json),
        ]
    }
}

extension FailureGroup {
    var json: JSONValue {
        .object([
            .init("message", .string(message)), .init("infeasible", .bool(isInfeasible)),
            .init("trials", JSONOutput.numbers(trials)),
        ])
    }
}
