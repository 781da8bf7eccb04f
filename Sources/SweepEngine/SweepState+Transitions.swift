// SPDX-License-Identifier: MIT

import DequeModule
import SearchAlgorithms
import SweepModel
import WorkerProtocol

/// A trial's transitions. Counts, queue, progress and best move with the state, here and nowhere else.
extension SweepState {
    private mutating func move(_ number: Int, to state: Trial.State) {
        counts[trials[number].state] -= 1
        counts[state] += 1
        trials[number].state = state
    }

    mutating func add(_ trial: Trial, number: Int) {
        precondition(number == trials.count, "trials are numbered without gaps")
        trials.append(trial)
        counts[.queued] += 1
        queue.append(number)
        switch trial.source {
        case .sampler(let index): nextProposal = max(nextProposal, index + 1)
        case .baseline(let position): baselinesQueued = max(baselinesQueued, position + 1)
        case .repetition: break
        case .enqueued(let position):
            enqueued = max(enqueued, position + 1)
            // Before what the sampler has proposed: somebody wants to see it.
            queue.removeLast()
            queue.prepend(number)
        case .continuation(let parent, _):
            continued.append(number)
            // It begins with what its parent left, also where the last of it turns out to be damaged.
            checkpoints[number] = checkpoints[parent]?.map {
                HeldCheckpoint($0.checkpoint, value: $0.value, writer: $0.writer ?? parent)
            }
            reopenForErrand()
        }
    }

    mutating func finish(_ reason: FinishReason) {
        phase = .finished(reason)
        formerEnd = nil
        retriedAfterEnd = []
    }

    /// Whatever had ended it no longer does.
    private mutating func reopen() {
        formerEnd = nil
        retriedAfterEnd = []
        if case .finished = phase { phase = .running }
    }

    /// For a trial that the user asks for by its number: it runs alone, and the sweep ends by the same again.
    private mutating func reopenForErrand() {
        if case .finished(let reason) = phase { (phase, formerEnd) = (.running, reason) }
    }

    mutating func lease(_ number: Int) {
        if queue.first == number {
            queue.removeFirst()
        } else {
            queue.removeAll { $0 == number }
        }
        trials[number].attempts += 1
        move(number, to: .leased)
    }

    mutating func ask(_ number: Int) {
        queue.removeAll { $0 == number }
        asked.insert(number)
        move(number, to: .running)
    }

    mutating func start(_ number: Int, resumedFrom step: Int64?) {
        move(number, to: .running)
        guard let step else {
            // Nothing that an earlier attempt said of any step is its own.
            progress[number] = Progress(definition.objective)
            return
        }
        progress[number, default: Progress(definition.objective)].curve.rewind(to: step)
        progress[number]?.lastStep = max(0, step)
    }

    /// - Parameter isJudged: false once a verdict has been enforced: what comes after it enters no rung.
    /// - Returns: what the sweep's rule says of it.
    mutating func report(_ number: Int, step: Int64, metrics: [MetricValue], isJudged: Bool) -> Verdict? {
        let previous = progress[number, default: Progress(definition.objective)].lastStep
        if step > previous {
            // A worker may say any step; none may overflow the count.
            steps = steps.addingSaturated(step - previous)
            progress[number]?.lastStep = step
        }
        guard let value = metrics.first(where: { $0.name == definition.objective.metric })?.value else { return nil }
        progress[number]?.curve.append(step: step, value: value)
        valueCheckpoints(number, from: step)
        guard isJudged, let curve = progress[number]?.curve else { return nil }
        if trials[number].isContinuation { return NonFiniteRule.verdict(curve) }
        passMilestones(number, step: step)
        return stopping.judge(number, curve)
    }

    private mutating func passMilestones(_ number: Int, step: Int64) {
        guard let ladder, let value = progress[number]?.curve.summary(definition.objective.summary)?.value else {
            return
        }
        milestonesPassed += ladder.pass(&trials[number].milestones, step: step, value: value)
    }

    mutating func judge(_ number: Int, _ judgement: Judgement) {
        trials[number].judgement = judgement
    }

    /// A script may save before it reports what the step came to.
    private mutating func valueCheckpoints(_ number: Int, from step: Int64) {
        guard let held = checkpoints[number] else { return }
        for place in held.indices.reversed() where held[place].checkpoint.step >= step {
            let known = value(number, asOf: held[place].checkpoint.step)
            checkpoints[number]?[place].value = known
        }
    }

    private func value(_ number: Int, asOf step: Int64) -> Double? {
        progress[number]?.curve.points.last { $0.step <= step && $0.value.isFinite }?.value
    }

    mutating func hold(_ number: Int, _ checkpoint: Checkpoint) {
        let value = value(number, asOf: checkpoint.step)
        // One of the same place has been written over.
        drop(number, location: checkpoint.location)
        let held = HeldCheckpoint(checkpoint, value: value)
        checkpoints[number, default: []].append(held)
        checkpointBytes += held.bytes
    }

    mutating func drop(_ number: Int, location: String) {
        guard let place = checkpoints[number]?.firstIndex(where: { $0.checkpoint.location == location }) else { return }
        checkpointBytes -= checkpoints[number]?.remove(at: place).bytes ?? 0
    }

