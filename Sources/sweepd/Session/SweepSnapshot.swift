// SPDX-License-Identifier: MIT

import Coordinator
import Dispatch
import OrderedCollections
import SweepEngine
import SweepModel
import Synchronization
import WorkerProtocol

/// What the live view shows of a sweep: copied on the coordinator's thread, rendered on the main one.
struct SweepSnapshot: Sendable {
    struct Row: Sendable {
        let number: Int
        let state: Trial.State
        let attempt: Int
        let step: Int64
        /// The objective's last reported value while it runs, the trial's value when it is over.
        let value: Double?
        let since: Timestamp?
        let configuration: Configuration
    }

    var phase: SweepState.Phase
    var counts: StateCounts
    /// How many of the running were handed out by `ask`.
    var asked = 0
    var total: Int?
    var best: SweepState.Best?
    var bestConfiguration: Configuration?
    var rows: [Row]
    var workers: Int
    var elapsed: Duration
    var isStoreFull = false
    /// Seconds the trials that ended in this process took, for the forecast.
    var meanSeconds: Double?
    var slots: Int
    /// Whether the engine gives no new leases: only then does "none runs" mean that none will.
    var isDraining: Bool

    var finished: Int { counts.done }
    /// Without what was handed out by `ask`, which nobody here can end.
    var live: Int { counts[.leased] + counts[.running] - asked }
    var running: Int { counts[.running] }
}

/// Something that became durable, with the trial it concerns where it is known.
struct News: Sendable {
    let event: Event
    let trial: Int?
    /// As they were then, not when the line is printed.
    let finished: Int
    let best: SweepState.Best?
}

/// Follows one sweep from the coordinator's thread.
final class SweepFollower: CoordinatorObserver {
    fileprivate struct State {
        var sweep: SweepID?
        var snapshot: SweepSnapshot?
        var isStoreFull = false
        var news: [News] = []
        var trials: [Fence: Int] = [:]
        var recent: [Int] = []
        var finished = 0
        var best: SweepState.Best?
        var startedAt: [Int: Timestamp] = [:]
        var seconds = 0.0
        var ended = 0
        var lastCopy = ContinuousClock.now - .seconds(1)
    }

    private let state = Mutex(State())
    /// Signalled while no trial runs: the view looks at once instead of at its next refresh.
    let changed = DispatchSemaphore(value: 0)

    func follow(_ sweep: SweepID) {
        state.withLock { $0.sweep = sweep }
    }

    var snapshot: SweepSnapshot? { state.withLock { $0.snapshot } }

    /// What became durable since the last call.
    func takeNews() -> [News] {
        state.withLock { state in
            defer { state.news.removeAll() }
            return state.news
        }
    }

    var isStoreFull: Bool { state.withLock { $0.isStoreFull } }

    func storeIsFull(_ isFull: Bool) {
        state.withLock {
            $0.isStoreFull = isFull
            $0.snapshot?.isStoreFull = isFull
        }
        changed.signal()
    }

    func committed(_ entries: [JournalEntry], engine: borrowing Engine) {
        let isIdle = state.withLock { state in
            guard let id = state.sweep, let sweep = engine.sweeps[id] else { return false }
            if state.snapshot == nil { state.adopt(engine.attempts, of: id) }
            for entry in entries { state.note(entry, of: id, sweep) }
            let now = ContinuousClock.now
            let isIdle = sweep.attended == 0
            // Copying costs the coordinator's thread: ten times a second, and whenever nothing is left to wait for.
            guard isIdle || now - state.lastCopy >= .milliseconds(100) else {
                // What decisions hang on is never stale: a Ctrl-C must not take running trials for none.
                state.snapshot?.phase = sweep.phase
                state.snapshot?.counts = sweep.counts
                state.snapshot?.asked = sweep.asked.count
                return false
            }
            state.lastCopy = now
            state.snapshot = state.copy(sweep, engine: engine)
            return isIdle
        }
        if isIdle { changed.signal() }
    }
}

extension SweepFollower.State {
    /// Workers that outlived an earlier coordinator hold leases that this one never saw granted.
    mutating func adopt(_ attempts: [Fence: Attempt], of sweep: SweepID) {
        for (fence, attempt) in attempts where attempt.trial.sweep == sweep { trials[fence] = attempt.trial.number }
    }

    mutating func note(_ entry: JournalEntry, of sweep: SweepID, _ state: SweepState) {
        finished = state.counts.done
        best = state.best
        switch entry.event {
        case .leased(let fence, let trial, _, _) where trial.sweep == sweep:
            trials[fence] = trial.number
            recent.removeAll { $0 == trial.number }
            recent.append(trial.number)
            if recent.count > 64 { recent.removeFirst(32) }
            startedAt[trial.number] = entry.at
        case .ended(let fence, _, let event, _):
            guard let trial = trials.removeValue(forKey: fence) else { return }
            if case .finished(_, let resources) = event, let took = resources.seconds {
                seconds += took
                ended += 1
            }
            keep(entry.event, trial)
        case .released(let fence, _, _):
            guard let trial = trials.removeValue(forKey: fence) else { return }
            keep(entry.event, trial)
        case .observed(let fence, _, .warning):
            guard let trial = trials[fence] else { return }
            keep(entry.event, trial)
        case .trialCancelled(let trial):
            keep(entry.event, trial.number)
        case .told(let trial, _) where trial.sweep == sweep:
            keep(entry.event, trial.number)
        case .promoted(let trial) where trial.sweep == sweep:
            keep(entry.event, trial.number)
        case .judged(let fence, _, _):
            guard let trial = trials[fence] else { return }
            keep(entry.event, trial)
        case .workerJoined, .workerLeft, .stopRequested, .sweepFinished, .sweepPaused:
            keep(entry.event, nil)
        case .observed, .leased, .accepted, .proposed, .coordinatorStarted, .sweepCreated, .sweepRedefined,
            .sweepUnpaused, .spaceExhausted, .trialRetried, .asked, .told, .promoted,
            .retired, .checkpointDiscarded:
            break
        }
    }

    /// The view reads the news ten times a second; one that cannot keep up loses the oldest lines, never the store.
    private mutating func keep(_ event: Event, _ trial: Int?) {
        news.append(News(event: event, trial: trial, finished: finished, best: best))
        if news.count > 4096 { news.removeFirst(2048) }
    }

    func copy(_ sweep: SweepState, engine: borrowing Engine) -> SweepSnapshot {
        let rows = recent.suffix(32).map { number in
            let trial = sweep.trials[number]
            let progress = sweep.progress[number]
            return SweepSnapshot.Row(
                number: number, state: trial.state, attempt: trial.attempts, step: progress?.lastStep ?? 0,
                value: trial.state.isOver ? trial.value : progress?.curve.last?.value,
                since: startedAt[number], configuration: trial.configuration)
        }
        var slots = 0
        for worker in engine.workers.values where worker.connection != nil { slots += worker.facts.slots }
        return SweepSnapshot(
            phase: sweep.phase, counts: sweep.counts, asked: sweep.asked.count, total: sweep.definition.trials,
            best: sweep.best,
            bestConfiguration: sweep.best.map { sweep.trials[$0.trial].configuration }, rows: rows,
            workers: engine.workers.count, elapsed: sweep.elapsed(at: Clock.moment), isStoreFull: isStoreFull,
            meanSeconds: ended > 0 ? seconds / Double(ended) : nil, slots: slots, isDraining: engine.isDraining)
    }
}
