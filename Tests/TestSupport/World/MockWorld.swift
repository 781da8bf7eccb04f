// SPDX-License-Identifier: MIT

import OrderedCollections
package import SweepEngine
import SweepModel
import WorkerProtocol

/// A coordinator, its workers and the network between them in virtual time. Everything follows from the seed.
///
/// Faults run for a while and then stop; a sound engine then brings every trial to an end. `problem` is the first thing
/// that no sound engine may do.
package struct MockWorld {
    package let seed: UInt64
    package private(set) var problem: String?
    package private(set) var journal: [JournalEntry] = []
    package private(set) var engine: Engine
    package private(set) var crashes = 0
    package let faults: FaultRates
    let definition: SweepDefinition
    let spaceSize: Int
    /// Whether proposals come from a sampler that learns.
    let isAdaptive: Bool

    private var random: SeededRandom
    private var performer = Performer()
    private var workers: [MockWorker] = []
    private var rates: FaultRates
    private var now: Int64 = 1_000_000
    private var isUp = false
    private var restartAt: Int64 = 0
    private var nextConnection = 0
    /// As the coordinator gave them out; a lawless worker uses its own.
    private var sessions: [Connection: String] = [:]
    private var nextBoot = 1
    private var nextOrder: UInt64 = 0
    private var inFlight: [Parcel] = []
    private var proposals: [(at: Int64, stimulus: Stimulus)] = []
    private var partitionedUntil: [Int64]
    private var inbox: [Stimulus] = []

    private struct Parcel {
        let at: Int64
        let order: UInt64
        let worker: Int
        let connection: Connection
        let content: Content
        enum Content {
            case up(Envelope<WorkerMessage>)
            case down(CoordinatorMessage, session: String)
        }
    }

    static let sweep = SweepID(1)

    static var timers: EngineTimers {
        var timers = EngineTimers()
        timers.suspect = .seconds(8)
        timers.leaseLifetime = .seconds(15)
        timers.resumeGrace = .seconds(20)
        timers.offerTimeout = .seconds(5)
        timers.longestRest = .seconds(4)
        return timers
    }

    package init(seed: UInt64, faults: FaultRates? = nil) {
        self.seed = seed
        random = SeededRandom(seed: seed)
        self.faults = faults ?? .drawn(&random)
        rates = self.faults
        let trials = random.int(1...20)
        spaceSize = random.chance(0.2) ? random.int(1...14) : 10_000
        let baselines = (0..<random.int(0...2)).map { Configuration.proposal(100_000 + $0) }
        var limits = SweepDefinition.Limits()
        if random.chance(0.1) { limits.steps = Int64(random.int(5...40)) }
        if random.chance(0.1) { limits.sweep = .seconds(random.int(10...100)) }
        isAdaptive = random.chance(0.5)
        var definition = SweepDefinition.example(
            trials: trials, retries: random.int(0...2), repeats: random.chance(0.2) ? 2 : 1, baselines: baselines,
            target: random.chance(0.1) ? 0.25 : nil, limits: limits)
        definition.earlyTermination = Self.termination(&random)
        if random.chance(0.2) { definition.checkpoints = CheckpointPolicy(keep: .last, total: 5 << 20) }
        if isAdaptive, random.chance(0.3) { definition.deterministicPending = random.int(1...4) }
        self.definition = definition
        engine = Engine(database: "mock", timers: Self.timers)
        let count = random.int(1...4)
        partitionedUntil = Array(repeating: 0, count: count)
        for index in 0..<count {
            let slots = random.int(1...2)
            let isLocal = random.chance(0.5)
            workers.append(
                MockWorker(
                    name: "w\(index)", isLocal: isLocal, slots: slots, boot: 0, connection: Connection([])))
            spawn(index)
        }
    }

    /// Half the worlds stop trials early, by any of the rules.
    private static func termination(_ random: inout SeededRandom) -> EarlyTermination? {
        guard random.chance(0.5) else { return nil }
        let rungs = EarlyTermination.Rungs(minimumStep: 1, maximumStep: 7, eta: random.chance(0.5) ? 2 : 3)
        let rules: [EarlyTermination.Rule] = [
            .asha(rungs, .promotion), .asha(rungs, .promotion), .asha(rungs, .stopping), .asyncHyperband(rungs),
            .hyperband(EarlyTermination.Bands(form: .from(1), eta: 2)),
            .percentile(EarlyTermination.Percentile(minimumPeers: 1)),
            .patience(EarlyTermination.Patience(reports: 2)), .threshold, .wilcoxon(EarlyTermination.Wilcoxon()),
        ]
        return EarlyTermination(
            rule: rules[random.int(0...rules.count - 1)], upper: random.chance(0.3) ? 9 : nil,
            isDryRun: random.chance(0.1), controlShare: random.chance(0.2) ? 0.5 : 0, maximumStep: 7)
    }

    /// Runs until the sweep is over or nothing more can be hoped for.
    package mutating func run(faultySeconds: Int64 = 120, calmSeconds: Int64 = 1800) {
        let calm = now + faultySeconds * 1000
        let end = calm + calmSeconds * 1000
        while problem == nil, now < end {
            if now >= calm { rates = .none }
            step()
            if isUp, isOver, now >= calm || random.chance(0.05) { break }
        }
        guard problem == nil else { return }
        if !isUp { boot() }
        judge()
    }

    private var isOver: Bool {
        if case .finished? = engine.sweeps[Self.sweep]?.phase { true } else { false }
    }

    private mutating func judge() {
        guard let state = engine.sweeps[Self.sweep] else { return fail("the sweep is gone") }
        guard case .finished(let reason) = state.phase else {
            return fail("not finished: \(state.phase), counts \(state.counts), attempts \(engine.attempts)")
        }
        // A sweep that a limit or its target ended may go on: what was queued waits, and so does who was handed a trial.
        let mayGoOn = reason != .trials && reason != .exhausted && reason != .cancelled
        for (number, trial) in state.trials.enumerated()
        where !trial.state.isOver && !(mayGoOn && (trial.state == .queued || state.asked.contains(number))) {
            return fail("trial \(number) is \(trial.state) at the end")
        }
        if reason == .trials, state.counted != definition.trials { return fail("\(state.counted) trials counted") }
        if reason == .exhausted, state.nextProposal < spaceSize { return fail("exhausted at \(state.nextProposal)") }
        compareWithReplay()
        replayPrefixes()
    }

    private mutating func compareWithReplay() {
        var replayed = Engine(database: "mock", timers: Self.timers)
        for entry in journal { replayed.apply(entry) }
        if let difference = replayDifference(engine, replayed) { fail("replay: \(difference)") }
    }

    /// A crash may cut the journal anywhere between transactions; the state must be sound even between events.
    private mutating func replayPrefixes() {
        var replayed = Engine(database: "mock", timers: Self.timers)
        for (position, entry) in journal.enumerated() {
            replayed.apply(entry)
            if let violation = replayed.violatedInvariant() { return fail("after entry \(position): \(violation)") }
            guard position % 16 == 0 else { continue }
            var restarted = replayed
            _ = restarted.start(version: "mock", now: moment)
            if let violation = restarted.violatedInvariant() { return fail("restart at \(position): \(violation)") }
        }
    }

    private mutating func fail(_ words: String) {
        if problem == nil { problem = "seed \(seed), at \(now - 1_000_000) ms: \(words)" }
    }

    private var moment: Moment { Moment(wall: Timestamp(milliseconds: now), boot: Instant(milliseconds: now)) }
}

