// SPDX-License-Identifier: MIT

import OrderedCollections
package import SweepModel
import WorkerProtocol

/// The one place where facts change the state; replay runs through here.
extension Engine {
    /// Changes the state by one fact.
    ///
    /// - Returns: the verdict that follows from it, which is the engine's to decide on and at a replay has been.
    @discardableResult
    package mutating func apply(_ entry: JournalEntry) -> Verdict? {
        // Asked first: an ending attempt is gone afterwards.
        let sweep = sweep(of: entry.event)
        // A release teaches the models something also while the sweep's clock stands.
        let taught = if case .released(let fence, _, _) = entry.event { attempts[fence]?.trial.sweep } else { sweep }
        let results = if let taught { sweeps[taught]?.knowledge } else { nil as Int? }
        eventCount += 1
        var verdict: Verdict?
        switch entry.event {
        case .coordinatorStarted(let epoch, _):
            self.epoch = epoch
            for sweep in sweeps.keys { sweeps[sweep]?.closeClock() }
        case .sweepCreated(let sweep, let definition, let directory):
            sweeps[sweep] = SweepState(definition: definition, directory: directory)
        case .sweepRedefined(let sweep, let definition):
            sweeps[sweep]?.redefine(definition)
        case .sweepPaused(let sweep, let reason):
            sweeps[sweep]?.phase = .paused(reason)
        case .sweepUnpaused(let sweep):
            sweeps[sweep]?.phase = .running
            sweeps[sweep]?.quickFailures = 0
        case .sweepFinished(let sweep, let reason):
            sweeps[sweep]?.finish(reason)
        case .spaceExhausted(let sweep):
            sweeps[sweep]?.isExhausted = true
        case .workerJoined(let worker, let facts):
            if workers[worker] == nil {
                workers[worker] = WorkerState(facts: facts)
            } else {
                workers[worker]?.facts = facts
            }
        case .workerLeft(let worker, _):
            if let connection = workers[worker]?.connection { registrations[connection] = nil }
            workers[worker] = nil
        case .proposed(let trial, let source, let configuration, let basis):
            sweeps[trial.sweep]?.add(Trial(configuration: configuration, source: source), number: trial.number)
            if let basis, !basis.fits.isEmpty { sweeps[trial.sweep]?.fits = basis.fits }
        case .leased(let fence, let trial, let worker, let attempt):
            dropOrphans(of: trial)
            fences.grant(fence)
            attempts[fence] = Attempt(trial: trial, worker: worker, number: attempt)
            workers[worker]?.leases.append(fence)
            sweeps[trial.sweep]?.lease(trial.number)
        case .accepted(let fence):
            attempts[fence]?.state = .accepted
        case .observed(let fence, let sequence, let event):
            verdict = observe(event, fence: fence, sequence: sequence, at: entry.at)
        case .stopRequested(let fence, let reason):
            attempts[fence]?.stopReason = reason
            // A stop outranks a pause.
            attempts[fence]?.isPausing = false
        case .judged(let fence, let found, let enforcement):
            guard let trial = attempts[fence]?.trial else { break }
            sweeps[trial.sweep]?.judge(trial.number, Judgement(found, enforcement))
            guard enforcement.endsAttempt else { break }
            attempts[fence]?.stopReason = found.shortText
            attempts[fence]?.isPausing = enforcement == .paused
        case .ended(let fence, _, let event, let disposition):
            charge(fence, event, disposition, at: entry.at)
            end(fence, disposition)
        case .released(let fence, let reason, let disposition):
            if let trial = attempts[fence]?.trial, reason.isLoss, !disposition.isPause {
                sweeps[trial.sweep]?.countLoss(trial.number)
            }
            let attempt = attempts[fence]
            end(fence, disposition)
            if reason == .lost, case .requeued = disposition { orphans[fence] = attempt }
        case .readopted(let fence):
            readopt(fence)
        case .trialCancelled(let trial):
            dropOrphans(of: trial)
            sweeps[trial.sweep]?.settle(trial.number, Settlement(state: .cancelled))
        case .trialRetried(let trial):
            sweeps[trial.sweep]?.retry(trial.number)
        case .promoted(let trial):
            sweeps[trial.sweep]?.promote(trial.number)
        case .retired(let trial, let settlement):
            sweeps[trial.sweep]?.settle(trial.number, settlement)
        case .checkpointDiscarded(let trial, let location):
            sweeps[trial.sweep]?.drop(trial.number, location: location)
        case .asked(let trial):
            dropOrphans(of: trial)
            sweeps[trial.sweep]?.ask(trial.number)
        case .told(let trial, let settlement):
            if settlement.state == .failed { sweeps[trial.sweep]?.countFailure(trial.number, isQuick: false) }
            sweeps[trial.sweep]?.settle(trial.number, settlement)
        }
        if let taught, sweeps[taught]?.knowledge != results { sweeps[taught]?.resultsChanged = eventCount }
        if let sweep { sweeps[sweep]?.touchClock(entry.at) }
        return verdict
    }

