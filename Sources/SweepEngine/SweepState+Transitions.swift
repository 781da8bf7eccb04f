// SPDX-License-Identifier: MIT

import DequeModule
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
        }
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

    mutating func start(_ number: Int, resumedFrom step: Int64?) {
        move(number, to: .running)
        if let step {
            progress[number, default: Progress()].curve.removeAll { $0.step > step }
        } else {
            progress[number, default: Progress()].curve.removeAll(keepingCapacity: true)
        }
        progress[number]?.lastStep = step ?? 0
    }

    mutating func report(_ number: Int, step: Int64, metrics: [MetricValue]) {
        let previous = progress[number]?.lastStep ?? 0
        steps += max(0, step - previous)
        progress[number]?.lastStep = max(previous, step)
        if let value = metrics.first(where: { $0.name == definition.objective.metric })?.value {
            progress[number]?.curve.append(Progress.Point(step: step, value: value))
        }
    }

    mutating func countLoss(_ number: Int) {
        trials[number].losses += 1
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
        progress[number] = nil
        trials[number].value = settlement.value
        trials[number].isInfeasible = settlement.isInfeasible
        switch settlement.state {
        case .completed: move(number, to: .completed)
        case .stopped: move(number, to: .stopped)
        case .failed: move(number, to: .failed)
        case .cancelled: move(number, to: .cancelled)
        }
        guard let value = settlement.value, !settlement.isInfeasible else { return }
        if let best, !definition.objective.isBetter(value, than: best.value) { return }
        best = Best(trial: number, value: value)
    }

    mutating func redefine(_ definition: SweepDefinition) {
        self.definition = definition
        if case .finished = phase { phase = .running }
    }

    mutating func touchClock(_ now: Timestamp) {
        if activeSince == nil { activeSince = now }
        lastEventAt = max(lastEventAt ?? now, now)
    }

    /// The process that ran the clock is gone: what it worked counts, the time until now does not.
    mutating func closeClock() {
        if let lastEventAt { elapsedBefore = elapsed(at: lastEventAt) }
        activeSince = nil
        lastEventAt = nil
    }
}