// MARK: a step of time

extension MockWorld {
    private mutating func step() {
        now += 250
        if !isUp, now >= restartAt { boot() }
        for index in workers.indices {
            trouble(index)
            if random.chance(rates.lawlessness) { meddle(index) }
            for envelope in workers[index].step(now: now, faults: rates, &random) { post(envelope, from: index) }
        }
        deliver()
        guard isUp else { return }
        operate()
        let due = proposals.filter { $0.at <= now }
        proposals.removeAll { $0.at <= now }
        inbox += due.map(\.stimulus)
        inbox.append(.tick)
        while isUp, problem == nil, !inbox.isEmpty { turn() }
    }

    private mutating func trouble(_ index: Int) {
        if random.chance(rates.workerCrash) { spawn(index) }
        if workers[index].wantsReconnection || random.chance(rates.reconnection) { reconnect(index) }
        if random.chance(rates.partition) { partitionedUntil[index] = now + Int64(random.int(1...40)) * 1000 }
    }

    /// Says of another worker's lease what only its holder may say.
    private mutating func meddle(_ index: Int) {
        let others = workers.indices.filter { $0 != index }.flatMap { workers[$0].running }
        guard let victim = others.first(where: { _ in random.chance(0.5) }) else { return }
        let fence = victim.lease.fence
        let next = (performer.ledger.open[fence]?.sequence ?? 0) + 1
        let message: WorkerMessage =
            switch random.int(0...2) {
            case 0: .events([SequencedEvent(fence: fence, sequence: next, event: .warning(Ledger.lawless))])
            case 1: .decline(fence: fence, reason: Ledger.lawless)
            default: .accept(fence: fence, parametersDigest: Ledger.lawless)
            }
        post(
            Envelope(session: sessions[workers[index].connection] ?? "", epoch: engine.epoch, message: message),
            from: index)
    }

