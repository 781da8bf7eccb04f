// SPDX-License-Identifier: MIT

import DequeModule
import OrderedCollections
import SweepModel
import WorkerProtocol

/// Which worker gets which trial, and what happens when a worker falls silent.
extension Engine {
    /// Queued trials of running sweeps go to free workers that may run them: idle slots first, then leases ahead. Among
    /// sweeps the one of the highest priority comes first, among equals the one that holds the fewest leases: each gets
    /// its share, and what one cannot use the others get.
    mutating func assign(_ turn: inout Turn) {
        var hopefuls = sweeps.keys.filter { mayLease($0, now: turn.now) }
        while let sweep = hopefuls.min(by: isServedBefore) {
            guard let number = next(sweep, &turn),
                let worker = freeWorker(for: sweep, now: turn.now.boot, queued: number.remaining)
            else {
                hopefuls.removeAll { $0 == sweep }
                continue
            }
            let trial = TrialID(sweep: sweep, number: number.trial)
            let fence = fences.next
            let attempt = (self.trial(trial)?.attempts ?? 0) + 1
            decide(.leased(fence, trial, worker, attempt: attempt), &turn)
            offer(fence, &turn)
        }
    }

    private func isServedBefore(_ one: SweepID, _ other: SweepID) -> Bool {
        guard let left = sweeps[one], let right = sweeps[other] else { return false }
        let priorities = (left.definition.placement.priority, right.definition.placement.priority)
        if priorities.0 != priorities.1 { return priorities.0 > priorities.1 }
        return (left.live - left.asked.count, one) < (right.live - right.asked.count, other)
    }

    /// The next in the queue; where that is empty and a slot is idle, the next of the ready proposals.
    private mutating func next(_ sweep: SweepID, _ turn: inout Turn) -> (trial: Int, remaining: Int)? {
        if sweeps[sweep]?.formerEnd != nil, let queued = sweeps[sweep]?.queuedErrands {
            return queued.first.map { ($0, queued.count) }
        }
        let mayPromote = (sweeps[sweep]?.counts[.paused] ?? 0) > 0
        let mayTake = sweeps[sweep]?.queue.isEmpty == true && sweeps[sweep]?.ready.isEmpty == false
        if mayPromote || mayTake, freeWorker(for: sweep, now: turn.now.boot, queued: 1) != nil {
            // What was begun and has earned it goes on before anything new begins.
            promote(sweep, &turn)
            if sweeps[sweep]?.queue.isEmpty == true, sweeps[sweep]?.ready.isEmpty == false {
                takeReady(sweep, &turn)
            }
        }
        guard let queue = sweeps[sweep]?.queue, let first = queue.first else { return nil }
        return (first, queue.count)
    }

    private func mayLease(_ sweep: SweepID, now: Moment) -> Bool {
        // Most of a daemon's sweeps are over: their states are not copied to find that out.
        guard sweeps[sweep]?.isActive == true, case .running? = sweeps[sweep]?.phase, let state = sweeps[sweep] else {
            return false
        }
        if state.formerEnd != nil { return true }
        return !isTargetReached(state) && limitReached(state, now: now) == nil
    }

    private func freeWorker(for sweep: SweepID, now: Instant, queued: Int) -> WorkerID? {
        guard let definition = sweeps[sweep]?.definition else { return nil }
        var best: (worker: WorkerID, load: Int, place: Int)?
        for worker in workers.open {
            guard let state = workers[worker], let place = workers.place(of: worker) else { continue }
            guard let heard = state.lastHeard, now - heard < timers.suspect else { continue }
            if let until = state.restsUntil, now < until { continue }
            if state.isDraining || !state.facts.offer.suits(definition) { continue }
            let load = state.leases.count - state.facts.slots
            // A lease ahead is given only while the queue feeds all the slots too.
            guard load < 0 || queued > workers.slots else { continue }
            // Among equals the one that joined first.
            if best.map({ (load, place) < ($0.load, $0.place) }) ?? true { best = (worker, load, place) }
        }
        return best?.worker
    }

