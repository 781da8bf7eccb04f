// SPDX-License-Identifier: MIT

import OrderedCollections
package import SweepModel
import WorkerProtocol

/// The sweep's state machine: trials, attempts, leases, workers, assignment and retry.
///
/// `handle` turns a stimulus into decided facts (`Reaction.events`) and wishes (`Reaction.effects`). Facts have been
/// applied to the state when it returns; the caller commits them and only then performs the effects. The state changes
/// through `apply(_:)` and nowhere else, except for what lives only as long as this process (connections, sessions, who
/// was heard when), so replaying the journal through `apply` gives the same state.
///
/// Three kinds of "cannot happen" are kept apart: a lawless peer gets a refusal and changes nothing; a late peer (an
/// older session, a superseded fence) gets the desired state; our own bugs trap in `checkInvariants`.
package struct Engine: Sendable {
    package let timers: EngineTimers
    package internal(set) var epoch: Int64 = 0
    /// How many events have been applied: the number of the journal's last.
    package internal(set) var eventCount: Int64 = 0
    package let database: String
    /// Names this process's work on the database, to workers that hold what an earlier one acknowledged. The epoch does
    /// not: a database that is restored from a copy counts the same again.
    private(set) var run = ""
    package internal(set) var sweeps = SweepTable()
    package internal(set) var workers = Roster()
    /// Live attempts only.
    package internal(set) var attempts: [Fence: Attempt] = [:]
    /// Attempts that were given up with their workers, of trials that still wait in the queue. Those workers may be merely
    /// late.
    package internal(set) var orphans: [Fence: Attempt] = [:]
    package internal(set) var fences = GrantedFences()
    /// Which worker a connection's hello established.
    var registrations: [Connection: WorkerID] = [:]
    package internal(set) var isDraining = false
    /// Sweeps whose time limit is checked, offers that may need repeating: nothing earlier than this.
    var nextCheck: Instant?
    /// When the last tick came, to notice that this process stood still.
    var lastTick: Instant?
    /// Trials that were run again because their worker was put into quarantine.
    var givenAgain: Set<TrialID> = []
    let window = ProtocolLimits.window
    /// Off in simulations, which check by themselves so that they can name the seed. Release builds never trap.
    package var trapsOnViolation = true

    package init(database: String, timers: EngineTimers = EngineTimers()) {
        self.database = database
        self.timers = timers
    }

    package struct Reaction: Sendable {
        package var events: [JournalEntry] = []
        package var effects: [Effect] = []
    }

    /// The decided facts of one stimulus, applied as they are made.
    struct Turn {
        let now: Moment
        var reaction = Reaction()
    }

    /// Begins a process's life on this data directory; call once, after replay and before anything else.
    package mutating func start(version: String, now: Moment) -> Reaction {
        run = "\(database)-\(now.wall.milliseconds)"
        var turn = Turn(now: now)
        decide(.coordinatorStarted(epoch: epoch + 1, version: version), &turn)
        for (worker, state) in workers {
            if state.facts.isLocal {
                dismiss(worker, .restarted, reason: "the coordinator it belonged to is gone", &turn)
            } else {
                workers[worker]?.lastHeard = now.boot + (timers.resumeGrace - timers.leaseLifetime)
            }
        }
        return turn.reaction
    }

    /// - Throws: only for an operator's stimulus that names what does not exist or is over.
    package mutating func handle(_ stimulus: Stimulus, now: Moment) throws(EngineError) -> Reaction {
        var turn = Turn(now: now)
        switch stimulus {
        case .launch(let definition, let directory):
            let sweep = SweepID((sweeps.keys.last?.number ?? 0) + 1)
            decide(.sweepCreated(sweep, definition, directory: directory), &turn)
        case .activate(let sweep):
            try adopt(sweep)
            unpause(sweep, &turn)
        case .adopt(let sweep):
            try adopt(sweep)
        case .redefine(let sweep, let definition):
            guard let state = sweeps[sweep] else { throw .unknownSweep(sweep) }
            if let total = definition.trials, total < state.counted {
                throw .totalTooSmall(sweep, total: total, counted: state.counted)
            }
            decide(.sweepRedefined(sweep, definition), &turn)
        case .message(let connection, let identity, let envelope):
            receive(envelope, from: connection, identity: identity, &turn)
        case .proposed(let sweep, let configurations):
            adopt(configurations, for: sweep, &turn)
        case .exhausted(let sweep):
            sweeps[sweep]?.isProposing = false
            if sweeps[sweep]?.isExhausted == false { decide(.spaceExhausted(sweep), &turn) }
        case .refitted(let sweep):
            sweeps[sweep]?.isReadyOutdated = true
        case .tick:
            expire(&turn)
        case .drain, .undrain:
            isDraining = stimulus == .drain
            for worker in workers.keys { tellOfDrain(worker, &turn) }
        case .drainWorker(let worker, let isWanted):
            guard workers[worker] != nil else { throw .unknownWorker(worker) }
            workers[worker]?.isDraining = isWanted
            tellOfDrain(worker, &turn)
        case .unreachable(let connection):
            lose(connection, now: now.boot)
        case .revoke(let key):
            for (worker, state) in workers where state.facts.key == key {
                refuseRevoked(state, &turn)
                dismiss(worker, .left, reason: "its key was revoked", &turn)
            }
        case .handBack:
            for (fence, attempt) in liveAttempts() where workers[attempt.worker]?.facts.isLocal == false {
                takeBack(fence, reason: "the sweep was interrupted", &turn)
            }
        case .pause(let sweep):
            guard let state = sweeps[sweep] else { throw .unknownSweep(sweep) }
            if case .running = state.phase { decide(.sweepPaused(sweep, .user), &turn) }
        case .unpause(let sweep):
            guard sweeps[sweep] != nil else { throw .unknownSweep(sweep) }
            unpause(sweep, &turn)
        case .cancel(let sweep):
            try cancel(sweep, &turn)
        case .cancelTrial(let trial):
            try cancel(trial, &turn)
        case .stop(let sweep):
            try stop(sweep, &turn)
        case .enqueue(let sweep, let configuration):
            try enqueue(configuration, in: sweep, &turn)
        case .stopTrial(let trial, let reason):
            try stop(trial, reason: reason, &turn)
        case .retry(let trial):
            try retry(trial, &turn)
        case .continueTrial(let trial, let steps):
            try continueTrial(trial, steps: steps, &turn)
        case .ask(let sweep):
            try ask(sweep, &turn)
        case .tell(let trial, let value):
            try tell(trial, value, &turn)
        }
        advance(&turn)
        #if DEBUG
        if trapsOnViolation, let violation = violatedInvariant() {
            preconditionFailure("engine invariant: \(violation)")
        }
        #endif
        return turn.reaction
    }

    /// When `.tick` is next worth sending.
    package func nextDeadline(now: Instant) -> Instant {
        now + .milliseconds(workers.isEmpty ? 1000 : 250)
    }

    /// Applies a fact and records it.
    ///
    /// - Returns: the verdict that follows from it.
    @discardableResult
    mutating func decide(_ event: Event, _ turn: inout Turn) -> Verdict? {
        let entry = JournalEntry(at: turn.now.wall, event: event)
        let verdict = apply(entry)
        turn.reaction.events.append(entry)
        return verdict
    }

    /// Fences and attempts in the order of their fences: dictionary order must decide nothing.
    func liveAttempts(where isWanted: (Attempt) -> Bool = { _ in true }) -> [(fence: Fence, attempt: Attempt)] {
        attempts.filter { isWanted($0.value) }.map { (fence: $0.key, attempt: $0.value) }
            .sorted { $0.fence < $1.fence }
    }
}