    private mutating func observe(
        _ event: AttemptEvent, fence: Fence, sequence: Int64, at now: Timestamp
    ) -> Verdict? {
        guard var attempt = attempts[fence] else { return nil }
        attempt.acknowledged = sequence
        let trial = attempt.trial
        switch event {
        case .started(let resumedFrom):
            attempt.state = .running
            attempt.startedAt = now
            attempts[fence] = attempt
            sweeps[trial.sweep]?.start(trial.number, resumedFrom: resumedFrom)
        case .report(let step, let metrics):
            attempts[fence] = attempt
            return sweeps[trial.sweep]?.report(
                trial.number, step: step, metrics: metrics, isJudged: attempt.stopReason == nil)
        case .checkpoint(let checkpoint):
            attempts[fence] = attempt
            sweeps[trial.sweep]?.hold(trial.number, checkpoint)
        case .warning, .finished, .failed:
            attempts[fence] = attempt
        }
        return nil
    }

    /// Whose account an attempt's end goes to: the user's failures, the losses, or nobody's.
    private mutating func charge(_ fence: Fence, _ event: AttemptEvent, _ disposition: Disposition, at now: Timestamp) {
        guard let attempt = attempts[fence] else { return }
        let isLoss: Bool
        switch disposition {
        case .requeued(let charged): isLoss = !charged
        case .paused: return
        case .settled(let settlement):
            guard settlement.state == .failed, !settlement.isInfeasible else { return }
            isLoss = event.failure?.cause == .infrastructure
        }
        let trial = attempt.trial
        if isLoss {
            sweeps[trial.sweep]?.countLoss(trial.number)
        } else {
            let duration = attempt.startedAt.map { now.milliseconds - $0.milliseconds } ?? 0
            sweeps[trial.sweep]?.countFailure(trial.number, isQuick: duration < timers.quickFailure.milliseconds)
        }
    }

    private mutating func end(_ fence: Fence, _ disposition: Disposition) {
        guard let attempt = attempts.removeValue(forKey: fence) else { return }
        workers[attempt.worker]?.leases.remove(fence)
        let trial = attempt.trial
        switch disposition {
        case .requeued: sweeps[trial.sweep]?.requeue(trial.number)
        case .paused(let value, _): sweeps[trial.sweep]?.pause(trial.number, value: value)
        case .settled(let settlement): sweeps[trial.sweep]?.settle(trial.number, settlement)
        }
    }

    private mutating func readopt(_ fence: Fence) {
        guard var attempt = orphans.removeValue(forKey: fence) else { return }
        attempt.offeredAt = nil
        attempt.acceptedAt = nil
        attempts[fence] = attempt
        workers[attempt.worker]?.leases.append(fence)
        sweeps[attempt.trial.sweep]?.readopt(attempt.trial.number, isRunning: attempt.state == .running)
    }

    /// The trial is another's now, or nobody's any more.
    private mutating func dropOrphans(of trial: TrialID) {
        if orphans.isEmpty { return }
        for (fence, attempt) in orphans where attempt.trial == trial { orphans[fence] = nil }
    }

    private func sweep(of event: Event) -> SweepID? {
        switch event {
        case .coordinatorStarted, .workerJoined, .workerLeft: nil
        case .sweepCreated(let sweep, _, _), .sweepRedefined(let sweep, _), .sweepPaused(let sweep, _),
            .sweepUnpaused(let sweep), .sweepFinished(let sweep, _), .spaceExhausted(let sweep):
            sweep
        case .proposed(let trial, _, _, _), .leased(_, let trial, _, _), .trialCancelled(let trial),
            .trialRetried(let trial), .asked(let trial), .told(let trial, _), .promoted(let trial),
            .retired(let trial, _), .checkpointDiscarded(let trial, _):
            trial.sweep
        case .accepted(let fence), .observed(let fence, _, _), .stopRequested(let fence, _), .judged(let fence, _, _),
            .ended(let fence, _, _, _):
            attempts[fence]?.trial.sweep
        case .readopted(let fence): orphans[fence]?.trial.sweep
        // While its clock runs a release is the sweep's work; at a start it is only the clearing up after the last one.
        case .released(let fence, let reason, _):
            reason == .restarted
                ? nil : attempts[fence].flatMap { sweeps[$0.trial.sweep]?.activeSince == nil ? nil : $0.trial.sweep }
        }
    }
}

extension AttemptEvent {
    var failure: AttemptFailure? {
        if case .failed(let failure, _) = self { failure } else { nil }
    }
}
