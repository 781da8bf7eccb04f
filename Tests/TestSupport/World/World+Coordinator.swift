// SPDX-License-Identifier: MIT

import OrderedCollections
import SweepEngine
import SweepModel
import WorkerProtocol

/// The coordinator's process: stimuli, one transaction, then their effects; as in `CoordinatorLoop`.
extension World {
    private var tickInterval: Int64 { 1000 * scenario.scale }

    func boot() {
        if disk.fullUntil > now {
            agenda.plan(.boot, at: disk.fullUntil + 1)
            return
        }
        process += 1
        isUp = true
        isDrained = false
        pending = nil
        armedCrash = nil
        isTurnPlanned = false
        startedAt = now
        inbox = []
        makers = [:]
        heard = [:]
        offered = [:]
        reported = Fence(0)
        engine = disk.replayed
        var transaction = Transaction()
        include(engine.start(version: "simulated", now: moment), nil, &transaction)
        makeDurable(transaction)
        while engine.sweeps.count < launched, problem == nil {
            handle(.launch(scenario.sweeps[engine.sweeps.count].definition, directory: "/sweeps"))
        }
        for (sweep, state) in engine.sweeps {
            if case .finished = state.phase { continue }
            inbox.append(.stimulus(.activate(sweep)))
        }
        // Sockets dial again on their own. Whether a session hears of it depends on the transport.
        for index in workers.indices where process > 1 && workers[index].isAlive {
            workers[index].connection = newConnection()
            if random.chance(0.5) { connect(index, isNew: false) }
        }
        nextTick = now
        agenda.plan(.turn(process: process), at: now + 1)
    }

    private func handle(_ stimulus: Stimulus) {
        var transaction = Transaction()
        take(stimulus, &transaction)
        makeDurable(transaction)
        for effect in transaction.effects { perform(effect, fresh: []) }
    }

    func newConnection() -> Connection {
        nextConnection += 1
        return Connection([
            UInt8(nextConnection >> 16 & 255), UInt8(nextConnection >> 8 & 255), UInt8(nextConnection & 255),
        ])
    }

    func take(_ arrival: Arrival) {
        inbox.append(arrival)
        planTurn()
    }

    func planTurn() {
        guard isUp, !isTurnPlanned, pending == nil, !inbox.isEmpty else { return }
        isTurnPlanned = true
        agenda.plan(.turn(process: process), at: now + Int64(random.int(0...5)))
    }

    func turn() {
        isTurnPlanned = false
        if inbox.isEmpty, now < nextTick { return }
        turns += 1
        trace.add(UInt64(bitPattern: now))
        let batch = Array(inbox.prefix(scenario.batch))
        inbox.removeFirst(batch.count)
        var transaction = Transaction()
        for arrival in batch where problem == nil {
            switch arrival {
            case .stimulus(let stimulus): take(stimulus, &transaction)
            case .message(let connection, let identity, let bytes): take(bytes, connection, identity, &transaction)
            }
        }
        if now >= nextTick {
            excuseOwnStall()
            take(.tick, &transaction)
            // It stood still: what it had offered before counts anew.
            if now - lastTick > 2 * tickInterval { offered = offered.mapValues { _ in clock.boot(now) } }
            lastTick = now
            nextTick = now + tickInterval
            agenda.plan(.turn(process: process), at: nextTick)
            fail(
                "I5",
                I5.check(
                    offers: engine, sent: offered, now: clock.boot(now),
                    patience: .milliseconds(4 * tickInterval + 2 * engine.timers.offerRepeat.milliseconds)))
        }
        if turns % 8 == 0 || scenario.crash != nil { fail("I1", engine.violatedInvariant()) }
        if problem == nil { commit(transaction) }
        planTurn()
    }

    /// While the process waited for its disk it heard nobody: that is not the workers' silence.
    private func excuseOwnStall() {
        let stall = clock.boot(now) - clock.boot(lastTick)
        guard lastTick > startedAt, stall >= engine.timers.suspect else { return }
        heard = heard.mapValues { max($0, min($0 + stall, clock.boot(now))) }
    }

    /// - Returns: nothing; a wish that names what is over by now is refused and has no effect.
    private func take(_ stimulus: Stimulus, _ transaction: inout Transaction) {
        guard let reaction = try? engine.handle(stimulus, now: moment) else { return }
        include(reaction, stimulus, &transaction)
    }

