// SPDX-License-Identifier: MIT

package import SweepModel
package import WorkerProtocol

/// A fact the engine has decided. The journal holds nothing else, and replaying it gives the same state.
///
/// Facts and not inputs are journaled: a later version with other rules for assignment or stopping still replays what
/// an earlier one decided. See `Docs/decisions/0003-journal-decided-facts.md`.
package enum Event: Hashable, Sendable {
    /// One process opened the data directory. Leases of the local workers of the process before it are void.
    case coordinatorStarted(epoch: Int64, version: String)
    case sweepCreated(SweepID, SweepDefinition, directory: String)
    /// The total was raised, or a compatible edit of the sweep file accepted.
    case sweepRedefined(SweepID, SweepDefinition)
    case sweepPaused(SweepID, PauseReason)
    case sweepUnpaused(SweepID)
    case sweepFinished(SweepID, FinishReason)
    /// The sampler has nothing left to propose.
    case spaceExhausted(SweepID)
    case workerJoined(WorkerID, WorkerFacts)
    case workerLeft(WorkerID, reason: String)
    /// `basis` is what an adaptive sampler made it from.
    case proposed(TrialID, TrialSource, Configuration, basis: ProposalBasis? = nil)
    case leased(Fence, TrialID, WorkerID, attempt: Int)
    case accepted(Fence)
    /// Started, report, checkpoint or warning of an attempt.
    case observed(Fence, sequence: Int64, AttemptEvent)
    case stopRequested(Fence, reason: String)
    /// A pruner's verdict on the attempt's trial, in the same transaction as the report it follows from.
    case judged(Fence, Verdict, Enforcement)
    /// The attempt's worker said how it ended.
    case ended(Fence, sequence: Int64, AttemptEvent, Disposition)
    /// The lease was taken back without the worker's word.
    case released(Fence, ReleaseReason, Disposition)
    /// A worker that had been given up as lost came back before anybody else was given the trial: it goes on there.
    case readopted(Fence)
    case trialCancelled(TrialID)
    /// The trial was handed to a caller who evaluates it himself and tells how it ended, whenever that is.
    case asked(TrialID)
    case told(TrialID, Settlement)
    /// A failed trial goes back into the queue on the user's word.
    case trialRetried(TrialID)
    /// A paused trial goes back into the queue: it has come to be among the best of its rung.
    case promoted(TrialID)
    /// A paused trial will not go on: the sweep has nothing left to do.
    case retired(TrialID, Settlement)
    /// No rule needs the checkpoint; its files are deleted.
    case checkpointDiscarded(TrialID, location: String)
}

extension Event {
    /// The trial that was handed to a caller.
    package var askedTrial: TrialID? {
        if case .asked(let trial) = self { trial } else { nil }
    }
}

/// An event with the wall-clock time it was decided at.
package struct JournalEntry: Hashable, Sendable {
    package let at: Timestamp
    package let event: Event
    package init(at: Timestamp, event: Event) {
        self.at = at
        self.event = event
    }
}

package enum PauseReason: Hashable, Sendable {
    case user
    /// Several trials failed quickly and none succeeded: probably a mistake in the command.
    case failures(message: String, tail: String)
}

package enum FinishReason: String, CaseIterable, Sendable {
    case trials
    case exhausted
    case target
    case time
    case steps
    case noImprovement = "no_improvement"
    case cancelled
    /// Ended on the user's word; what ran kept its results.
    case stopped
}

/// Where a trial's configuration came from.
package enum TrialSource: Hashable, Sendable {
    case sampler(index: Int)
    case baseline(Int)
    /// The same configuration as that trial, with another seed.
    case repetition(of: Int)
    /// The user's own, put into the queue while the sweep runs; the first is 0.
    case enqueued(Int)
    /// Trained further from that trial's last checkpoint, to that step.
    case continuation(of: Int, until: Int64)

    /// Beyond the sweep's total, and compared with no other trial.
    package var isContinuation: Bool { parent != nil }

    /// The trial that is continued.
    package var parent: Int? {
        if case .continuation(let parent, _) = self { parent } else { nil }
    }

    /// The step a continued trial is trained to.
    package var until: Int64? {
        if case .continuation(_, let until) = self { until } else { nil }
    }
}

package struct WorkerFacts: Hashable, Sendable {
    package let agent: String
    package let host: String
    package let processID: Int64
    package let slots: Int
    /// It lives in the coordinator's own process and dies with it.
    package let isLocal: Bool
    /// The name of the key it came in with; nil over ipc, where the kernel vouches for it.
    package let key: String?
    package let offer: WorkerOffer
    package init(
        agent: String, host: String, processID: Int64, slots: Int, isLocal: Bool, key: String? = nil,
        offer: WorkerOffer = WorkerOffer()
    ) {
        self.agent = agent
        self.host = host
        self.processID = processID
        self.slots = slots
        self.isLocal = isLocal
        self.key = key
        self.offer = offer
    }
}

package enum ReleaseReason: String, CaseIterable, Sendable {
    /// Not heard of for the lease's lifetime.
    case lost
    case declined
    /// The worker said bye, or was gone when the lease was offered to it.
    case left
    /// The coordinator whose local worker held it is gone.
    case restarted
    /// A worker came back without it.
    case forgotten
    /// It was accepted and did not begin in time.
    case unstarted

    /// Whether it counts towards a trial's losses.
    package var isLoss: Bool {
        switch self {
        case .lost, .forgotten, .unstarted: true
        case .declined, .left, .restarted: false
        }
    }
}

/// What becomes of the trial when an attempt is over.
package enum Disposition: Hashable, Sendable {
    /// Back to the queue. `charged` when it uses up one of the user's retries.
    case requeued(charged: Bool)
    /// It waits, with its checkpoint, to be promoted. Until it goes on it counts with the objective's value of that step.
    case paused(value: Double?, step: Int64?)
    case settled(Settlement)

    /// Then nothing was lost with the worker: the trial was to pause.
    package var isPause: Bool { if case .paused = self { true } else { false } }
}

/// A trial's end, never changed afterwards except by a retry.
package struct Settlement: Hashable, Sendable {
    package enum State: String, CaseIterable, Sendable { case completed, stopped, failed, cancelled }

    package let state: State
    /// The objective by the sweep's summary rule; nil when there is none.
    package let value: Double?
    /// The step of `value`.
    package let step: Int64?
    /// A result, not a fault: out of memory by its own limit, NaN, divergence.
    package let isInfeasible: Bool
    package init(state: State, value: Double? = nil, step: Int64? = nil, isInfeasible: Bool = false) {
        self.state = state
        self.value = value
        self.step = step
        self.isInfeasible = isInfeasible
    }
}
