// SPDX-License-Identifier: MIT

import OrderedCollections
import SweepEngine
import SweepModel
import WorkerProtocol

/// The faults end, and then everything has to.
extension World {
    func calmDown() {
        isCalm = true
        faultsLeft = 0
        armedCrash = nil
        disk.failsNext = false
        disk.slowness = 0
        disk.fullUntil = min(disk.fullUntil, now)
        links = links.map { _ in Link() }
        for index in workers.indices {
            workers[index].pausedUntil = min(workers[index].pausedUntil, now)
            workers[index].wakesAt = .max
            workers[index].hasBadDecoder = false
            for place in workers[index].children.indices
            where workers[index].children[place].mode == .hung || !workers[index].children[place].isStarted {
                workers[index].children[place].nextAt = now + 1
            }
            if !workers[index].isAlive {
                spawn(index)
            } else if workers[index].versions != ownVersions {
                kill(index, for: 1000)
            }
            planWake(index)
        }
        if !isUp { agenda.plan(.boot, at: now + 3000) }
        if let transaction = pending, isUp {
            pending = transaction
            agenda.plan(.durable(process: process), at: now + 1)
        }
        let longest = Int64(scenario.stepTime.upperBound) * 14 + 30_000 * scenario.scale
        let slots = workers.reduce(0) { $0 + $1.plan.slots }
        deadline =
            now + 600_000
            + I13.deadline(engine, timers: engine.timers, longestTrial: longest, slots: slots)
    }

    /// Two more beats: no worker trains what is over.
    func settle() {
        let end = now + 3 * engine.timers.heartbeat.milliseconds + 70_000 * scenario.scale
        while problem == nil, let time = agenda.nextTime, time <= end, let (at, action) = agenda.next() {
            now = max(now, at)
            perform(action)
        }
    }

    func judge() {
        guard problem == nil else { return }
        if !isUp { boot() }
        fail("I13", I13.check(engine, scenario.sweeps))
        checkState()
        for worker in workers where worker.isAlive {
            if let fence = worker.session.heldFences.first { fail("I13: \(worker.name) still holds \(fence)") }
            if worker.session.unacknowledged > 0 { fail("I13: \(worker.name) has events that are not acknowledged") }
        }
        fail("I12", I12.check(engine, disk.replayed))
        // Every prefix is replayed in one world of four: it takes as long as the world.
        fail("I12", I12.check(engine, journal: disk.journal, prefixes: seed % 4 == 0 && book.entries < 4000))
        trace.add(UInt64(bitPattern: book.entries))
    }

    func count(_ message: CoordinatorMessage) {
        switch message {
        case .resync: tally.count(.resync)
        case .nack: tally.count(.nack)
        case .refusal(let refusal): if refusal.code == .version { tally.count(.refusedVersion) }
        case .beat(let desired, _): for lease in desired { count(lease, isWelcome: false) }
        case .welcome(let welcome): for lease in welcome.desired { count(lease, isWelcome: true) }
        case .leases, .ack: break
        }
    }

    private func count(_ lease: DesiredLease, isWelcome: Bool) {
        switch lease.state {
        case .run: if isWelcome { tally.count(.keptLease) }
        case .stop: tally.count(.stoppedLease)
        case .abandon: tally.count(.abandonedLease)
        }
    }

    func count(_ event: Event) {
        switch event {
        case .released(_, let reason, let disposition):
            switch reason {
            case .lost: tally.count(.lost)
            case .declined: tally.count(.declined)
            case .left: tally.count(.left)
            case .restarted: tally.count(.restarted)
            case .forgotten: tally.count(.forgotten)
            case .unstarted: tally.count(.unstarted)
            }
            if case .settled = disposition, reason.isLoss { tally.count(.settledAfterLoss) }
        case .ended(_, _, _, let disposition):
            if case .requeued(true) = disposition { tally.count(.charged) }
            if case .settled(let settlement) = disposition, settlement.isInfeasible { tally.count(.infeasible) }
        case .judged(_, _, let enforcement):
            switch enforcement {
            case .stopped: tally.count(.judgedStopped)
            case .paused: tally.count(.judgedPaused)
            case .control: tally.count(.judgedControl)
            case .dryRun: tally.count(.judgedDryRun)
            }
        case .readopted: tally.count(.readopted)
        case .promoted: tally.count(.promoted)
        case .retired: tally.count(.retired)
        case .asked: tally.count(.asked)
        case .told: tally.count(.told)
        case .trialRetried: tally.count(.retried)
        case .proposed(_, let source, _, _):
            switch source {
            case .continuation: tally.count(.continued)
            case .repetition: tally.count(.repeated)
            case .baseline: tally.count(.baseline)
            case .enqueued: tally.count(.enqueued)
            case .sampler: break
            }
        case .leased(_, _, let worker, _):
            if let held = book.leases[worker]?.count, let slots = book.facts[worker]?.slots, held > slots {
                tally.count(.prefetched)
            }
        case .trialCancelled: tally.count(.cancelledTrial)
        case .stopRequested: tally.count(.stopRequested)
        case .sweepPaused(_, let reason):
            if case .user = reason { tally.count(.pausedByUser) } else { tally.count(.pausedByFailures) }
        case .sweepFinished(_, let reason): tally.count(reason == .stopped ? .stoppedSweep : .finished)
        case .spaceExhausted: tally.count(.exhausted)
        case .sweepRedefined: tally.count(.redefined)
        default: break
        }
    }
}
