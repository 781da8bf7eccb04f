// SPDX-License-Identifier: MIT

import OrderedCollections
import SweepEngine
import SweepModel
import WorkerProtocol

/// What a look at the live coordinator shows.
extension CoordinatorLoop {
    func sweepJSON(_ id: SweepID, _ state: SweepState) -> JSONValue {
        let counts = state.ownCounts
        var members: [JSONValue.Member] = [
            .init("id", .integer(Int64(id.number))), .init("name", .string(state.definition.name)),
            .init("state", .string(state.phase.word)), .init("reason", state.phase.reason.map { .string($0) } ?? .null),
            .init("priority", .integer(Int64(state.definition.placement.priority))),
            .init("done", .integer(Int64(counts.done))), .init("running", .integer(Int64(counts[.running]))),
            .init("queued", .integer(Int64(counts[.queued]))),
            .init("trials", state.definition.trials.map { .integer(Int64($0)) } ?? .null),
            .init("counted", .integer(Int64(state.counted))),
            .init("best", state.best.map { .number($0.value) } ?? .null),
        ]
        if let reason = obstacle(state) { members.append(.init("waits", .string(reason))) }
        return .object(members)
    }

    /// Why nothing of the sweep runs although it could, where that is plain.
    func obstacle(_ state: SweepState) -> String? {
        guard case .running = state.phase, state.live == 0 else { return nil }
        if engine.isDraining { return "the daemon is draining" }
        return state.definition.shortage(engine.workers.values.filter { $0.connection != nil }.map(\.facts.offer))
    }

    func standing(of trial: TrialID) -> OperatorService.Outcome {
        engine.trial(trial) == nil
            ? .failed(EngineError.unknownTrial(trial).description) : .done(trialMembers(trial))
    }

    /// One trial of each of the best configurations, as `best` and `show` rank them.
    func best(_ count: Int, of id: SweepID) -> OperatorService.Outcome {
        guard let sweep = engine.sweeps[id] else { return .failed(EngineError.unknownSweep(id).description) }
        let ranked = RankedConfiguration.of(
            sweep.trials.indices.filter { sweep.trials[$0].isRanked }, objective: sweep.definition.objective
        ) { number in
            (number, sweep.trials[number].configuration, sweep.trials[number].value ?? .nan)
        }
        let best = ranked.prefix(count).map { trialMembers(TrialID(sweep: id, number: $0.trials[0])) }
        return .done([.init("trials", .array(best.map { .object($0) }))])
    }

    /// What who cannot read the store needs to know to evaluate the trial, or to train it further.
    func trialMembers(_ id: TrialID) -> [JSONValue.Member] {
        guard let sweep = engine.sweeps[id.sweep], let trial = engine.trial(id) else { return [] }
        let seed = sweep.seed(of: id.number)
        let continuations = sweep.continued.filter { sweep.trials[$0].source.parent == id.number }
        return [
            .init("trial", .integer(Int64(id.number))), .init("state", .string(trial.state.rawValue)),
            .init("value", trial.value.map { .number($0) } ?? .null), .init("parameters", trial.configuration.json),
            .init("seed", Int64(exactly: seed).map { .integer($0) } ?? .string(String(seed))),
            .init("parent", trial.source.parent.map { .integer(Int64($0)) } ?? .null),
            .init("until_step", trial.source.until.map { .integer($0) } ?? .null),
            .init(
                "checkpoint_step", (sweep.checkpoints[id.number]?.last?.checkpoint.step).map { .integer($0) } ?? .null),
            .init(
                "continued_by",
                .array(
                    continuations.map { number in
                        .object([
                            .init("trial", .integer(Int64(number))),
                            .init("until_step", .integer(sweep.trials[number].source.until ?? 0)),
                            .init("state", .string(sweep.trials[number].state.rawValue)),
                        ])
                    })),
        ]
    }

    func workerJSON(_ id: WorkerID, _ state: WorkerState) -> JSONValue {
        let now = Clock.boot
        let heard = state.lastHeard.map { max(0, (now - $0).milliseconds) }
        let condition: String =
            if state.connection == nil { "away" } else if (heard ?? 0) >= engine.timers.suspect.milliseconds {
                "suspect"
            } else if let until = state.quarantinedUntil, now < until { "quarantined" } else if state.isDraining {
                "draining"
            } else { "attached" }
        let facts = state.facts
        return .object([
            .init("worker", .string(id.name)), .init("key", facts.key.map { .string($0) } ?? .null),
            .init("host", .string(facts.host)), .init("agent", .string(facts.agent)),
            .init("pid", .integer(facts.processID)), .init("state", .string(condition)),
            .init("slots", .integer(Int64(facts.slots))), .init("busy", .integer(Int64(state.leases.count))),
            .init("heard_ms", heard.map { .integer($0) } ?? .null),
            .init("labels", .array(facts.offer.labels.filter { $0 != Placement.elsewhere }.map { .string($0) })),
            .init("tasks", .object(facts.offer.tasks.map { .init($0.name, .string($0.digest)) })),
            .init("commands", .bool(facts.offer.runsCommands)),
        ])
    }
}

extension SweepState.Phase {
    fileprivate var word: String {
        switch self {
        case .running: "running"
        case .paused: "paused"
        case .finished: "finished"
        }
    }

    fileprivate var reason: String? {
        switch self {
        case .running: nil
        case .paused(.user): "user"
        case .paused(.failures): "failures"
        case .finished(let reason): reason.rawValue
        }
    }
}