    /// A new process in the old one's place.
    private mutating func spawn(_ index: Int) {
        let old = workers[index]
        workers[index] = MockWorker(
            name: old.name, isLocal: old.isLocal, slots: old.slots, boot: nextBoot, connection: old.connection)
        nextBoot += 1
        reconnect(index)
    }

    private mutating func reconnect(_ index: Int) {
        nextConnection += 1
        workers[index].connection = Connection([UInt8(nextConnection >> 8 & 255), UInt8(nextConnection & 255)])
        workers[index].wantsReconnection = false
        for envelope in workers[index].connected(now: now, faults: rates, &random) { post(envelope, from: index) }
    }

    private mutating func post(_ envelope: Envelope<WorkerMessage>, from index: Int) {
        send(.up(envelope), index)
    }

    private mutating func send(_ content: Parcel.Content, _ index: Int) {
        guard now >= partitionedUntil[index], !random.chance(rates.loss) else { return }
        for _ in 0..<(random.chance(rates.duplication) ? 2 : 1) {
            let delay = random.chance(rates.reordering) ? Int64(random.int(0...4000)) : 0
            nextOrder += 1
            inFlight.append(
                Parcel(
                    at: now + delay, order: nextOrder, worker: index, connection: workers[index].connection,
                    content: content))
        }
    }

    private mutating func deliver() {
        let due = inFlight.filter { $0.at <= now }.sorted { ($0.at, $0.order) < ($1.at, $1.order) }
        inFlight.removeAll { $0.at <= now }
        for parcel in due {
            switch parcel.content {
            case .up(let envelope):
                guard isUp else { continue }
                inbox.append(.message(parcel.connection, workers[parcel.worker].identity, envelope))
            case .down(let message, let session):
                guard workers[parcel.worker].connection == parcel.connection else { continue }
                let answers = workers[parcel.worker].receive(
                    Envelope(session: session, epoch: engine.epoch, message: message), now: now, faults: rates,
                    &random)
                for answer in answers { post(answer, from: parcel.worker) }
            }
        }
    }
}

// MARK: the coordinator

extension MockWorld {
    private mutating func boot() {
        engine = Engine(database: "mock", timers: Self.timers)
        engine.trapsOnViolation = false
        for entry in journal { engine.apply(entry) }
        isUp = true
        performer.known = []
        commit(engine.start(version: "mock", now: moment).events)
        if engine.sweeps.isEmpty { perform([.launch(definition, directory: "/sweeps")]) }
        if !isOver { inbox.append(.activate(Self.sweep)) }
        for index in workers.indices { reconnect(index) }
    }

    /// Some stimuli, one transaction, then their effects; and perhaps a crash in between.
    private mutating func turn() {
        let batch = Array(inbox.prefix(random.int(1...5)))
        inbox.removeFirst(batch.count)
        perform(batch)
    }

