// SPDX-License-Identifier: MIT

package import SweepModel
import WorkerProtocol

/// One configuration to be evaluated.
package struct Trial: Hashable, Sendable {
    /// Transitions: queued → leased → running → (paused →) completed | stopped | failed | cancelled; leased and running
    /// go back to queued when their attempt is lost, declined or retried.
    package enum State: String, CaseIterable, Sendable {
        case queued, leased, running, paused, completed, stopped, failed, cancelled

        /// Whether a worker has a lease of it.
        package var isHeld: Bool { self == .leased || self == .running }

        package var isOver: Bool {
            switch self {
            case .completed, .stopped, .failed, .cancelled: true
            case .queued, .leased, .running, .paused: false
            }
        }
    }

    package let configuration: Configuration
    package let source: TrialSource
    package internal(set) var state: State = .queued
    /// Attempts so far, the running one included.
    package internal(set) var attempts = 0
    /// Attempts lost with their worker; never charged to the user.
    package internal(set) var losses = 0
    /// The user's own failures.
    package internal(set) var failures = 0
    /// The value, once settled.
    package internal(set) var value: Double?
    package internal(set) var isInfeasible = false
    /// What a pruner said of it, and what was done about it; the first verdict, of those that did not stop it.
    package internal(set) var judgement: Judgement?
    /// Its value by the objective's summary rule as it came to each step of the sweep's ladder, lowest first.
    package internal(set) var milestones: [Double] = []

    /// It has been paused before: what became of it is no news a second time.
    var hasPaused = false

    /// Its value where that is an answer: a trial that failed half-way is none, whatever it had reported.
    var answer: Double? {
        switch state {
        case .completed, .stopped, .paused: value
        case .queued, .leased, .running, .failed, .cancelled: nil
        }
    }

    /// Whether its end says something about its configuration. Lost workers and cancellations do not.
    package var isEvidence: Bool {
        switch state {
        case .completed, .stopped: value != nil || isInfeasible
        case .failed: isInfeasible || failures > 0
        case .queued, .leased, .running, .paused, .cancelled: false
        }
    }

    package var isContinuation: Bool { source.isContinuation }

    /// Compared with the others: not what was trained further than they were.
    package var isRanked: Bool { answer?.isFinite == true && !isContinuation }
}

/// A verdict and what was done about it.
package struct Judgement: Hashable, Sendable {
    package let verdict: Verdict
    package let enforcement: Enforcement
    package init(_ verdict: Verdict, _ enforcement: Enforcement) {
        self.verdict = verdict
        self.enforcement = enforcement
    }
}

/// What is known of a trial only while it is not over.
package struct Progress: Hashable, Sendable {
    package internal(set) var curve: LearningCurve
    package internal(set) var lastStep: Int64 = 0

    init(_ objective: Objective) {
        curve = LearningCurve(goal: objective.goal)
    }
}

/// One live lease of a trial by one worker. It is forgotten when it ends.
package struct Attempt: Hashable, Sendable {
    package enum State: String, Sendable { case offered, accepted, running }

    package let trial: TrialID
    package let worker: WorkerID
    /// 1 for the trial's first.
    package let number: Int
    package internal(set) var state: State = .offered
    /// The last event applied; the next must be its successor.
    package internal(set) var acknowledged: Int64 = 0
    package internal(set) var stopReason: String?
    /// It is asked to stop so that it can go on later.
    package internal(set) var isPausing = false
    /// When the offer was last sent; not journaled.
    package internal(set) var offeredAt: Instant?
    package internal(set) var startedAt: Timestamp?
    /// Since when a slot has been free for it; not journaled.
    var acceptedAt: Instant?
}
