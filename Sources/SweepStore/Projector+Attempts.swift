// SPDX-License-Identifier: MIT

import GRDB
import SweepEngine
import SweepModel
import WorkerProtocol

/// Attempts and their trials: the hot path. A report costs one insertion, everything else one or two statements.
extension Projector {
    func lease(_ fence: Fence, _ trial: TrialID, _ worker: WorkerID, attempt: Int, at: Int64) throws {
        try insert(
            "INSERT INTO attempt (fence, sweep, trial, worker, number, leased_at) VALUES (?, ?, ?, ?, ?, ?)",
            [fence.number, trial.sweep.number, trial.number, worker.name, attempt, at])
        try update(
            "UPDATE trial SET state = 'leased', attempts = attempts + 1 WHERE sweep = ? AND number = ?",
            [trial.sweep.number, trial.number])
    }

    func observe(_ event: AttemptEvent, fence: Fence, sequence: Int64, at: Int64) throws {
        switch event {
        case .report(let step, let metrics):
            var bytes: [UInt8] = []
            EventCodec.append(metrics, to: &bytes)
            try insert(
                "INSERT INTO report (fence, sequence, step, metrics, at) VALUES (?, ?, ?, ?, ?)",
                [fence.number, sequence, step, String(decoding: bytes, as: UTF8.self), at])
        case .started(let resumedFrom):
            try update(
                "UPDATE attempt SET state = 'running', started_at = ?, resumed_from = ? WHERE fence = ?",
                [at, resumedFrom, fence.number])
            let trial = try owner(of: fence)
            try update(
                """
                UPDATE trial SET state = 'running', started_at = coalesce(started_at, ?)
                WHERE sweep = ? AND number = ?
                """, [at, trial.sweep.number, trial.number])
        case .checkpoint(let checkpoint):
            try insert(
                """
                INSERT INTO checkpoint (fence, sequence, step, location, digest, bytes, at)
                VALUES (?, ?, ?, ?, ?, ?, ?)
                """,
                [
                    fence.number, sequence, checkpoint.step, checkpoint.location, checkpoint.digest, checkpoint.bytes,
                    at,
                ])
        case .warning(let text):
            try insert(
                "INSERT INTO warning (fence, sequence, text, at) VALUES (?, ?, ?, ?)",
                [fence.number, sequence, text, at])
        case .finished, .failed:
            throw ImpossibleEvent(description: "fence \(fence): an end among the observations")
        }
    }

    func end(_ fence: Fence, _ event: AttemptEvent, _ disposition: Disposition, at: Int64) throws {
        let outcome: String
        let resources: Resources
        var failure: AttemptFailure?
        switch event {
        case .finished(let how, let used): (outcome, resources) = (how.rawValue, used)
        case .failed(let why, let used): (outcome, resources, failure) = ("failed", used, why)
        case .started, .report, .checkpoint, .warning:
            throw ImpossibleEvent(description: "fence \(fence): an end that is none")
        }
        try update(
            """
            UPDATE attempt SET state = 'ended', ended_at = ?, outcome = ?, cause = ?, message = ?, exit_code = ?,
            tail = ?, seconds = ?, seconds_per_step = ?, peak_memory = ? WHERE fence = ?
            """,
            [
                at, outcome, failure?.cause.rawValue, failure?.message, failure?.exitCode, failure?.tail,
                resources.seconds, resources.secondsPerStep, resources.peakMemoryBytes, fence.number,
            ])
        var end = TrialEnd(cause: failure?.cause.rawValue, message: failure?.message, resources: resources)
        charge(failure, disposition, to: &end)
        try dispose(try owner(of: fence), disposition, end, at: at)
    }

    /// Whose account the end goes to. Stated here a second time on purpose: `verify` compares with the engine's counts.
    private func charge(_ failure: AttemptFailure?, _ disposition: Disposition, to end: inout TrialEnd) {
        let isLoss: Bool
        switch disposition {
        case .requeued(let charged): isLoss = !charged
        case .paused: return
        case .settled(let settlement):
            guard settlement.state == .failed, !settlement.isInfeasible else { return }
            isLoss = failure?.cause == .infrastructure
        }
        if isLoss { end.losses = 1 } else { end.failures = 1 }
        if failure == nil {
            (end.cause, end.message) = (AttemptFailure.Cause.user.rawValue, "it ended without a value of the metric")
        }
    }

    func release(_ fence: Fence, _ reason: ReleaseReason, _ disposition: Disposition, at: Int64) throws {
        try update(
            "UPDATE attempt SET state = 'ended', ended_at = ?, outcome = ? WHERE fence = ?",
            [at, reason.rawValue, fence.number])
        let isLoss =
            switch reason {
            case .lost, .forgotten, .unstarted: true
            case .declined, .left, .restarted: false
            }
        let isCounted = if case .paused = disposition { false } else { isLoss }
        let end = TrialEnd(losses: isCounted ? 1 : 0, cause: isLoss ? reason.rawValue : nil)
        try dispose(try owner(of: fence), disposition, end, at: at)
    }

