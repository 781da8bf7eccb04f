// SPDX-License-Identifier: MIT

package import SweepModel
package import WorkerProtocol

/// A transport's name for the peer a message came from; new with every reconnection, never stored.
package struct Connection: Hashable, Sendable {
    package let routingID: [UInt8]
    package init(_ routingID: [UInt8]) { self.routingID = routingID }
}

/// Whom the transport has established a peer to be.
package struct PeerIdentity: Hashable, Sendable {
    /// For instance the process id behind a Unix socket: the worker's id is made of it and of the hello's boot.
    package let name: String
    package let isLocal: Bool
    /// The name of its key, where it came in with one.
    package let key: String?
    package init(name: String, isLocal: Bool, key: String? = nil) {
        self.name = name
        self.isLocal = isLocal
        self.key = key
    }
}

/// What the world does to the engine.
package enum Stimulus: Hashable, Sendable {
    case launch(SweepDefinition, directory: String)
    /// Only active sweeps propose and lease; a data directory may hold others. One that was paused goes on.
    case activate(SweepID)
    /// The same, but what is paused stays paused.
    case adopt(SweepID)
    case redefine(SweepID, SweepDefinition)
    case message(Connection, PeerIdentity, Envelope<WorkerMessage>)
    /// Those of an adaptive sampler replace what was ready; any other are queued.
    case proposed(SweepID, [ProposedConfiguration])
    case exhausted(SweepID)
    /// A model of an adaptive sampler has a new fit: what is ready can be improved.
    case refitted(SweepID)
    case tick
    /// No new leases: what runs may finish.
    case drain
    /// Leases again.
    case undrain
    /// The same of one worker.
    case drainWorker(WorkerID, Bool)
    /// The transport knows of nobody behind this any more.
    case unreachable(Connection)
    /// The key counts no more: workers that came in with it are done with, and their trials go back.
    case revoke(key: String)
    /// Leases of workers outside the coordinator's process are taken back at once, uncharged: nobody waits for them.
    case handBack
    case pause(SweepID)
    case unpause(SweepID)
    case cancel(SweepID)
    case cancelTrial(TrialID)
    /// Nothing new begins; what runs ends with a last checkpoint and keeps its results, and so ends the sweep.
    case stop(SweepID)
    case stopTrial(TrialID, reason: String)
    case retry(TrialID)
    /// A configuration of the user's own, the next to be run.
    case enqueue(SweepID, Configuration)
    /// A trial that is over is trained by so many steps more, as a new one.
    case continueTrial(TrialID, steps: Int64)
    /// The next trial goes to a caller who evaluates it himself.
    case ask(SweepID)
    /// How a trial that was asked for ended; nil: it failed.
    case tell(TrialID, value: Double?)
}

package struct ProposedConfiguration: Hashable, Sendable {
    package let index: Int
    package let configuration: Configuration
    /// Nil for samplers that do not learn.
    package let basis: ProposalBasis?
    /// Made in haste, and fewer than were asked for: to be made anew at once.
    package let isProvisional: Bool
    package init(
        index: Int, configuration: Configuration, basis: ProposalBasis? = nil, isProvisional: Bool = false
    ) {
        self.index = index
        self.configuration = configuration
        self.basis = basis
        self.isProvisional = isProvisional
    }
}

/// What the engine wants done once its events are durable. Effects never wait for a peer.
package enum Effect: Hashable, Sendable {
    case send(Connection, session: String, CoordinatorMessage)
    /// Compute proposals and return them as `.proposed` or, when there is none, `.exhausted`: up to `count`, or up to
    /// `stock` by an adaptive sampler, whose proposals are better made late. It counts the first `kept` of those that are
    /// ready as pending, and goes on behind them.
    case propose(SweepID, index: Int, count: Int, stock: Int, kept: Int)
    /// Delete a checkpoint's files, where they are ours to delete.
    case discard(TrialID, location: String)
}

/// Two clocks: one for people and the journal, one for timers.
package struct Moment: Hashable, Sendable {
    package let wall: Timestamp
    package let boot: Instant
    package init(wall: Timestamp, boot: Instant) {
        self.wall = wall
        self.boot = boot
    }
}

/// What an operator asked for and cannot have; the caller shows it.
package enum EngineError: Error, Hashable, Sendable, CustomStringConvertible {
    case unknownSweep(SweepID)
    case unknownTrial(TrialID)
    case trialIsOver(TrialID, String)
    case trialIsNot(String, TrialID, String)
    case sweepIsFinished(SweepID)
    case totalTooSmall(SweepID, total: Int, counted: Int)
    case trialWasNotAsked(TrialID)
    case trialHasNoCheckpoint(TrialID)
    /// The next proposal is being computed, or waits for trials to end: ask again.
    case nothingReady(SweepID)
    /// No trial is left to hand out.
    case nothingLeft(SweepID)
    /// The next proposal depends on trials that only a caller can end.
    case waitsForTells(SweepID, [Int])
    case sweepIsNotAtWork(SweepID)
    case totalUsedUp(SweepID)
    case isThereAlready(TrialID)
    case unknownWorker(WorkerID)
    case takesNoSweeps
    /// What was given is no definition or no configuration, in the reader's words.
    case refused(String)
    case sweepIsPaused(SweepID)

    package var description: String {
        switch self {
        case .unknownSweep(let sweep): "there is no sweep \(sweep)"
        case .unknownTrial(let trial): "sweep \(trial.sweep) has no trial \(trial.number)"
        case .trialIsOver(let trial, let state): "trial \(trial.number) is already \(state)"
        case .trialIsNot(let wanted, let trial, let state): "trial \(trial.number) is \(state), not \(wanted)"
        case .totalTooSmall(_, let total, let counted):
            "a total of \(total) trials is too small: the sweep has \(counted) already"
        case .sweepIsFinished: "the sweep is finished"
        case .trialWasNotAsked(let trial):
            "trial \(trial.number) is run by a worker: only what was handed out by ask can be told"
        case .trialHasNoCheckpoint(let trial):
            "trial \(trial.number) left no checkpoint to go on from: its script must save them (see 'Checkpoints' in "
                + "Docs/writing-a-worker.md)"
        case .nothingReady: "the next trial is not ready yet"
        case .nothingLeft: "the sweep has no trial left to hand out"
        case .waitsForTells(_, let trials):
            "the next trial depends on how trial \(trials.map(String.init).joined(separator: ", ")) ends: tell that first"
        case .sweepIsNotAtWork: "the coordinator at work in this directory runs another sweep: wait for its end"
        case .totalUsedUp:
            "the sweep's total is used up: raise it first, with extend"
        case .isThereAlready(let trial): "trial \(trial.number) has this very configuration"
        case .takesNoSweeps:
            "the coordinator at work in this directory runs one sweep and takes no others: start a daemon with sweepd serve"
        case .refused(let reason): reason
        case .unknownWorker(let worker): "there is no worker \(worker) at the moment"
        case .sweepIsPaused: "the sweep is paused: resume it first"
        }
    }
}
