// SPDX-License-Identifier: MIT

import Foundation
import Keys
import Logging
import SweepModel
import WorkerProtocol
import ZeroMQ

/// The agent's one loop, on the agent's one thread.
final class AgentLoop {
    /// Read at once from each source before the others have their turn.
    private static let messagesPerTurn = 64

    let options: WorkerAgentOptions
    let orders: AgentOrders
    let log: Logger
    let cards: GraphicsCards
    let enclosure: MemoryEnclosure

    var session: WorkerSession
    let link: CoordinatorLink
    /// Why this worker's key is not accepted; then it ends.
    private(set) var refusal: String?
    var attempts: [Attempt] = []
    /// Leases accepted and not begun.
    var waiting: [Lease] = []
    /// Leases that have a slot and no child yet.
    var preparations: [Preparation] = []
    var freeSlots: [Int]
    var coordinatorDrains = false
    /// The strongest order obeyed so far.
    var order = AgentOrders.Order.none
    /// When it was given.
    var orderedAt = BootClock.now
    /// Since when nothing keeps a worker that leaves but what the coordinator has not acknowledged.
    var waitsSince: Instant?
    var hasToldWait = false
    var hasLeft = false
    /// What went with this worker, because no coordinator acknowledged it.
    private(set) var loss: String?
    /// When a coordinator was last heard in a session; before there is one, when this worker began.
    var attendedAt = BootClock.now
    /// Since when nothing is held, of the time in which a coordinator could have given something.
    var idleSince: Instant?
    /// Whether trials were stopped because no coordinator was heard for long.
    var hasGivenUp = false
    /// The last word of a coordinator before the refusal that the user was told of.
    var refusedSince: Instant?
    var nextSample: Instant?
    var nextCleaning: Instant?
    /// Shared by all reads: nothing keeps it beyond its turn.
    var buffer = [UInt8](repeating: 0, count: 64 << 10)

    init(options: WorkerAgentOptions, context: Context, orders: AgentOrders, endpoints: [Endpoint]) throws {
        self.options = options
        self.orders = orders
        log = options.logger
        cards = try GraphicsCards(
            cards: options.gpus.resolved(environment: options.environment), perSlot: options.gpusPerSlot)
        let slots = max(1, min(options.slots, cards.slots ?? options.slots))
        freeSlots = Array(0..<slots)
        session = WorkerSession(
            hello: Hello(
                boot: WorkerAgentOptions.randomToken(), agent: options.agentName,
                host: HostName.current, processID: Int64(getpid()), slots: slots,
                prefetch: options.prefetch, offer: options.policy.offer(labels: options.labels)))
        link = try CoordinatorLink(endpoints, options, in: context)
        // Last: from here on there is something to undo.
        enclosure = options.enclosure ?? .establish()
        log.info("\(enclosure.reason)")
    }

    func run() {
        options.processGuard?.watch(token: options.token)
        options.processGuard?.watch(enclosure)
        do throws(ZMQError) {
            perform(session.connected(now: BootClock.now))
            while !hasLeft { try turn() }
        } catch {
            log.critical("the worker ends: \(error)")
        }
        loss = lossAtTheEnd()
        unprepare()
        for attempt in attempts { attempt.child.signalGroup(SIGKILL) }
        attempts.removeAll()
        // What left its group (setsid) is found by the token it inherited.
        Leftovers.kill(token: options.token, within: .seconds(1))
        enclosure.dissolve()
        rmdir(options.scratchDirectory)
    }

    private func turn() throws(ZMQError) {
        let isFull = session.isSpoolFull
        var sources: [Source] = []
        var watched: [WatchedDescriptor] = []
        for attempt in attempts { attempt.watch(isSpoolFull: isFull, &sources, &watched) }
        let readiness = try poll(
            link.socket, wakeup: orders.wakeup, descriptors: &watched, timeout: timeout(BootClock.now))
        if readiness.first {
            try receive()
            for attempt in attempts { keepPromises(attempt) }
        }
        for (source, found) in zip(sources, watched) where found.isReadable || found.isWritable {
            serve(source, found)
        }
        let now = BootClock.now
        if link.wasRefused() { hearRefusal(now) }
        obey(now)
        for attempt in attempts {
            attempt.tick(now: now)
            if attempt.reap(now: now) { options.processGuard?.forget(attempt.child.id) }
            if let events = attempt.takeLooked(now: now) {
                record(events, for: attempt)
                keepPromises(attempt)
            }
            settle(attempt, now: now)
        }
        attempts.removeAll { attempt in
            guard case .over = attempt.phase else { return false }
            freeSlots.append(attempt.slot)
            return true
        }
        sampleMemory(now)
        perform(session.tick(now: now))
        if session.isEstablished { attendedAt = session.heardAt }
        startPrepared()
        startWaiting()
        cleanFiles(now)
        giveUpOffline(now)
        leaveWhenIdle(now)
        leaveWhenDone(now)
    }

