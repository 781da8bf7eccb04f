// SPDX-License-Identifier: MIT

import Foundation
import Logging
import OrderedCollections
import SweepEngine
import SweepModel
import SweepStore
import WorkerProtocol
import ZeroMQ

/// One consumer of everything that happens: take in what has arrived (at most 256 messages or 5 ms), let the engine
/// decide, append the decisions in one transaction, and only then perform the effects.
///
/// 256 and 5 ms are caps, never waits. Everything here runs on the coordinator's thread, which also owns the sockets
/// and the store's only writing connection.
final class CoordinatorLoop {
    private static let messagesPerTurn = 256
    private static let turnLength: Duration = .milliseconds(5)
    /// How long the end waits for attached workers to leave.
    private static let goodbye: Duration = .seconds(2)
    /// While the disk is full, so much is kept for later; the rest is said again.
    private static let backlogLimit = WorkerTransport.BacklogLimit(messages: 4096, bytes: 64 << 20)
    private static let fullDisk = "the disk is full: free some space and ask again; nothing is lost"

    let data: DataDirectory
    private let runtime: RuntimeDirectory
    let options: CoordinatorOptions
    private let observer: any CoordinatorObserver
    let mailbox: Mailbox
    let store: Store
    private(set) var engine: Engine
    let transport: WorkerTransport
    private(set) var operators: OperatorService
    /// Who may come in over the network; nil where nobody is listened to.
    var door: Door?
    var makers: [SweepID: ProposalMaker] = [:]
    /// Where adaptive samplers look, and where their models are fitted meanwhile.
    let looks = ModelThread("looks", niceness: 2)
    let fits = ModelThread("fits", niceness: 5)
    let janitor = CheckpointJanitor()
    let failpoints = Failpoint.Countdown()
    private var ticks: TickSchedule
    private var isShuttingDown = false
    private var dropped = 0
    private var nextDropNote: Instant?

    /// What one turn has decided and wants done.
    struct Turn {
        var entries: [JournalEntry] = []
        var effects: [Effect] = []
        var replies: [@Sendable () -> Void] = []
        var operatorReplies: [OperatorService.Reply] = []
        /// A key was taken away: who has it must not stay.
        var cutsConnections = false
        /// To those who came in over the network and are no workers.
        var remoteReplies: [(connection: Connection, frames: [[UInt8]])] = []
    }

    init(
        data: DataDirectory, runtime: RuntimeDirectory, context: Context, options: CoordinatorOptions,
        observer: any CoordinatorObserver, mailbox: Mailbox
    ) throws {
        self.data = data
        self.runtime = runtime
        self.options = options
        self.observer = observer
        self.mailbox = mailbox
        // The lock comes first: binding a live ipc path would steal it.
        store = try Store.open(
            directory: data.path, options: StoreOptions(allowsUnsafeFileSystem: options.allowsUnsafeFileSystem))
        var engine = Engine(database: store.database, timers: options.timers)
        var lost = LostDiscards()
        _ = try store.replay { entry in
            engine.apply(entry)
            lost.note(entry.event)
        }
        self.engine = engine
        try runtime.create()
        transport = try WorkerTransport(endpoint: runtime.workerEndpoint, context: context)
        operators = try OperatorService(endpoint: runtime.operatorEndpoint, context: context)
        ticks = TickSchedule(from: Clock.boot, timers: options.timers)
        let reaction = self.engine.start(version: options.version, now: Clock.moment)
        try store.append(reaction.events)
        if let listening = options.listening {
            door = try Door(
                listening, credentials: try store.credentials(), key: try ServerKey.load(data), context: context)
        }
        if var door {
            transport.listen(try door.open(context))
            self.door = door
            transport.isAdmitted = { [unowned self] in self.door?.isAdmitted($0) == true }
        }
        try EndpointFile(runtime: runtime).write(to: data.endpointFile)
        // After the start: what only the process before had at work has ended by now.
        discardAgain(lost.leftovers(in: self.engine))
    }

