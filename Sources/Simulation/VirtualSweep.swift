// SPDX-License-Identifier: MIT

import DequeModule
import OrderedCollections
package import SearchAlgorithms
package import SweepEngine
package import SweepModel
import WorkerProtocol

/// A sweep run against recorded learning curves in virtual time: the real engine and the real sampler, and a worker whose
/// trainings replay the table.
///
/// The same definition, table and options give the same run. Messages take no time and neither do proposals, so a model
/// always has its fit.
package struct VirtualSweep {
    package struct Options: Hashable, Sendable {
        /// Trials that run at once.
        package var workers: Int
        /// Only the curves of this seed; nil: each trial's own seed chooses among them.
        package var curveSeed: Int64?
        /// The script saves a checkpoint at every so many reports; 0: never.
        package var checkpointEvery: Int
        /// How many steps more a script trains after it was asked to stop.
        package var latencySteps: Int
        /// The simulation is given up after so many reports and ends of trainings.
        package var turnLimit: Int

        package init(
            workers: Int = 1, curveSeed: Int64? = nil, checkpointEvery: Int = 1, latencySteps: Int = 0,
            turnLimit: Int = 5_000_000
        ) {
            self.workers = workers
            self.curveSeed = curveSeed
            self.checkpointEvery = checkpointEvery
            self.latencySteps = latencySteps
            self.turnLimit = turnLimit
        }
    }

    private static let sweep = SweepID(1)
    /// The worker says that it is alive, and the engine looks at its timers.
    private static let pulseInterval = 5.0

    private let matcher: CurveMatcher
    private let options: Options
    private var engine: Engine
    private var worker: VirtualWorker
    private var maker: ProposalMaker?
    /// Seconds since the start.
    private var now = 0.0
    private var lastPulse = 0.0
    /// When the sweep's time is up.
    private var timeLimit: Double?
    /// By ascending time.
    private var wishes: Deque<(at: Double, stimulus: Stimulus)> = []
    private var inbox: Deque<Stimulus> = []
    private var reports: [SimulatedReport] = []
    /// What stands for each trial that has begun.
    private var matches: [Int: CurveMatcher.Match] = [:]
    private var turns = 0
    private var stepsTrained: Int64 = 0
    private var secondsTrained = 0.0

    /// - Throws: when the table lacks `options.curveSeed`.
    package init(
        _ definition: SweepDefinition, table: CurveTable, options: Options = Options()
    ) throws(CurveTableError) {
        var definition = definition
        definition.workers = options.workers
        definition = definition.withChoicesMade
        let curves = if let seed = options.curveSeed { try table.only(seed: seed) } else { table }
        matcher = CurveMatcher(curves, definition.space)
        self.options = options
        engine = Engine(database: "virtual")
        worker = VirtualWorker(
            slots: options.workers, checkpointEvery: options.checkpointEvery, latencySteps: options.latencySteps)
        timeLimit = definition.limits.sweep.map { Double($0.milliseconds) / 1000 }
        start(definition)
    }

    /// The sweep exists and the worker waits; nothing is handed out before `run`.
    private mutating func start(_ definition: SweepDefinition) {
        _ = engine.start(version: "simulation", now: moment)
        inbox.append(.launch(definition, directory: "virtual:/"))
        inbox.append(said(worker.hello))
    }

    /// Has an operator wish for something at a time, in seconds since the start.
    package mutating func schedule(_ stimulus: Stimulus, at seconds: Double) {
        let place = wishes.firstIndex { $0.at > seconds } ?? wishes.endIndex
        wishes.insert((seconds, stimulus), at: place)
    }

    /// Runs the sweep to its end.
    ///
    /// - Throws: when the sampler cannot search the space, or the engine refuses a scheduled wish.
    package consuming func run() throws(SimulationError) -> SimulationResult {
        try settle()
        try deliver(.activate(Self.sweep))
        while !isOver, turns < options.turnLimit {
            if try fulfilWish() { continue }
            guard let next = worker.next else { break }
            if let limit = timeLimit, limit <= next.due {
                timeLimit = nil
                now = max(now, limit)
                try pulse()
                continue
            }
            now = max(now, next.due)
            if now - lastPulse >= Self.pulseInterval {
                // It may stop the training whose turn it is.
                try pulse()
                continue
            }
            turns += 1
            let (message, step) = worker.advance(next.place, now: now)
            if let step { record(step) }
            try deliver(said(message))
        }
        return result()
    }

    private var moment: Moment {
        // No table lasts so long; a number that is too large would trap.
        let milliseconds = Int64(min((now * 1000).rounded(), 1e15))
        return Moment(wall: Timestamp(milliseconds: milliseconds), boot: Instant(milliseconds: milliseconds))
    }

    private var isOver: Bool {
        if case .finished? = engine.sweeps[Self.sweep]?.phase { true } else { false }
    }

    /// Whether there was a wish to be fulfilled before anything else happens.
    private mutating func fulfilWish() throws(SimulationError) -> Bool {
        guard let wish = wishes.first, worker.next.map({ wish.at <= $0.due }) ?? true else { return false }
        wishes.removeFirst()
        now = max(now, wish.at)
        try pulse()
        try deliver(wish.stimulus)
        return true
    }

    private mutating func pulse() throws(SimulationError) {
        lastPulse = now
        try deliver(said(worker.beat))
        try deliver(.tick)
    }

    private func said(_ message: WorkerMessage) -> Stimulus {
        .message(
            VirtualWorker.connection, VirtualWorker.identity, worker.envelope(message, epoch: engine.epoch))
    }

    private mutating func record(_ step: VirtualWorker.Step) {
        stepsTrained += step.steps
        secondsTrained += step.point.seconds
        reports.append(
            SimulatedReport(
                trial: step.trial, step: step.point.step, value: step.point.value, seconds: now,
                stepsTrained: stepsTrained))
    }

    private mutating func deliver(_ stimulus: Stimulus) throws(SimulationError) {
        inbox.append(stimulus)
        try settle()
    }

    /// Until nobody has anything to say.
    private mutating func settle() throws(SimulationError) {
        while let stimulus = inbox.popFirst() {
            let reaction: Engine.Reaction
            do throws(EngineError) {
                reaction = try engine.handle(stimulus, now: moment)
            } catch {
                throw .refused(error)
            }
            remember(reaction.events)
            for case .send(_, let session, let message) in reaction.effects { answer(message, session) }
            for case .propose(_, let index, let count, let stock, let kept) in reaction.effects {
                do throws(SamplerError) {
                    inbox.append(try proposals(from: index, count: count, stock: stock, kept: kept))
                } catch {
                    throw .sampler(error)
                }
            }
        }
    }

    /// As the coordinator does with what is committed.
    private mutating func remember(_ entries: [JournalEntry]) {
        for entry in entries {
            if case .proposed(_, _, let configuration, _) = entry.event { maker?.remember(configuration) }
            if case .sweepRedefined = entry.event { maker = nil }
        }
    }

    private mutating func answer(_ message: CoordinatorMessage, _ session: String) {
        if case .leases(let leases) = message {
            for lease in leases where matches[lease.trial] == nil {
                matches[lease.trial] = matcher.match(lease.configuration, seed: lease.seed)
            }
        }
        let answers = worker.receive(message, session: session, now: now) { [matcher, matches] lease in
            guard let match = matches[lease.trial] else { return [] }
            return matcher.table.rows[match.row].curves[match.curve].points(upTo: lease.maximumStep)
        }
        for answer in answers { inbox.append(said(answer)) }
    }

    private mutating func proposals(
        from index: Int, count: Int, stock: Int, kept: Int
    ) throws(SamplerError) -> Stimulus {
        guard let state = engine.sweeps[Self.sweep] else { return .proposed(Self.sweep, []) }
        if maker == nil { maker = try ProposalMaker(state) }
        // Nobody waits in virtual time, so nothing is made in haste.
        let order = maker?.order(
            state, sweep: Self.sweep, stock: stock, kept: kept, position: engine.eventCount, hasWorkers: false)
        let made: [ProposedConfiguration]
        if let order {
            guard let result = order.made(isCancelled: { false }), maker?.take(result) == true else {
                return .proposed(Self.sweep, [])
            }
            made = result.proposals
        } else {
            made = maker?.propose(from: index, count: count) ?? []
        }
        return made.isEmpty ? .exhausted(Self.sweep) : .proposed(Self.sweep, made)
    }

    private func result() -> SimulationResult {
        guard let state = engine.sweeps[Self.sweep] else { preconditionFailure("a sweep was launched") }
        let objective = state.definition.objective
        let trials = state.trials.enumerated().map { number, trial in
            guard let match = matches[number] else { return SimulatedTrial(number: number, trial, match: nil) }
            let row = matcher.table.rows[match.row]
            let whole = row.curves[match.curve].course(upTo: state.definition.maximumStep)
            return SimulatedTrial(
                number: number, trial, match: match, wholeSteps: max(0, whole.last?.step ?? 0),
                wholeSeconds: whole.reduce(0) { $0 + $1.seconds },
                endValue: row.value(objective, upTo: state.definition.maximumStep))
        }
        let best = matcher.table.rows.compactMap { $0.value(objective, upTo: state.definition.maximumStep) }
            .reduce(nil as Double?) { best, value in
                best.map { objective.isBetter(value, than: $0) ? value : $0 } ?? value
            }
        return SimulationResult(
            state: state, trials: trials, reports: reports, seconds: now, stepsTrained: stepsTrained,
            secondsTrained: secondsTrained, bestOfTable: best, isCutShort: !isOver && turns >= options.turnLimit)
    }
}

/// Why a simulation could not go on.
package enum SimulationError: Error, Hashable, Sendable, CustomStringConvertible {
    /// The method cannot search the space.
    case sampler(SamplerError)
    /// An operator's wish that the engine cannot fulfil.
    case refused(EngineError)

    package var description: String {
        switch self {
        case .sampler(let error): "\(error)"
        case .refused(let error): "\(error)"
        }
    }
}
