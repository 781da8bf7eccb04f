// SPDX-License-Identifier: MIT

package import SweepEngine
package import SweepModel
package import WorkerProtocol

/// One sweep as queries show it.
package struct SweepRow: Hashable, Sendable {
    package enum State: String, CaseIterable, Sendable { case running, paused, finished }

    package let id: SweepID
    package let name: String
    /// The folder of the sweep file.
    package let directory: String
    package let definition: SweepDefinition
    package let state: State
    /// Why it is paused ("user", "failures") or finished (a `FinishReason`).
    package let reason: String?
    /// Of the failures that paused it.
    package let message: String?
    package let tail: String?
    package let isExhausted: Bool
    package let createdAt: Timestamp
    /// When its state or definition last changed.
    package let changedAt: Timestamp
}

/// One trial as queries show it.
package struct TrialRow: Hashable, Sendable {
    package let id: TrialID
    package let state: Trial.State
    package let source: TrialSource
    package let configuration: Configuration
    package let value: Double?
    /// The step of `value`.
    package let valueStep: Int64?
    package let isInfeasible: Bool
    package let attempts: Int
    package let losses: Int
    package let failures: Int
    /// `seconds` of all attempts together, the last known seconds a step, the most memory of any attempt.
    package let resources: Resources
    /// Why the last attempt failed: an `AttemptFailure.Cause`, or "lost" or "forgotten".
    package let cause: String?
    package let message: String?
    /// What a pruner said of it, and what was done about it.
    package let judgement: Judgement?
    package let createdAt: Timestamp
    /// When its first attempt started.
    package let startedAt: Timestamp?
    package let endedAt: Timestamp?
}

/// One lease of a trial, live or over.
package struct AttemptRow: Hashable, Sendable {
    package enum State: String, CaseIterable, Sendable { case offered, accepted, running, ended }

    package let fence: Fence
    package let trial: TrialID
    package let worker: WorkerID
    /// 1 for the trial's first.
    package let number: Int
    package let state: State
    /// The step of the checkpoint it went on from.
    package let resumedFrom: Int64?
    package let leasedAt: Timestamp
    package let acceptedAt: Timestamp?
    package let startedAt: Timestamp?
    package let endedAt: Timestamp?
    /// Why it was asked to stop.
    package let stopReason: String?
    /// "completed", "stopped", "failed", or the `ReleaseReason` that took it back.
    package let outcome: String?
    package let failure: AttemptFailure?
    package let resources: Resources
}

package struct ReportRow: Hashable, Sendable {
    package let fence: Fence
    package let sequence: Int64
    package let step: Int64
    package let metrics: [MetricValue]
    package let at: Timestamp
}

package struct CheckpointRow: Hashable, Sendable {
    package let fence: Fence
    package let sequence: Int64
    package let checkpoint: Checkpoint
    package let at: Timestamp
    /// When its files were deleted, because no rule needed them.
    package let discardedAt: Timestamp?
}

package struct WarningRow: Hashable, Sendable {
    package let fence: Fence
    package let sequence: Int64
    package let text: String
    package let at: Timestamp
}

package struct WorkerRow: Hashable, Sendable {
    package let id: WorkerID
    package let facts: WorkerFacts
    package let joinedAt: Timestamp
    package let leftAt: Timestamp?
    package let leftReason: String?
}