    private func take(_ bytes: [UInt8], _ connection: Connection, _ identity: PeerIdentity, _ turn: inout Transaction) {
        // The border of the process: a revoked key's messages go no further.
        if revoked.contains(identity.name) { return }
        let envelope: Envelope<WorkerMessage>
        do throws(CodecError) {
            envelope = try MessageCodec.decodeWorkerMessage([Self.magic, bytes])
        } catch {
            tally.count(.refusedFrame)
            let refusal = Refusal(code: .malformed, message: "malformed", isFatal: false)
            turn.effects.append(.send(connection, session: "", .refusal(refusal)))
            return
        }
        let sender = engine.workers.first { $0.value.connection == connection }
        let isKnown = sender.map { !$0.value.session.isEmpty && $0.value.session == envelope.session } ?? false
        if case .hello(let hello) = envelope.message {
            for held in hello.running where held.fence.number < 1 << 53 {
                if held.fence >= engine.fences.next { tally.count(.fencesRaised) }
                reported = max(reported, held.fence)
            }
        }
        guard let reaction = try? engine.handle(.message(connection, identity, envelope), now: moment) else { return }
        include(reaction, nil, &turn)
        let worker = engine.workers.first { $0.value.connection == connection }?.key
        if case .hello(let hello) = envelope.message, let worker {
            heard[worker] = clock.boot(now)
            // What this turn has decided before is not in the book yet.
            if turn.entries.count == reaction.events.count {
                fail("I14", I14.check(hello, of: worker, decided: reaction.events, engine, book))
            }
        }
        guard isKnown, let sender else { return }
        heard[sender.key] = clock.boot(now)
        switch envelope.message {
        case .events(let events): fail("I3", I3.check(answered: events, to: connection, by: reaction.effects))
        case .bye:
            if engine.workers[sender.key] != nil { fail("I1", "\(sender.key) has left and keeps its leases") }
        case .hello, .beat, .accept, .decline: break
        }
    }

    /// What was decided is checked where it needs the moment of the decision.
    private func include(_ reaction: Engine.Reaction, _ stimulus: Stimulus?, _ transaction: inout Transaction) {
        for entry in reaction.events {
            let wrong = I14.check(
                entry.event, engine, heard: heard, start: clock.boot(startedAt), now: clock.boot(now),
                worker: { book.open[$0]?.worker }, isLocal: { book.facts[$0]?.isLocal == true },
                isMild: scenario.isMild)
            fail("I14", wrong)
            fail("I2", I2.check(decided: entry.event, reported: reported))
            fail("I11", I11.check(entry.event, book) { [unowned self] in isRevoked($0) })
            SimulatedDisk.line(entry, to: &transaction.bytes)
        }
        transaction.entries += reaction.events
        transaction.effects += reaction.effects
    }

    private func commit(_ transaction: Transaction) {
        let planned = scenario.crash.flatMap { $0.turn == turns ? $0.point : nil }
        if transaction.entries.isEmpty {
            for effect in transaction.effects { perform(effect, fresh: []) }
            if planned != nil { crash() }
            return
        }
        let point = planned ?? armedCrash
        armedCrash = nil
        if point == .crashBeforeCommit { return crash() }
        if disk.failsNext {
            disk.failsNext = false
            return crash()
        }
        if disk.fullUntil > now || disk.slowness > 0 {
            pending = transaction
            agenda.plan(.durable(process: process), at: max(disk.fullUntil, now + disk.slowness))
            disk.slowness = 0
            return
        }
        makeDurable(transaction)
        if point == .crashAfterCommit { return crash() }
        finish(transaction)
        if point == .crashAfterSend { crash() }
    }

    func commitPending() {
        guard let transaction = pending else { return }
        if disk.fullUntil > now {
            agenda.plan(.durable(process: process), at: disk.fullUntil)
            return
        }
        pending = nil
        makeDurable(transaction)
        finish(transaction)
        planTurn()
        agenda.plan(.turn(process: process), at: max(now, nextTick))
    }

