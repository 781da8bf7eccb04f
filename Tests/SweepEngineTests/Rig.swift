// SPDX-License-Identifier: MIT

import OrderedCollections
import SweepEngine
import SweepModel
import TestSupport
import WorkerProtocol

/// An engine under test with its journal, a clock that only the test moves, and a sampler that answers at once.
struct Rig {
    var engine: Engine
    var journal: [JournalEntry] = []
    /// Of the last stimulus and of the proposals that followed from it.
    var effects: [Effect] = []
    var now: Int64 = 1_000_000
    var answersProposals = true
    /// Configurations the space holds.
    var spaceSize = Int.max
    private(set) var proposeRequests: [(index: Int, count: Int, stock: Int, kept: Int)] = []
    private var sessions: [String: String] = [:]

    static let sweep = SweepID(1)

    init(timers: EngineTimers = EngineTimers()) {
        engine = Engine(database: "test", timers: timers)
        let reaction = engine.start(version: "test", now: moment)
        journal += reaction.events
    }

    var moment: Moment { Moment(wall: Timestamp(milliseconds: now), boot: Instant(milliseconds: now)) }

    static func connection(_ worker: String) -> Connection { Connection(Array(worker.utf8)) }
    static func trial(_ number: Int) -> TrialID { TrialID(sweep: sweep, number: number) }

    mutating func handle(_ stimulus: Stimulus) throws(EngineError) {
        effects = []
        var pending = [stimulus]
        while !pending.isEmpty {
            let reaction = try engine.handle(pending.removeFirst(), now: moment)
            journal += reaction.events
            effects += reaction.effects
            for case .propose(let sweep, let index, let count, let stock, let kept) in reaction.effects {
                proposeRequests.append((index, count, stock, kept))
                guard answersProposals else { continue }
                let last = min(spaceSize, index + count)
                let made = (index..<max(index, last)).map {
                    ProposedConfiguration(index: $0, configuration: .proposal($0))
                }
                pending.append(made.isEmpty ? .exhausted(sweep) : .proposed(sweep, made))
            }
        }
    }

    mutating func launch(_ definition: SweepDefinition = .example()) throws {
        try handle(.launch(definition, directory: "/sweeps"))
        try handle(.activate(engine.sweeps.keys.last ?? Self.sweep))
    }

    mutating func advance(_ duration: Duration) throws {
        let end = now + duration.milliseconds
        while now < end {
            now = min(end, now + 250)
            try handle(.tick)
        }
    }

    mutating func hello(
        _ worker: String = "w", boot: String = "0", slots: Int = 1, prefetch: Int = 0, isLocal: Bool = true,
        versions: ClosedRange<Int> = 1...1, running: [HeldLease] = [], key: String? = nil,
        offer: WorkerOffer = WorkerOffer(), over connection: Connection? = nil
    ) throws {
        let hello = Hello(
            versions: versions, boot: boot, agent: "mock", host: "here", processID: 1, slots: slots,
            prefetch: prefetch, running: running, offer: offer)
        let envelope = Envelope(session: "", epoch: 0, message: WorkerMessage.hello(hello))
        try handle(
            .message(
                connection ?? Self.connection(worker), PeerIdentity(name: worker, isLocal: isLocal, key: key), envelope)
        )
        if let welcome = welcome(worker) { sessions[worker] = welcome.session }
    }

    mutating func send(_ message: WorkerMessage, from worker: String = "w", session: String? = nil) throws {
        let envelope = Envelope(session: session ?? sessions[worker] ?? "", epoch: engine.epoch, message: message)
        try handle(.message(Self.connection(worker), PeerIdentity(name: worker, isLocal: true), envelope))
    }

    mutating func events(_ fence: Int64, from first: Int64, _ events: [AttemptEvent], by worker: String = "w") throws {
        let sequenced = events.enumerated().map {
            SequencedEvent(fence: Fence(fence), sequence: first + Int64($0.offset), event: $0.element)
        }
        try send(.events(sequenced), from: worker)
    }

    mutating func accept(_ fence: Int64, by worker: String = "w") throws {
        guard let attempt = engine.attempts[Fence(fence)],
            let trial = engine.sweeps[attempt.trial.sweep]?.trials[attempt.trial.number]
        else { return }
        try send(
            .accept(fence: Fence(fence), parametersDigest: ParametersDigest.hex(of: trial.configuration)), from: worker)
    }

    /// Accepts, starts, reports and ends the attempt.
    mutating func run(
        _ fence: Int64, by worker: String = "w", values: [Double] = [0.5], seconds: Double? = nil,
        end: AttemptEvent? = nil
    ) throws {
        try accept(fence, by: worker)
        let reports = values.enumerated().map { AttemptEvent.loss($0.element, step: Int64($0.offset + 1)) }
        let last = end ?? .finished(.completed, Resources(seconds: seconds))
        try events(fence, from: 1, [.started(resumedFrom: nil)] + reports + [last], by: worker)
    }

    mutating func restart() {
        var fresh = replayed
        journal += fresh.start(version: "test", now: moment).events
        engine = fresh
        sessions = [:]
    }

    // MARK: what came of it

    /// The journal read by an engine that has seen nothing else.
    var replayed: Engine {
        var fresh = Engine(database: "test", timers: engine.timers)
        for entry in journal { fresh.apply(entry) }
        return fresh
    }

    var state: SweepState {
        guard let state = engine.sweeps[Self.sweep] else { preconditionFailure("no sweep was launched") }
        return state
    }

    func trialState(_ number: Int) -> Trial.State { state.trials[number].state }

    func sent(to worker: String) -> [CoordinatorMessage] {
        effects.compactMap {
            if case .send(Self.connection(worker), _, let message) = $0 { message } else { nil }
        }
    }

    func welcome(_ worker: String) -> Welcome? {
        for case .welcome(let welcome) in sent(to: worker) { return welcome }
        return nil
    }

    func leases(to worker: String = "w") -> [Lease] {
        sent(to: worker).flatMap { if case .leases(let leases) = $0 { leases } else { [Lease]() } }
    }

    func acks(to worker: String = "w") -> [FenceSequence] {
        sent(to: worker).flatMap { if case .ack(let acks) = $0 { acks } else { [FenceSequence]() } }
    }

    func desired(to worker: String = "w") -> [DesiredLease] {
        sent(to: worker).flatMap {
            switch $0 {
            case .beat(let desired, _): desired
            case .welcome(let welcome): welcome.desired
            case .leases, .ack, .nack, .resync, .refusal: [DesiredLease]()
            }
        }
    }

    /// Fences granted so far and not over, oldest first.
    var open: [Int64] { engine.attempts.keys.map(\.number).sorted() }
}

extension AttemptEvent {
    static func loss(_ value: Double, step: Int64) -> AttemptEvent {
        .report(step: step, metrics: [MetricValue("loss", value)])
    }

    static func failure(_ cause: AttemptFailure.Cause, _ message: String = "exit code 3") -> AttemptEvent {
        .failed(AttemptFailure(cause: cause, message: message, exitCode: 3, tail: "Traceback"), Resources())
    }
}