    private mutating func perform(_ batch: [Stimulus]) {
        var events: [JournalEntry] = []
        var effects: [Effect] = []
        for stimulus in batch {
            if case .message(let connection, _, _) = stimulus { performer.known.insert(connection) }
            // An operator's wish may name what is over by now; nothing else throws.
            guard let reaction = try? engine.handle(stimulus, now: moment) else { continue }
            events += reaction.events
            effects += reaction.effects
            if let violation = engine.violatedInvariant() { return fail("\(violation) after \(stimulus)") }
        }
        let crash = random.chance(rates.coordinatorCrash) ? random.int(0...2) : -1
        if crash == 0 { return self.crash() }
        commit(events)
        if crash == 1 { return self.crash() }
        for effect in effects { perform(effect) }
        if crash == 2 { self.crash() }
    }

    private mutating func commit(_ events: [JournalEntry]) {
        for entry in events {
            journal.append(entry)
            let wrong = performer.ledger.append(
                entry, retries: definition.retries, losses: engine.timers.maximumLosses)
            if let wrong { return fail(wrong) }
        }
    }

    private mutating func perform(_ effect: Effect) {
        let known = engine.workers
        let objection = performer.objection(effect) { connection in
            known.first { $0.value.connection == connection }?.key
        }
        if let objection { return fail("illegal effect: \(objection)") }
        switch effect {
        case .send(let connection, let session, let message):
            guard let index = workers.firstIndex(where: { $0.connection == connection }) else { return }
            if case .welcome = message { sessions[connection] = session }
            send(.down(message, session: session), index)
        case .discard: break
        case .propose(let sweep, let index, let count, let stock, let kept):
            let first = index + kept
            let end = min(spaceSize, first + (isAdaptive ? stock : count))
            let basis = ProposalBasis(origin: .model, position: engine.eventCount, place: 0, fits: [])
            let made = (first..<max(first, end)).map {
                ProposedConfiguration(
                    index: $0, configuration: .proposal($0), basis: isAdaptive ? basis : nil,
                    isProvisional: isAdaptive && random.chance(0.2))
            }
            let stimulus: Stimulus = made.isEmpty ? .exhausted(sweep) : .proposed(sweep, made)
            proposals.append((now + Int64(random.int(0...2000)), stimulus))
        }
    }

    private mutating func crash() {
        crashes += 1
        isUp = false
        restartAt = now + Int64(random.int(0...10)) * 1000
        inbox = []
        proposals = []
        for index in workers.indices where workers[index].isLocal { spawn(index) }
    }

    private mutating func operate() {
        guard let state = engine.sweeps[Self.sweep] else { return }
        if case .paused = state.phase, rates.operatorWish == 0 || random.chance(0.05) {
            inbox.append(.unpause(Self.sweep))
        }
        // Whoever drains a coordinator ends it.
        if engine.isDraining, rates.operatorWish == 0 || random.chance(0.05) { return crash() }
        // Callers take their time, and tell in the end.
        for number in state.asked.sorted() where rates.operatorWish == 0 || random.chance(0.02) {
            let trial = TrialID(sweep: Self.sweep, number: number)
            inbox.append(.tell(trial, value: random.chance(0.2) ? nil : random.chance(0.1) ? .nan : 0.5))
        }
        guard random.chance(rates.operatorWish), !state.trials.isEmpty else { return }
        let trial = TrialID(sweep: Self.sweep, number: random.int(0...state.trials.count - 1))
        switch random.int(0...9) {
        case 9: inbox.append(.continueTrial(trial, steps: Int64(random.int(1...3))))
        case 0: inbox.append(.pause(Self.sweep))
        case 1, 2: inbox.append(.cancelTrial(trial))
        case 3, 4: inbox.append(.stopTrial(trial, reason: "the operator"))
        case 5: inbox.append(.retry(trial))
        case 6: inbox.append(.drain)
        default: inbox.append(.ask(Self.sweep))
        }
    }
}