    private mutating func offer(_ fence: Fence, _ turn: inout Turn) {
        guard let attempt = attempts[fence], let worker = workers[attempt.worker], let connection = worker.connection,
            let sweep = sweeps[attempt.trial.sweep], let trial = trial(attempt.trial)
        else { return }
        attempts[fence]?.offeredAt = turn.now.boot
        let definition = sweep.definition
        // A task of the worker's own says what is run. Paths of this machine mean nothing on another.
        let isTask = worker.version >= ProtocolLimits.taskVersion && worker.facts.offer.runs(definition.placement.task)
        let isElsewhere = worker.facts.key != nil
        let lease = Lease(
            fence: fence, sweep: attempt.trial.sweep, sweepName: definition.name, trial: attempt.trial.number,
            attempt: attempt.number, configuration: trial.configuration,
            parametersDigest: ParametersDigest.hex(of: trial.configuration),
            seed: sweep.seed(of: attempt.trial.number), objective: definition.objective,
            maximumStep: sweep.maximumStep(attempt.trial.number),
            task: isTask ? definition.placement.task : nil, command: isTask ? [] : definition.command,
            program: isTask ? nil : definition.program,
            workingDirectory: isTask || isElsewhere ? "" : sweep.directory,
            resume: sweep.checkpoints[attempt.trial.number]?.last?.checkpoint,
            timeLimit: definition.limits.trial, memoryLimit: definition.limits.memory, grace: definition.grace,
            metricPattern: definition.metricPattern?.expression,
            fallbacks: sweep.fallbacks(attempt.trial.number))
        send(connection, .leases([lease]), session: worker.session, &turn)
    }

    /// Silent workers lose their leases, unanswered offers are repeated and then taken back.
    mutating func expire(_ turn: inout Turn) {
        let now = turn.now.boot
        excuseOwnStall(now)
        let isRepeatDue = nextCheck.map { now >= $0 } ?? true
        if isRepeatDue { nextCheck = now + timers.offerRepeat }
        for (fence, attempt) in liveAttempts(where: { $0.state == .offered }) {
            guard let worker = workers[attempt.worker] else { continue }
            if let at = worker.disconnectedAt, now - at >= timers.disconnectedOffer {
                release(fence, .left, &turn)
                continue
            }
            guard worker.connection != nil else { continue }
            guard let offeredAt = attempt.offeredAt else {
                offer(fence, &turn)
                continue
            }
            if now - offeredAt >= timers.offerTimeout {
                release(fence, .declined, &turn)
                rest(attempt.worker, now: now)
            } else if now - offeredAt >= timers.offerRepeat, isRepeatDue {
                let first = offeredAt
                offer(fence, &turn)
                // The timeout runs from the first offer.
                attempts[fence]?.offeredAt = first
            }
        }
        takeBackUnstarted(&turn)
        for (worker, state) in workers {
            guard let heard = state.lastHeard, now - heard >= timers.leaseLifetime else { continue }
            dismiss(worker, .lost, reason: "not heard of for \((now - heard).milliseconds / 1000) s", &turn)
        }
    }

    /// Something holds up a start (a file system that is gone, for one) while the worker itself is well. A lease ahead
    /// waits for a slot and is not meant.
    private mutating func takeBackUnstarted(_ turn: inout Turn) {
        let now = turn.now.boot
        for (fence, attempt) in liveAttempts(where: { $0.state == .accepted }) {
            guard let worker = workers[attempt.worker] else { continue }
            let running = worker.leases.count { attempts[$0]?.state == .running }
            guard let since = attempt.acceptedAt, running < worker.facts.slots else {
                attempts[fence]?.acceptedAt = now
                continue
            }
            guard now - since >= timers.startTimeout else { continue }
            abandon(fence, reason: "it did not begin within \(timers.startTimeout.milliseconds / 1000) s", &turn)
            rest(attempt.worker, now: now)
            release(fence, .unstarted, &turn)
        }
    }

    /// While this process or the whole machine stood still it heard nobody: that is not the workers' silence.
    private mutating func excuseOwnStall(_ now: Instant) {
        defer { lastTick = now }
        guard let lastTick, now - lastTick >= timers.suspect else { return }
        let stall = now - lastTick
        for worker in workers.keys {
            guard let heard = workers[worker]?.lastHeard else { continue }
            workers[worker]?.lastHeard = max(heard, min(heard + stall, now))
        }
        for (fence, attempt) in attempts {
            if attempt.offeredAt != now { attempts[fence]?.offeredAt = nil }
            attempts[fence]?.acceptedAt = nil
        }
    }