    /// The worker has let it go, with a checkpoint or without. What it came to counts as a result until it goes on.
    mutating func pause(_ number: Int, value: Double?) {
        move(number, to: .paused)
        trials[number].value = value
        if !trials[number].hasPaused { sinceBest += 1 }
        trials[number].hasPaused = true
        consider(number)
    }

    /// The best of those that have a result: of equals the one that had it first.
    private mutating func consider(_ number: Int) {
        let value = trials[number].isContinuation ? nil : trials[number].answer
        if best?.trial == number {
            if best?.value == value { return }
            // It trained on and came to something else.
            best = nil
            for (other, trial) in trials.enumerated() where !trial.isContinuation {
                guard let answer = trial.answer else { continue }
                if let best, !definition.objective.isBetter(answer, than: best.value) { continue }
                best = Best(trial: other, value: answer)
            }
        } else if let value, best.map({ definition.objective.isBetter(value, than: $0.value) }) ?? true {
            best = Best(trial: number, value: value)
            sinceBest = 0
        }
    }

    mutating func promote(_ number: Int) {
        stopping.promote(number)
        trials[number].judgement = nil
        trials[number].value = nil
        move(number, to: .queued)
        queue.prepend(number)
    }

    mutating func countLoss(_ number: Int) {
        trials[number].losses += 1
    }

    /// Its worker was only late: it is as it was before the loss.
    mutating func readopt(_ number: Int, isRunning: Bool) {
        queue.removeAll { $0 == number }
        trials[number].losses -= 1
        move(number, to: isRunning ? .running : .leased)
    }

    mutating func countFailure(_ number: Int, isQuick: Bool) {
        trials[number].failures += 1
        if isQuick, counts[.completed] + counts[.stopped] == 0 { quickFailures += 1 }
    }

    /// Back to the front of the queue: what was begun is finished first.
    mutating func requeue(_ number: Int) {
        move(number, to: .queued)
        trials[number].value = nil
        trials[number].isInfeasible = false
        queue.prepend(number)
    }

    mutating func settle(_ number: Int, _ settlement: Settlement) {
        if trials[number].state == .queued { queue.removeAll { $0 == number } }
        let isContinuation = trials[number].isContinuation
        if let curve = progress[number]?.curve, !isContinuation {
            stopping.conclude(number, curve, settlement.curveEnd)
        }
        // A failed trial may be run again from a checkpoint, and then goes on with its curve. Without one it starts anew: the
        // curves of thousands that diverged are no use to anybody.
        let mayGoOn = settlement.state == .failed && checkpoints[number]?.isEmpty == false
        if !mayGoOn { progress[number] = nil }
        trials[number].value = settlement.value
        trials[number].isInfeasible = settlement.isInfeasible
        switch settlement.state {
        case .completed: move(number, to: .completed)
        case .stopped: move(number, to: .stopped)
        case .failed: move(number, to: .failed)
        case .cancelled: move(number, to: .cancelled)
        }
        asked.remove(number)
        // Trained longer than the others: no result to compare with theirs.
        if isContinuation { return }
        if trials[number].isEvidence { results.append(number) }
        if settlement.state != .cancelled, !trials[number].hasPaused { sinceBest += 1 }
        consider(number)
    }

    mutating func redefine(_ definition: SweepDefinition) {
        replaceRule(definition)
        self.definition = definition
        isExhausted = false
        reopen()
    }

    /// On the user's word a failed trial starts anew, and so does the count of what went wrong.
    mutating func retry(_ number: Int) {
        results.removeAll { $0 == number }
        firstUnfinished = min(firstUnfinished, number)
        trials[number].judgement = nil
        trials[number].failures = 0
        trials[number].losses = 0
        requeue(number)
        // Where the total or the space was used up it is open again: should the trial be cancelled, another takes its place.
        switch formerEnd ?? endReason {
        case nil: break
        case .trials?, .exhausted?: reopen()
        case .target?, .stopped?, .cancelled?, .time?, .steps?, .noImprovement?:
            reopenForErrand()
            retriedAfterEnd.insert(number)
        }
    }

    private var endReason: FinishReason? {
        if case .finished(let reason) = phase { reason } else { nil }
    }

    /// The clock of `limits.sweep` runs while the sweep does, not while it is paused or finished.
    mutating func touchClock(_ now: Timestamp) {
        if activeSince != nil { lastEventAt = max(lastEventAt ?? now, now) }
        guard case .running = phase else { return closeClock() }
        if activeSince == nil { (activeSince, lastEventAt) = (now, now) }
    }

    /// The process that ran the clock is gone: what it worked counts, the time until now does not.
    mutating func closeClock() {
        if let lastEventAt { elapsedBefore = elapsed(at: lastEventAt) }
        activeBoot = nil
        activeSince = nil
        lastEventAt = nil
    }
}

extension Settlement {
    fileprivate var curveEnd: CurveEnd {
        switch state {
        case .completed: .completed
        case .stopped: .stopped
        case .failed, .cancelled: .void
        }
    }
}