    private func timeout(_ now: Instant) -> Duration {
        var deadlines = attempts.compactMap(\.nextDeadline)
        deadlines.append(session.nextDeadline)
        if !attempts.isEmpty, let nextSample { deadlines.append(nextSample) }
        if let waitsSince { deadlines += waitDeadlines(waitsSince) }
        // That it was idle for long enough is only known with the coordinator's next word, which wakes us.
        if isUnoccupied, options.idleLimit != nil, order == .none { deadlines.append(attendedAt + options.offlineRun) }
        if !attempts.isEmpty, !hasGivenUp { deadlines.append(session.heardAt + options.offlineRun) }
        // Without a descriptor for its end, a child is asked for it.
        if attempts.contains(where: { $0.isRunning && $0.child.exitDescriptor < 0 }) {
            deadlines.append(now + .milliseconds(20))
        }
        let next = deadlines.min() ?? now + .seconds(1)
        return max(.zero, min(next - now, .seconds(60)))
    }

    /// What runs is others' by now, and nothing that is said here is heard any more.
    func leave(refused reason: String) {
        for attempt in attempts { attempt.terminate(.abandoned, now: BootClock.now) }
        refusal = reason
        hasLeft = true
    }

    private func receive() throws(ZMQError) {
        for _ in 0..<Self.messagesPerTurn {
            guard let frames = try link.receive() else { return }
            receive(frames)
        }
    }

    private func serve(_ source: Source, _ found: WatchedDescriptor) {
        switch source {
        case .exit: break
        case .output(let attempt): record(attempt.readOutput(&buffer), for: attempt)
        case .listener(let attempt): attempt.acceptConnections()
        case .connection(let attempt, let connection):
            if found.isWritable { connection.flush() }
            if found.isReadable {
                record(attempt.readReports(connection, &buffer), for: attempt)
                keepPromises(attempt)
            }
            attempt.connections.removeAll { $0.isOver }
        }
    }

    /// Reads what an ended child left, and concludes when there is no more.
    private func settle(_ attempt: Attempt, now: Instant) {
        guard case .draining = attempt.phase else { return }
        guard !session.isSpoolFull, !attempt.awaitsLook else {
            attempt.holdDrain(now: now)
            return
        }
        attempt.acceptConnections()
        for connection in attempt.connections { record(attempt.readReports(connection, &buffer), for: attempt) }
        record(attempt.readOutput(&buffer), for: attempt)
        guard attempt.isDrained(now: now) else { return }
        if let event = attempt.conclude() {
            record([event], for: attempt)
        } else if attempt.termination == .workerStops {
            log.info("attempt \(attempt.fence) is handed back")
        }
    }

    func record(_ events: [AttemptEvent], for attempt: Attempt) {
        if events.isEmpty || attempt.termination == .abandoned { return }
        perform(session.record(events, for: attempt.fence, now: BootClock.now))
    }

    /// Answers the reports that are durable by now.
    private func keepPromises(_ attempt: Attempt) {
        guard let held = session.held(attempt.fence) else { return }
        for connection in attempt.connections {
            connection.keepPromises(last: held.lastSequence, acknowledged: held.acknowledged)
        }
        attempt.connections.removeAll { $0.isOver }
    }

    private func sampleMemory(_ now: Instant) {
        let running = attempts.filter(\.isRunning)
        guard !running.isEmpty, now >= nextSample ?? now else { return }
        let isLimited = running.contains { $0.lease.memoryLimit != nil }
        nextSample = now + .milliseconds(isLimited ? 500 : 2000)
        Leftovers.killStrays(token: options.token, live: Set(attempts.map { "\($0.fence)" }))
        var sampled: [Attempt] = []
        for attempt in running {
            // Where the kernel holds the limit itself, it counts too, and shared pages once.
            if enclosure.limitsMemory, let used = attempt.child.group?.usedMemory {
                attempt.peakMemory = max(attempt.peakMemory, used)
            } else {
                sampled.append(attempt)
            }
        }
        guard !sampled.isEmpty else { return }
        let resident = ProcessTable.resident(ofGroups: Set(sampled.map { $0.child.id }))
        for attempt in sampled {
            guard var used = resident[attempt.child.id] else { continue }
            if let limit = attempt.lease.memoryLimit, used > limit {
                // Forked loaders share pages with their parent: count those once before anyone is killed.
                used = ProcessTable.proportional(ofGroup: attempt.child.id) ?? used
                if used > limit { attempt.terminate(.memoryLimit(limit: limit, used: used), now: now) }
            }
            attempt.peakMemory = max(attempt.peakMemory, used)
        }
    }
}