    private func makeDurable(_ transaction: Transaction) {
        trace.add(transaction.bytes)
        let entries = disk.append(transaction.bytes)
        for entry in entries { enter(entry) }
        disk.replay(entries)
        for sweep in disk.replayed.sweeps.keys { noteHistory(sweep) }
        if book.entries % 64 < transaction.entries.count { checkState() }
    }

    /// One entry as it is read back from the disk: every invariant that the journal alone decides.
    private func enter(_ entry: JournalEntry) {
        let event = entry.event
        fail("I1", I1.check(event, book))
        fail("I2", I2.check(event, book))
        fail("I3", I3.check(event, book, spoken))
        fail("I6", I6.check(event, book))
        fail("I7", proposals.check(event, book) { [unowned self] in golden($0, $1, $2) })
        fail("I8", I8.check(event, book, maximumLosses: engine.timers.maximumLosses))
        fail("I9", I9.check(event, book) { [unowned self] in prefetch($0) })
        book.enter(event)
        count(event)
    }

    private func prefetch(_ worker: WorkerID) -> Int {
        processes[String(worker.name.suffix(8))].map { workers[$0.worker].plan.prefetch } ?? 0
    }

    private func isRevoked(_ worker: WorkerID) -> Bool {
        processes[String(worker.name.suffix(8))].map { revoked.contains($0.name) } ?? false
    }

    func checkState() {
        // While a transaction waits for the disk the engine is ahead.
        if pending != nil || !isUp { return }
        fail("I1", disk.replayed.violatedInvariant())
        fail("I6", I6.check(disk.replayed, book))
        fail("I8", I8.check(disk.replayed, book))
    }

    private func finish(_ transaction: Transaction) {
        if book.entries % 256 < transaction.entries.count { fail("I12", I12.check(engine, disk.replayed)) }
        var fresh: Set<Fence> = []
        for entry in transaction.entries {
            switch entry.event {
            case .leased(let fence, _, _, _), .accepted(let fence), .observed(let fence, _, _),
                .stopRequested(let fence, _),
                .judged(let fence, _, _), .ended(let fence, _, _, _), .released(let fence, _, _):
                fresh.insert(fence)
            case .proposed(let trial, _, let configuration, _): makers[trial.sweep]?.remember(configuration)
            case .sweepFinished(let sweep, _), .sweepRedefined(let sweep, _): makers[sweep] = nil
            default: break
            }
        }
        for effect in transaction.effects { perform(effect, fresh: fresh) }
    }

    private func perform(_ effect: Effect, fresh: Set<Fence>) {
        switch effect {
        case .send(let connection, let session, var message):
            let worker = engine.workers.first { $0.value.connection == connection }?.key
            fail("I4", I4.check(message, to: worker, book))
            fail("I5", I5.check(message, to: worker, book, fresh: fresh))
            if case .welcome(var welcome) = message {
                welcome.window = min(welcome.window, scenario.window)
                message = .welcome(welcome)
            }
            count(message)
            if case .leases(let leases) = message {
                for lease in leases { offered[lease.fence] = clock.boot(now) }
            }
            let there = workers.firstIndex { $0.connection == connection && $0.isAlive }
            // A transport may notice, or not yet.
            if there == nil, random.chance(0.5) {
                tally.count(.unreachable)
                take(.stimulus(.unreachable(connection)))
            }
            guard let index = workers.firstIndex(where: { $0.connection == connection }) else { return }
            sendDown(Envelope(session: session, epoch: engine.epoch, message: message), to: index)
        case .discard: tally.count(.discarded)
        case .propose(let sweep, let index, let count, let stock, let kept):
            propose(sweep, index: index, count: count, stock: stock, kept: kept)
        }
    }

    func crash() {
        guard isUp else { return }
        isUp = false
        pending = nil
        inbox = []
        process += 1
        trace.add(0xC4A5)
        let longest = scenario.isMild ? 8 : random.chance(0.1) ? 600 : 30
        let pause =
            scenario.faults == 0 ? 2000 : Int64(random.int(0...longest)) * 1000 * (scenario.isMild ? scenario.scale : 1)
        agenda.plan(.boot, at: now + (isCalm ? min(pause, 5000) : pause))
        for index in workers.indices where workers[index].plan.isLocal && workers[index].isAlive { kill(index, for: 0) }
    }
}
