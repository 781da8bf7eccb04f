// SPDX-License-Identifier: MIT

import OrderedCollections
import SweepEngine
import SweepModel
import WorkerProtocol

/// What operators ask for, wherever they ask from.
extension CoordinatorLoop {
    func outcome(of request: OperatorRequest.Parsed, _ turn: inout Turn) -> OperatorService.Outcome {
        switch request {
        case .failure(let malformed): return .failed(malformed.description)
        case .success(let asked):
            if let answer = answer(to: asked, &turn) { return answer }
            return perform(asked, &turn)
        }
    }

    /// By an operator's key, over the network.
    func outcome(ofRemote request: OperatorRequest.Parsed, _ turn: inout Turn) -> OperatorService.Outcome {
        guard case .success(let asked) = request else { return outcome(of: request, &turn) }
        do throws(OperatorRequest.Malformed) {
            let taken = try asked.fromElsewhere(allowsCommands: options.allowsCommandsFromElsewhere)
            return outcome(of: .success(taken), &turn)
        } catch {
            return .failed(error.description)
        }
    }

    /// What the engine has no part in, or is only looked at for; nil for everything else.
    private func answer(to request: OperatorRequest, _ turn: inout Turn) -> OperatorService.Outcome? {
        switch request {
        case .ping: .done([])
        case .sweeps: .done([.init("sweeps", .array(engine.sweeps.map { sweepJSON($0, $1) }))])
        case .workers:
            .done([
                .init("workers", .array(engine.workers.map { workerJSON($0, $1) })),
                .init("keys", .array((door?.names ?? []).map { .string($0) })),
            ])
        case .trial(let trial): standing(of: trial)
        case .best(let sweep, let count): best(count, of: sweep)
        case .invite(let invitation): invite(invitation)
        case .revoke(let name): revoke(name, &turn)
        case .launch, .extend, .cancel, .cancelTrial, .pause, .unpause, .stop, .stopTrial, .retry, .retryFailed,
            .enqueue,
            .ask, .tell, .continueTrial, .drain:
            nil
        }
    }

    private func perform(_ request: OperatorRequest, _ turn: inout Turn) -> OperatorService.Outcome {
        let first = turn.entries.count
        if let reason = postponement(of: request) { return .notYet(reason) }
        do throws(EngineError) {
            for stimulus in try stimuli(for: request) {
                if let error = handle(stimulus, &turn) { throw error }
            }
            for sweep in unadopted {
                if let error = handle(.adopt(sweep), &turn) { throw error }
            }
        } catch .nothingReady(let sweep) {
            return .notYet(EngineError.nothingReady(sweep).description)
        } catch {
            return .failed(error.description)
        }
        let events = turn.entries[first...].map(\.event)
        if case .retryFailed = request {
            let count = events.count { if case .trialRetried = $0 { true } else { false } }
            return .done([.init("trials", .integer(Int64(count)))])
        }
        if let trial = events.compactMap(\.answeringTrial).first { return .done(trialMembers(trial)) }
        if let sweep = events.compactMap(\.createdSweep).first {
            let reason = engine.sweeps[sweep].flatMap { obstacle($0) }
            return .done([
                .init("sweep", .integer(Int64(sweep.number))), .init("waits", reason.map { .string($0) } ?? .null),
            ])
        }
        return .done([])
    }

    /// Why the request is to be repeated: a coordinator that is about to end would take on what nobody then trains,
    /// and who asks again becomes the next one.
    private func postponement(of request: OperatorRequest) -> String? {
        guard case .continueTrial(let trial, _) = request, !options.servesAll, let sweep = engine.sweeps[trial.sweep],
            sweep.isActive
        else { return nil }
        if case .finished = sweep.phase { return "the sweep is finished, and its coordinator is ending" }
        return engine.isDraining ? "the coordinator is ending" : nil
    }

