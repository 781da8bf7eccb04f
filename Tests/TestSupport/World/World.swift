// SPDX-License-Identifier: MIT

import OrderedCollections
package import SweepEngine
import SweepModel
import WorkerProtocol

/// The real engine, the real sessions of its workers, and the bytes between them and on the disk, in virtual time, with
/// everything around them simulated and faulty. Everything follows from the seed.
///
/// Faults run for a while and then stop; a sound system then brings every trial to an end. `problem` is the first
/// violation of an invariant (`Invariants/`).
package final class World {
    package let seed: UInt64
    package let scenario: Scenario
    package internal(set) var problem: String?
    package internal(set) var tally = Tally()
    package internal(set) var trace = TraceDigest()
    package internal(set) var engine: Engine
    /// How many turns the coordinators have taken: the points at which one may crash.
    package internal(set) var turns = 0

    var random: SeededRandom
    var now: Int64 = 0
    var agenda = Agenda<Action>()
    var disk: SimulatedDisk
    var backup: SimulatedDisk.Image?
    var clock: MachineClock
    var workers: [SimulatedWorker] = []
    var links: [Link] = []

    // The coordinator's process.
    var process = 0
    var isUp = false
    var startedAt: Int64 = 0
    var inbox: [Arrival] = []
    var isTurnPlanned = false
    var nextTick: Int64 = 0
    var lastTick: Int64 = 0
    /// Decided, not yet durable: the process waits for its disk.
    var pending: Transaction?
    var armedCrash: FaultKind?
    var makers: [SweepID: ProposalMaker] = [:]
    var launched = 0
    var extensions = 0
    var isDrained = false

    // What is known to the checks.
    var book = Book()
    var proposals = I7()
    var histories: [SweepID: [(position: Int64, digest: UInt64)]] = [:]
    var spoken: I3.Spoken = [:]
    var processes: [String: (worker: Int, name: String)] = [:]
    var revoked: Set<String> = []
    var heard: [WorkerID: Instant] = [:]
    var offered: [Fence: Instant] = [:]
    var reported = Fence(0)

    var faultsLeft: Int
    var isCalm = false
    var deadline: Int64 = .max
    var nextBoot = 1
    var nextConnection = 0

    enum Action {
        case turn(process: Int)
        case durable(process: Int)
        case wake(Int)
        case arriveUp(Int, PeerIdentity, Connection, [UInt8])
        case arriveDown(Int, Connection, [UInt8])
        case stimulus(process: Int, Stimulus)
        case boot
        case respawn(Int)
        case fault
        case wish
    }

    enum Arrival {
        case message(Connection, PeerIdentity, [UInt8])
        case stimulus(Stimulus)
    }

    struct Transaction {
        var entries: [JournalEntry] = []
        var effects: [Effect] = []
        var bytes: [UInt8] = []
    }

    struct Link {
        /// Until when, and how often, by kind of storm.
        var stormUntil: [Int64] = Array(repeating: 0, count: 4)
        var strength: [Double] = Array(repeating: 0, count: 4)
        var longestDelay = 0
        var upBlockedUntil: Int64 = 0
        var downBlockedUntil: Int64 = 0
        var lastUp: Int64 = 0
        var lastDown: Int64 = 0
        /// When a mild world may hit it again.
        var restsUntil: Int64 = 0
    }

    package convenience init(seed: UInt64) {
        var random = SeededRandom(seed: seed)
        self.init(seed: seed, scenario: .drawn(&random))
    }

    /// A short run; see `Scenario.brief`.
    package static func brief(seed: UInt64) -> World {
        var random = SeededRandom(seed: seed)
        return World(seed: seed, scenario: .brief(&random))
    }

    /// A short run of what the first version could do.
    package static func early(seed: UInt64) -> World {
        var random = SeededRandom(seed: seed)
        return World(seed: seed, scenario: .early(&random))
    }

    package init(seed: UInt64, scenario: Scenario) {
        self.seed = seed
        self.scenario = scenario
        random = SeededRandom(seed: seed &* 0x2545_F491_4F6C_DD1D &+ 1)
        engine = Engine(database: "simulated", timers: scenario.engineTimers)
        disk = SimulatedDisk(database: "simulated", timers: scenario.engineTimers)
        clock = MachineClock(drift: scenario.drift, start: 1_000_000)
        faultsLeft = scenario.faults
        links = scenario.workers.map { _ in Link() }
        for (index, plan) in scenario.workers.enumerated() {
            workers.append(made(index, plan, versions: nil, name: "w\(index)"))
        }
        if scenario.drift != 0 || scenario.workers.contains(where: { $0.drift != 0 }) { tally.count(.clockDrift) }
        if scenario.isMild { tally.count(.mild) }
    }

    /// The longest run: a day of virtual time, and what it takes to end.
    private static let horizon: Int64 = 24 * 3_600_000

    /// Runs until everything is over, or nothing more can be hoped for.
    package func run() {
        launched = 1
        boot()
        for index in workers.indices { connect(index) }
        if faultsLeft == 0 { calmDown() } else { agenda.plan(.fault, at: now + gap(scenario.faultInterval)) }
        agenda.plan(.wish, at: now + max(1000, scenario.wishInterval))
        // What was under way when everything was over may open a sweep again: a retry, a trial that is continued.
        repeat {
            work()
            if problem == nil { settle() }
        } while problem == nil && !isOver
        judge()
    }

    /// Until every sweep is over in a world without faults.
    private func work() {
        var steps = 0
        while problem == nil, let (at, action) = agenda.next() {
            now = max(now, at)
            steps += 1
            if !isCalm, now > Self.horizon { calmDown() }
            perform(action)
            if isCalm, isUp, pending == nil, isOver { return }
            if now > deadline {
                return fail("I13: \(I13.check(engine, scenario.sweeps) ?? "no end") at the deadline; \(workerStates)")
            }
            if steps > 5_000_000 { return fail("I13: no end after \(steps) steps") }
        }
    }

    func perform(_ action: Action) {
        switch action {
        case .turn(let number): if number == process, isUp, pending == nil { turn() }
        case .durable(let number): if number == process, isUp { commitPending() }
        case .wake(let index): wake(index)
        case .arriveUp(let index, let identity, let connection, let bytes):
            arrive(from: index, identity, connection, bytes)
        case .arriveDown(let index, let connection, let bytes): arrive(at: index, connection, bytes)
        case .stimulus(let number, let stimulus): if number == process, isUp { take(.stimulus(stimulus)) }
        case .boot: if !isUp { boot() }
        case .respawn(let index): if !workers[index].isAlive { spawn(index) }
        case .fault: trouble()
        case .wish: wish()
        }
    }

    /// The journal as the disk has it.
    package var journal: [JournalEntry] {
        var entries: [JournalEntry] = []
        SimulatedDisk.read(disk.journal) { entries.append($0) }
        return entries
    }

    /// The same as it lies there.
    package var journalLines: [Substring] {
        String(decoding: disk.journal, as: UTF8.self).split(separator: "\n")
    }

    package var virtualSeconds: Double { Double(now) / 1000 }

    package var events: Int64 { book.entries }

    var isOver: Bool {
        !engine.sweeps.isEmpty && engine.sweeps.count >= launched
            && engine.sweeps.values.allSatisfy { state in
                // Whoever stops a sweep ends it before what runs has ended.
                if case .finished = state.phase { state.attended == 0 } else { false }
            }
    }

    var moment: Moment { Moment(wall: clock.wall(now), boot: clock.boot(now)) }

    /// For who has to find out why nothing goes on.
    private var workerStates: String {
        let known = engine.workers.map { worker, state in
            "\(worker) heard \(state.lastHeard?.milliseconds ?? 0) of \(moment.boot.milliseconds), leases "
                + "\(state.leases.count), drains \(state.isDraining), connected \(state.connection != nil)"
        }
        return known.joined(separator: "; ") + "; up \(isUp), pending \(pending != nil)"
    }

    func gap(_ mean: Int64) -> Int64 { Int64(random.int(1...max(1, Int(2 * mean)))) }

    func fail(_ words: String) {
        if problem == nil { problem = "seed \(seed), at \(now) ms, turn \(turns): \(words)" }
    }

    func fail(_ invariant: String, _ words: String?) {
        if let words { fail("\(invariant): \(words)") }
    }
}