    /// A daemon works on whatever is not over, and what was paused stays so: these it has yet to take up.
    var unadopted: [SweepID] {
        guard options.servesAll else { return [] }
        return engine.sweeps.filter { _, state in
            if case .finished = state.phase { return false }
            return !state.isActive
        }.map(\.key)
    }

    var summaries: [SweepSummary] {
        engine.sweeps.map { id, state in
            SweepSummary(
                id: id, definition: state.definition, directory: state.directory, phase: state.phase,
                counts: state.ownCounts)
        }
    }

    func run() throws {
        defer {
            unlink(data.endpointFile)
            runtime.removeSockets()
            // Last: with it goes the lock, and the next coordinator binds the same paths.
            store.close()
        }
        var first = Turn()
        for sweep in unadopted { _ = handle(.adopt(sweep), &first) }
        try conclude(&first)
        while !isShuttingDown {
            try waitForWork()
            try door?.check()
            var turn = Turn()
            takeMail(&turn)
            takeOperators(&turn)
            let hasReadAll = takeMessages(&turn)
            tick(&turn, hasReadAll: hasReadAll)
            try conclude(&turn)
            store.tidy(isIdle: turn.entries.isEmpty)
        }
        operators.receive().forEach { request in
            operators.send(OperatorService.Reply(to: request.connection, outcome: .notYet("the coordinator is ending")))
        }
        sayGoodbye()
        // The linear algebra's library takes its memory back when the process ends, also from under a running fit.
        looks.wait()
        fits.wait()
        finishDiscarding()
    }

    /// What was decided becomes durable, and then it is done.
    private func conclude(_ turn: inout Turn) throws {
        try commit(&turn)
        // First: a worker may be waiting for its next trial.
        tellWorkers(turn)
        // Before the replies: who is answered may look at what the observer copied.
        observer.committed(turn.entries, engine: engine)
        try finish(turn)
    }

    /// Attached workers are told that it is over, and again with each beat until they have left: one that misses the
    /// word would wait for a coordinator that may never come.
    private func sayGoodbye() {
        // A daemon is expected back: its workers go on, and are taken up again.
        if options.servesAll { return }
        var waiting: OrderedDictionary<Connection, String> = [:]
        for worker in engine.workers.values where !worker.facts.isLocal {
            if let connection = worker.connection { waiting[connection] = worker.session }
        }
        let deadline = Clock.boot + Self.goodbye
        var isFirst = true
        while !waiting.isEmpty, Clock.boot < deadline {
            for (connection, session) in waiting where isFirst {
                transport.send(.beat(desired: [], drain: true), session: session, epoch: engine.epoch, to: connection)
            }
            isFirst = false
            try? transport.wait(with: operators, wakeup: mailbox.wakeup, timeout: .milliseconds(100))
            while case .message(let connection, _, let envelope)? = transport.receive() {
                if case .bye = envelope.message {
                    waiting[connection] = nil
                } else if let session = waiting[connection] {
                    transport.send(
                        .beat(desired: [], drain: true), session: session, epoch: engine.epoch, to: connection)
                }
            }
        }
    }

    private func waitForWork() throws {
        let pause = ticks.next - Clock.boot
        try transport.wait(with: operators, wakeup: mailbox.wakeup, timeout: max(.zero, pause))
    }

    private func takeMail(_ turn: inout Turn) {
        for request in mailbox.drain() {
            switch request {
            case .shutdown: isShuttingDown = true
            case .request(let request, let reply):
                let outcome = outcome(of: .success(request), &turn)
                turn.replies.append { reply(outcome) }
            case .made(let made): _ = handle(take(made), &turn)
            case .fitted(let made): if take(made) { _ = handle(.refitted(made.sweep), &turn) }
            case .stimuli(let stimuli, let reply):
                let first = turn.entries.count
                var failure: EngineError?
                for stimulus in stimuli where failure == nil {
                    failure = handle(stimulus, &turn)
                }
                let result: Result<[JournalEntry], any Error> =
                    failure.map { .failure($0) } ?? .success(Array(turn.entries[first...]))
                turn.replies.append { reply(result) }
            }
        }
    }