    private func stimuli(for request: OperatorRequest) throws(EngineError) -> [Stimulus] {
        switch request {
        case .ping, .sweeps, .workers, .trial, .best, .invite, .revoke: return []
        case .launch(let definition, let directory): return [try launch(definition, directory)]
        case .cancel(let sweep): return [.cancel(sweep)]
        case .cancelTrial(let trial): return [.cancelTrial(trial)]
        case .pause(let sweep): return [.pause(sweep)]
        case .unpause(let sweep): return [.unpause(sweep)]
        case .stop(let sweep): return [.stop(sweep)]
        case .stopTrial(let trial): return [.stopTrial(trial, reason: "stopped by the user")]
        case .retry(let trial): return [.retry(trial)]
        case .retryFailed(let id):
            guard let sweep = engine.sweeps[id] else { throw .unknownSweep(id) }
            return sweep.trials.indices.filter { sweep.trials[$0].state == .failed }
                .map { .retry(TrialID(sweep: id, number: $0)) }
        case .enqueue(let sweep, let configuration):
            guard let definition = engine.sweeps[sweep]?.definition else { throw .unknownSweep(sweep) }
            return [.enqueue(sweep, try Self.checked(configuration, of: definition))]
        case .ask(let sweep): return [.ask(sweep)]
        case .tell(let trial, let value): return [.tell(trial, value: value)]
        case .continueTrial(let trial, let steps):
            guard let sweep = engine.sweeps[trial.sweep] else { throw .unknownSweep(trial.sweep) }
            // Nobody would train it.
            guard sweep.isActive || options.servesAll else { throw .sweepIsNotAtWork(trial.sweep) }
            return [.continueTrial(trial, steps: steps)]
        case .extend(let sweep, let total): return [try extend(sweep, to: total)]
        case .drain(nil, let isWanted): return [isWanted ? .drain : .undrain]
        case .drain(let name?, let isWanted):
            let workers = engine.workers.map { WorkerName(id: $0, facts: $1.facts) }
            return try WorkerName.find(name, among: workers).map { .drainWorker($0.id, isWanted) }
        }
    }

    /// A definition is read with the sweep file's rules: what they refuse must never reach the journal.
    private func launch(_ text: String, _ directory: String) throws(EngineError) -> Stimulus {
        // A coordinator of one sweep would never run it.
        guard options.servesAll else { throw .takesNoSweeps }
        guard directory.utf8.count <= ProtocolLimits.pathBytes else {
            throw .refused("the sweep file's folder must have at most \(ProtocolLimits.pathBytes) bytes")
        }
        let definition: SweepDefinition
        do {
            definition =
                try SweepFile.parse(
                    text, file: "the definition",
                    overrides: SweepFile.Overrides(checksPattern: true, checksBounds: true)
                ).definition
        } catch {
            throw .refused("\(error)")
        }
        if engine.sweeps.values.contains(where: { $0.definition.name == definition.name }) {
            throw .refused("there is a sweep '\(definition.name)' already: give this one another --name")
        }
        return .launch(definition, directory: directory)
    }

    private func extend(_ sweep: SweepID, to total: Int) throws(EngineError) -> Stimulus {
        guard var definition = engine.sweeps[sweep]?.definition, let counted = engine.sweeps[sweep]?.counted else {
            throw .unknownSweep(sweep)
        }
        guard (max(1, definition.trials ?? counted)...1_000_000_000).contains(total) else {
            throw .totalTooSmall(sweep, total: total, counted: max(counted, definition.trials ?? counted))
        }
        definition.trials = total
        return .redefine(sweep, definition)
    }

    /// As a baseline of the sweep file is: complete, of the right kinds, within the ranges.
    private static func checked(
        _ configuration: Configuration, of definition: SweepDefinition
    ) throws(EngineError) -> Configuration {
        var probe = definition
        probe.baselines = [configuration]
        do {
            let read = try SweepFile.parse(
                probe.canonicalText, file: "the parameters", overrides: SweepFile.Overrides())
            guard let checked = read.definition.baselines.first else { throw EngineError.refused("no parameters") }
            return checked
        } catch let error as EngineError {
            throw error
        } catch {
            throw .refused("\(error)")
        }
    }
}

extension Event {
    /// The trial that answers the request that brought it about.
    fileprivate var answeringTrial: TrialID? {
        switch self {
        case .proposed(let trial, .continuation, _, _), .proposed(let trial, .enqueued, _, _), .told(let trial, _):
            trial
        default: askedTrial
        }
    }

    fileprivate var createdSweep: SweepID? {
        if case .sweepCreated(let sweep, _, _) = self { sweep } else { nil }
    }
}
