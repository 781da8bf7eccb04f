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
        /// How far it is to train.
        let maximumStep: Int64?
        /// Whether it continues another.
        let isContinued: Bool
    }

    var phase: SweepState.Phase
    /// Of all trials.
    var counts: StateCounts
    /// Of those that continue others: beyond the total.
    var continued = StateCounts()
    /// Whether the trials that this run is for are over; false where it is for the whole sweep.
    var isAwaitedOver = false
    /// How many of the running were handed out by `ask`.
    var asked = 0
    var total: Int?
    var best: SweepState.Best?
    var bestConfiguration: Configuration?
    var rows: [Row]
    var workers: Int
    var elapsed: Duration
    var isStoreFull = false
    /// Of the trials that have ended or paused, in this process or before, for the forecast.
    var meanSeconds: Double?
    /// Over all attempts that have ended.
    var seconds = 0.0
    /// Reported over all trials.
    var steps: Int64 = 0
    var slots: Int
    /// Whether the engine gives no new leases: only then does "none runs" mean that none will.
    var isDraining: Bool

    /// Those that count towards the total.
    var own: StateCounts { counts.without(continued) }
    var finished: Int { own.done }
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
        /// The trials that this run is for; empty: the whole sweep.
        var awaited: [Int] = []
        /// Over all attempts of counted trials that have ended, and those of the trials that have ended or paused.
        var seconds = 0.0
        var timed: Set<Int> = []
        var lastCopy = ContinuousClock.now - .seconds(1)
    }

    private let state = Mutex(State())
    /// Signalled while no trial runs: the view looks at once instead of at its next refresh.
    let changed = DispatchSemaphore(value: 0)

    /// - Parameters:
    ///   - awaited: the trials that this run is for; empty: the whole sweep.
    ///   - earlier: how long the trials took that ended or paused before.
    func follow(_ sweep: SweepID, awaited: [Int], earlier: [Int: Double]) {
        state.withLock {
            $0.sweep = sweep
            $0.awaited = awaited
            $0.timed = Set(earlier.keys)
            // In the order of the numbers: a sum in the order of a dictionary comes out a little different each time.
            $0.seconds = earlier.sorted { $0.key < $1.key }.reduce(0) { $0 + $1.value }
        }
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
                let isAwaitedOver = state.isAwaitedOver(sweep)
                state.snapshot?.phase = sweep.phase
                state.snapshot?.counts = sweep.counts
                state.snapshot?.continued = sweep.continuedCounts
                state.snapshot?.isAwaitedOver = isAwaitedOver
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

    func isAwaitedOver(_ state: SweepState) -> Bool {
        !awaited.isEmpty
            && awaited.allSatisfy { state.trials.indices.contains($0) && state.trials[$0].state.isOver }
    }

    private mutating func time(_ trial: Int, _ event: AttemptEvent, _ disposition: Disposition) {
        switch event {
        case .finished(_, let resources), .failed(_, let resources):
            guard let took = resources.seconds else { return }
            seconds += took
        case .started, .report, .checkpoint, .warning: return
        }
        switch disposition {
        case .paused, .settled: timed.insert(trial)
        case .requeued: break
        }
    }

    mutating func note(_ entry: JournalEntry, of sweep: SweepID, _ state: SweepState) {
        finished = state.ownCounts.done
        best = state.best
        switch entry.event {
        case .leased(let fence, let trial, _, _) where trial.sweep == sweep:
            trials[fence] = trial.number
            recent.removeAll { $0 == trial.number }
            recent.append(trial.number)
            if recent.count > 64 { recent.removeFirst(32) }
            startedAt[trial.number] = entry.at
        case .ended(let fence, _, let event, let disposition):
            guard let trial = trials.removeValue(forKey: fence) else { return }
            if !state.trials[trial].isContinuation { time(trial, event, disposition) }
            keep(entry.event, trial)
        case .released(let fence, let reason, _):
            guard let trial = trials[fence] else { return }
            // Its worker may be merely late.
            if reason != .lost { trials[fence] = nil }
            keep(entry.event, trial)
        case .readopted(let fence):
            guard let trial = trials[fence] else { return }
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
                since: startedAt[number], configuration: trial.configuration,
                maximumStep: sweep.maximumStep(number), isContinued: trial.isContinuation)
        }
        var slots = 0
        for worker in engine.workers.values where worker.connection != nil { slots += worker.facts.slots }
        return SweepSnapshot(
            phase: sweep.phase, counts: sweep.counts, continued: sweep.continuedCounts,
            isAwaitedOver: isAwaitedOver(sweep), asked: sweep.asked.count, total: sweep.definition.trials,
            best: sweep.best,
            bestConfiguration: sweep.best.map { sweep.trials[$0.trial].configuration }, rows: rows,
            workers: engine.workers.count, elapsed: sweep.elapsed(at: Clock.moment), isStoreFull: isStoreFull,
            meanSeconds: timed.isEmpty ? nil : seconds / Double(timed.count), seconds: seconds, steps: sweep.steps,
            slots: slots, isDraining: engine.isDraining)
    }
}

extension SweepSnapshot {
    /// - Parameter now: against when the running trials began.
    func forecast(_ limits: SweepDefinition.Limits, now: Timestamp) -> Forecast? {
        let begun = rows.filter { $0.state == .running && !$0.isContinued }.map { row in
            row.since.map { max(0, Double(now.milliseconds - $0.milliseconds) / 1000) }
        }
        // The rows are the newest trials only.
        let held = own[.running] + own[.leased]
        let running = Array(begun.prefix(held)) + [Double?](repeating: nil, count: max(0, held - begun.count))
        return Forecast(
            Forecast.Course(
                total: total, done: own.done + own[.paused], running: running, meanSeconds: meanSeconds, slots: slots,
                elapsed: elapsed, steps: steps, seconds: seconds, limits: limits))
    }
}