    /// The release is undone; what its trial has had of earlier attempts stays.
    func readopt(_ fence: Fence) throws {
        try update(
            """
            UPDATE attempt SET ended_at = NULL, outcome = NULL, state = CASE
            WHEN started_at IS NOT NULL THEN 'running' WHEN accepted_at IS NOT NULL THEN 'accepted' ELSE 'offered' END
            WHERE fence = ?
            """, [fence.number])
        let trial = try owner(of: fence)
        try update(
            """
            UPDATE trial SET losses = losses - 1, cause = NULL, message = NULL, state =
            (SELECT CASE WHEN started_at IS NOT NULL THEN 'running' ELSE 'leased' END FROM attempt WHERE fence = ?)
            WHERE sweep = ? AND number = ?
            """, [fence.number, trial.sweep.number, trial.number])
    }

    /// What the end of an attempt adds to its trial: seconds add up, memory is the most of any attempt.
    private struct TrialEnd {
        var losses = 0
        var failures = 0
        var cause: String?
        var message: String?
        var resources = Resources()
    }

    private func dispose(_ trial: TrialID, _ disposition: Disposition, _ end: TrialEnd, at: Int64) throws {
        var end = end
        let state: String
        var settlement: Settlement?
        var (value, step): (Double?, Int64?)
        switch disposition {
        case .requeued: state = "queued"
        case .paused(let reached, let at): (state, value, step) = ("paused", reached, at)
        case .settled(let settled):
            (state, settlement) = (settled.state.rawValue, settled)
            (value, step) = (settled.value, settled.step)
            // It was stopped for that, so no failure of its own says it.
            if settled.state == .failed, settled.isInfeasible, end.cause == nil {
                end.cause = AttemptFailure.Cause.diverged.rawValue
                end.message = "the objective became NaN or infinite"
            }
        }
        try update(
            """
            UPDATE trial SET state = ?1, value = ?2, value_step = ?3, infeasible = ?4, ended_at = ?5,
            losses = losses + ?6, failures = failures + ?7, cause = ?8, message = ?9,
            seconds = CASE WHEN ?10 IS NULL THEN seconds ELSE coalesce(seconds, 0) + ?10 END,
            seconds_per_step = coalesce(?11, seconds_per_step),
            peak_memory = CASE WHEN ?12 > coalesce(peak_memory, -1) THEN ?12 ELSE peak_memory END
            WHERE sweep = ?13 AND number = ?14
            """,
            [
                state, value, step, settlement?.isInfeasible ?? false,
                settlement == nil ? nil : at, end.losses, end.failures, end.cause, end.message, end.resources.seconds,
                end.resources.secondsPerStep, end.resources.peakMemoryBytes, trial.sweep.number, trial.number,
            ])
    }

    func settle(_ trial: TrialID, _ settlement: Settlement, at: Int64) throws {
        try dispose(trial, .settled(settlement), TrialEnd(), at: at)
    }

    /// The word of a caller who evaluated the trial himself.
    func tell(_ trial: TrialID, _ settlement: Settlement, at: Int64) throws {
        var end = TrialEnd()
        if settlement.state == .failed {
            end.failures = 1
            end.cause = AttemptFailure.Cause.user.rawValue
            end.message = settlement.isInfeasible ? "it was told as not finite" : "it was told as failed"
        }
        try dispose(trial, .settled(settlement), end, at: at)
    }

    /// On the user's word a failed trial starts anew, and so does the count of what went wrong.
    func retry(_ trial: TrialID, at: Int64) throws {
        try dispose(trial, .requeued(charged: false), TrialEnd(), at: at)
        try update(
            "UPDATE trial SET losses = 0, failures = 0, verdict = NULL WHERE sweep = ? AND number = ?",
            [trial.sweep.number, trial.number])
        try reopen(trial.sweep, at: at)
    }

    func judge(_ fence: Fence, _ judgement: Judgement) throws {
        let trial = try owner(of: fence)
        try update(
            "UPDATE trial SET verdict = ? WHERE sweep = ? AND number = ?",
            [EventCodec.text(of: judgement), trial.sweep.number, trial.number])
        guard judgement.enforcement.endsAttempt else { return }
        try update("UPDATE attempt SET stop_reason = ? WHERE fence = ?", [judgement.verdict.shortText, fence.number])
    }

    /// A continued trial begins with a checkpoint of its parent, which is none of its own attempts'.
    func discard(_ location: String, of trial: TrialID, at: Int64) throws {
        try insert(
            """
            UPDATE checkpoint SET discarded_at = ? WHERE location = ?
            AND fence IN (SELECT fence FROM attempt WHERE sweep = ? AND trial = ?)
            """, [at, location, trial.sweep.number, trial.number])
    }
}