    /// A worker that hands back leases or cannot start trials gets the next one later each time, until one succeeds:
    /// else it would draw in and spoil all trials at the speed of the network.
    mutating func rest(_ worker: WorkerID, now: Instant) {
        guard let rests = workers[worker]?.rests else { return }
        workers[worker]?.rests = rests + 1
        workers[worker]?.restsUntil = now + min(timers.longestRest, .seconds(1 << min(rests, 30)))
    }

    /// A worker on which different trials fail quickly, one after the other, may be at fault itself (a full disk, a broken
    /// driver): it gets nothing new for a while. Where other workers have had success, what it spoilt is run again.
    mutating func suspect(_ attempt: Attempt, _ failure: AttemptFailure, _ turn: inout Turn) {
        guard failure.cause == .user || failure.cause == .signal else { return }
        let began = attempt.startedAt ?? turn.now.wall
        guard turn.now.wall.milliseconds - began.milliseconds < timers.quickFailure.milliseconds else {
            workers[attempt.worker]?.quickFailures = []
            return
        }
        workers[attempt.worker]?.quickFailures.append(attempt.trial)
        guard let failed = workers[attempt.worker]?.quickFailures, failed.count >= timers.quarantineLimit else {
            return
        }
        guard isWellElsewhere(than: attempt.worker, attempt.trial.sweep, turn.now.wall) else { return }
        let until = turn.now.boot + timers.quarantine
        workers[attempt.worker]?.restsUntil = until
        workers[attempt.worker]?.quarantinedUntil = until
        workers[attempt.worker]?.quickFailures = []
        for trial in failed where isWorthAnotherWorker(trial) {
            givenAgain.insert(trial)
            decide(.trialRetried(trial), &turn)
        }
    }

    /// Whether trials do succeed, and there is another worker for them: one of its trials has come to its end, or runs for
    /// longer than a quick failure takes, or the sweep has results.
    private func isWellElsewhere(than worker: WorkerID, _ sweep: SweepID, _ now: Timestamp) -> Bool {
        let others = workers.filter { $0.key != worker && $0.value.connection != nil }
        if others.isEmpty { return false }
        if others.values.contains(where: \.hasSucceeded) { return true }
        if let counts = sweeps[sweep]?.counts, counts[.completed] + counts[.stopped] > 0 { return true }
        return others.values.contains { other in
            other.leases.contains { fence in
                guard let startedAt = attempts[fence]?.startedAt else { return false }
                return now.milliseconds - startedAt.milliseconds > timers.quickFailure.milliseconds
            }
        }
    }

    /// Once: a configuration that fails everywhere must come to an end.
    private func isWorthAnotherWorker(_ trial: TrialID) -> Bool {
        guard let state = sweeps[trial.sweep], state.trials.indices.contains(trial.number) else { return false }
        if case .finished = state.phase { return false }
        return state.trials[trial.number].state == .failed && !state.trials[trial.number].isInfeasible
            && !givenAgain.contains(trial)
    }

    mutating func dismiss(_ worker: WorkerID, _ release: ReleaseReason, reason: String, _ turn: inout Turn) {
        for fence in workers[worker]?.leases ?? [] { self.release(fence, release, &turn) }
        decide(.workerLeft(worker, reason: reason), &turn)
    }

    /// Ends an attempt that nobody is at fault for; its worker is told to forget it.
    mutating func takeBack(_ fence: Fence, reason: String, _ turn: inout Turn) {
        abandon(fence, reason: reason, &turn)
        release(fence, .left, &turn)
    }

    mutating func release(_ fence: Fence, _ reason: ReleaseReason, _ turn: inout Turn) {
        guard let attempt = attempts[fence], let trial = trial(attempt.trial) else { return }
        let disposition: Disposition
        if attempt.stopReason != nil {
            // What the verdict was about is over: running it again would undo the verdict.
            disposition = stopped(attempt)
        } else if reason.isLoss, trial.losses >= timers.maximumLosses {
            disposition = .settled(plain(settlement(.failed, of: attempt.trial)))
        } else {
            disposition = .requeued(charged: false)
        }
        decide(.released(fence, reason, disposition), &turn)
        if case .settled = disposition { discardCheckpoints(of: attempt.trial, &turn) }
    }
}