    private func takeOperators(_ turn: inout Turn) {
        for request in operators.receive() {
            turn.operatorReplies.append(
                OperatorService.Reply(to: request.connection, outcome: outcome(of: request.result, &turn)))
        }
    }

    /// - Returns: whether nothing is left waiting.
    private func takeMessages(_ turn: inout Turn) -> Bool {
        let deadline = ContinuousClock.now + Self.turnLength
        var taken = 0
        while taken < Self.messagesPerTurn {
            guard let received = transport.receive() else { return true }
            taken += 1
            switch received {
            case .message(let connection, let identity, let envelope):
                _ = handle(.message(connection, identity, envelope), &turn)
                if case .bye = envelope.message { farewell(of: identity.key) }
            case .request(let connection, let request):
                let reply = OperatorService.Reply(to: connection, outcome: outcome(ofRemote: request, &turn))
                turn.remoteReplies.append((connection, reply.frames))
            case .enrolment(let connection, let invitation, let body):
                turn.remoteReplies.append((connection, enrol(body, by: invitation)))
            case .malformed(let malformed):
                noteMalformed(malformed)
                turn.effects.append(.send(malformed.connection, session: "", .refusal(malformed.refusal)))
            }
            if taken % 16 == 0, ContinuousClock.now >= deadline { return false }
        }
        return false
    }

    /// One line a second: a broken client must not fill the disk.
    private func noteMalformed(_ malformed: Arrival.Malformed) {
        dropped += 1
        let now = Clock.boot
        guard nextDropNote.map({ now >= $0 }) ?? true else { return }
        options.logger.warning(
            "dropped malformed messages", metadata: ["count": "\(dropped)", "last": "\(malformed.refusal.message)"])
        dropped = 0
        nextDropNote = now + .seconds(1)
    }

    private func tick(_ turn: inout Turn, hasReadAll: Bool) {
        let now = Clock.boot
        guard ticks.isDue(at: now, hasReadAll: hasReadAll) else { return }
        _ = handle(.tick, &turn)
        expireInvitations()
        tidyKeys()
        ticks.ticked(at: now, engine)
    }

    func handle(_ stimulus: Stimulus, _ turn: inout Turn) -> EngineError? {
        do {
            let reaction = try engine.handle(stimulus, now: Clock.moment)
            turn.entries += reaction.events
            turn.effects += reaction.effects
            return nil
        } catch {
            return error
        }
    }

    /// Returns when the entries are durable. On a full disk it waits for space: workers hear beats and keep their
    /// events, nothing is acknowledged, nothing is lost.
    private func commit(_ turn: inout Turn) throws {
        guard !turn.entries.isEmpty else { return }
        failpoints.reach(.beforeCommit)
        defer { failpoints.reach(.afterCommit) }
        var wasFull = false
        while true {
            do {
                try store.append(turn.entries)
                if wasFull { observer.storeIsFull(false) }
                return
            } catch StoreError.diskFull(_) {
                if !wasFull { observer.storeIsFull(true) }
                wasFull = true
                // Nothing of this turn was promised to anyone: it may be forgotten.
                if mailbox.isShutdownRequested { throw StoreError.diskFull(data.path) }
                for request in operators.receive() {
                    operators.send(.init(to: request.connection, outcome: .failed(Self.fullDisk)))
                }
                transport.keepAlive(
                    until: Clock.boot + .seconds(1), engine: engine, limit: Self.backlogLimit, refusal: Self.fullDisk)
            } catch StoreError.busy(let path) {
                // Another program holds the database's lock; ours is the only one that should, but a backup may.
                options.logger.warning("the database is locked by another program", metadata: ["path": "\(path)"])
                if mailbox.isShutdownRequested { throw StoreError.busy(path) }
                transport.keepAlive(until: Clock.boot + .milliseconds(200), engine: engine, limit: Self.backlogLimit)
            }
        }
    }
}
