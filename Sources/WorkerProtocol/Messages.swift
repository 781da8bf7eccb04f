// SPDX-License-Identifier: MIT

package import SweepModel

/// What a worker says. `MessageCodec` turns it into bytes; `Docs/protocol.md` binds.
package enum WorkerMessage: Hashable, Sendable {
    /// Full state; may be repeated at any time.
    case hello(Hello)
    /// "I am alive, and this is what I hold." Any message counts as one.
    case beat(leases: [HeldLease])
    /// The lease is understood; the digest is computed from the parameters as the worker decoded them.
    case accept(fence: Fence, parametersDigest: String)
    /// The lease is handed back, uncharged.
    case decline(fence: Fence, reason: String)
    /// At most `ProtocolLimits.eventsPerMessage`, each the successor of the one before within its fence.
    case events([SequencedEvent])
    /// The worker leaves; all its leases are released at once.
    case bye(reason: String)
}

/// A worker's introduction.
package struct Hello: Hashable, Sendable {
    /// The lowest and highest protocol version the worker speaks.
    package var versions: ClosedRange<Int>
    /// Random per process: tells a restart from a reconnection. 32 hexadecimal digits.
    package var boot: String
    /// Name and version of the worker program, for display.
    package var agent: String
    package var host: String
    package var processID: Int64
    /// Trials it runs at once.
    package var slots: Int
    /// Leases it holds beyond its slots, so that a short trial's successor is there when it ends.
    package var prefetch: Int
    package var running: [HeldLease]
    /// What it can run. Version 1 has no word for it.
    package var offer: WorkerOffer

    package init(
        versions: ClosedRange<Int> = ProtocolLimits.versions, boot: String, agent: String,
        host: String, processID: Int64, slots: Int, prefetch: Int = 0, running: [HeldLease] = [],
        offer: WorkerOffer = WorkerOffer()
    ) {
        self.versions = versions
        self.boot = boot
        self.agent = agent
        self.host = host
        self.processID = processID
        self.slots = slots
        self.prefetch = prefetch
        self.running = running
        self.offer = offer
    }
}

/// A lease as its worker sees it.
package struct HeldLease: Hashable, Sendable {
    package let fence: Fence
    /// The last event it made, 0 before the first.
    package let lastSequence: Int64
    /// The last event it knows to be durable.
    package let acknowledged: Int64
    package init(fence: Fence, lastSequence: Int64, acknowledged: Int64) {
        self.fence = fence
        self.lastSequence = lastSequence
        self.acknowledged = acknowledged
    }
}

/// (`fence`, `sequence`) is the idempotency key: 1, 2, 3, … without a gap within a fence.
package struct SequencedEvent: Hashable, Sendable {
    package let fence: Fence
    package let sequence: Int64
    package let event: AttemptEvent
    package init(fence: Fence, sequence: Int64, event: AttemptEvent) {
        self.fence = fence
        self.sequence = sequence
        self.event = event
    }
}

/// What happens to an attempt, in the order it happens.
package enum AttemptEvent: Hashable, Sendable {
    /// Training starts; `resumedFrom` is the step of the checkpoint it goes on from.
    case started(resumedFrom: Int64?)
    /// Metrics at a step. Values may be NaN or infinite.
    case report(step: Int64, metrics: [MetricValue])
    case checkpoint(Checkpoint)
    /// Something the user should read ("line 12 of the output is not UTF-8"); at most 500 characters.
    case warning(String)
    case finished(Outcome, Resources)
    case failed(AttemptFailure, Resources)

    package enum Outcome: String, CaseIterable, Sendable { case completed, stopped }
}

package struct MetricValue: Hashable, Sendable {
    package let name: String
    package let value: Double
    package init(_ name: String, _ value: Double) {
        self.name = name
        self.value = value
    }
}

/// Where a checkpoint lies; its bytes never travel over ZeroMQ.
package struct Checkpoint: Hashable, Sendable {
    package let step: Int64
    /// Absolute path of a directory, or a URI.
    package let location: String
    /// SHA-256 over the directory's files, hexadecimal; empty when it was not computed.
    package let digest: String
    package let bytes: Int64
    package init(step: Int64, location: String, digest: String, bytes: Int64) {
        self.step = step
        self.location = location
        self.digest = digest
        self.bytes = bytes
    }
}

/// What an attempt used; nil where it was not measured.
package struct Resources: Hashable, Sendable {
    package var seconds: Double?
    package var secondsPerStep: Double?
    package var peakMemoryBytes: Int64?
    package init(seconds: Double? = nil, secondsPerStep: Double? = nil, peakMemoryBytes: Int64? = nil) {
        self.seconds = seconds
        self.secondsPerStep = secondsPerStep
        self.peakMemoryBytes = peakMemoryBytes
    }
}

package struct AttemptFailure: Hashable, Sendable {
    package enum Cause: String, CaseIterable, Sendable {
        /// The user's script: exit code, exception, no metric.
        case user
        /// Killed by its own memory limit or out-of-memory error: a result (infeasible).
        case memory
        /// The trial's own time limit.
        case timeout
        /// The objective was NaN or infinite at the end: a result (infeasible).
        case diverged
        /// Killed by a signal that we did not send.
        case signal
        /// Not the trial's doing: the command could not be started for lack of resources, the disk was full, the worker
        /// was shutting down.
        case infrastructure
    }

    package let cause: Cause
    /// One line: "exit code 3", "no metric 'val_loss' was reported", …
    package let message: String
    package let exitCode: Int?
    /// The end of the output, at most `ProtocolLimits.tailBytes`.
    package let tail: String
    package init(cause: Cause, message: String, exitCode: Int? = nil, tail: String = "") {
        self.cause = cause
        self.message = message
        self.exitCode = exitCode
        self.tail = tail
    }
}

/// What the coordinator says.
package enum CoordinatorMessage: Hashable, Sendable {
    case welcome(Welcome)
    /// Resent until each is accepted or declined.
    case leases([Lease])
    /// Everything up to `sequence` of each fence is durable. Cumulative.
    case ack([FenceSequence])
    /// There is a gap: go back to `sequence`.
    case nack([FenceSequence])
    /// Desired state of every lease the worker holds: level-triggered, so a lost message heals itself.
    case beat(desired: [DesiredLease], drain: Bool)
    /// "I do not know this session": say hello.
    case resync
    case refusal(Refusal)
}

package struct FenceSequence: Hashable, Sendable {
    package let fence: Fence
    package let sequence: Int64
    package init(_ fence: Fence, _ sequence: Int64) {
        self.fence = fence
        self.sequence = sequence
    }
}

package struct DesiredLease: Hashable, Sendable {
    package enum State: String, CaseIterable, Sendable {
        case run
        /// End it with a last checkpoint within the grace time, and report how it ended.
        case stop
        /// A newer fence owns the trial or it is cancelled: kill it, report nothing more.
        case abandon
    }

    package let fence: Fence
    package let state: State
    /// Why, for the log and the user; empty for `run`.
    package let reason: String
    /// What the coordinator holds durably; the worker resends from the next one.
    package let acknowledged: Int64
    package init(fence: Fence, state: State, reason: String = "", acknowledged: Int64) {
        self.fence = fence
        self.state = state
        self.reason = reason
        self.acknowledged = acknowledged
    }
}

package struct Welcome: Hashable, Sendable {
    package var version: Int
    package var session: String
    package var epoch: Int64
    /// Names the database and the run of its coordinator.
    package var database: String
    /// Events a worker may have unacknowledged at once.
    package var window: Int
    package var heartbeat: Duration
    /// A verdict for every lease the hello named.
    package var desired: [DesiredLease]
    package init(
        version: Int, session: String, epoch: Int64, database: String, window: Int, heartbeat: Duration,
        desired: [DesiredLease]
    ) {
        self.version = version
        self.session = session
        self.epoch = epoch
        self.database = database
        self.window = window
        self.heartbeat = heartbeat
        self.desired = desired
    }
}

/// One attempt at one trial.
package struct Lease: Hashable, Sendable {
    package var fence: Fence
    package var sweep: SweepID
    package var sweepName: String
    package var trial: Int
    /// 1 for the first attempt.
    package var attempt: Int
    package var configuration: Configuration
    package var parametersDigest: String
    package var seed: UInt64
    package var objective: Objective
    package var maximumStep: Int64?
    /// The task of the worker's own that says what is run; then there is no command.
    package var task: String?
    /// The sweep file's command, macros unexpanded; empty when the worker brings its own function.
    package var command: [String]
    package var program: String?
    /// The folder the command runs in (the sweep file's), and the folder for this attempt's files.
    package var workingDirectory: String
    package var attemptDirectory: String
    package var resume: Checkpoint?
    package var timeLimit: Duration?
    package var memoryLimit: Int64?
    package var grace: Duration
    package var metricPattern: String?
    /// Older checkpoints of the trial, newest first, in case `resume` turns out to be damaged; at most
    /// `ProtocolLimits.fallbacksPerLease`.
    package var fallbacks: [Checkpoint]
    /// Where this attempt's checkpoints belong, a path or a URI; empty: in `attemptDirectory`.
    package var checkpointDirectory: String

    package init(
        fence: Fence, sweep: SweepID, sweepName: String, trial: Int, attempt: Int, configuration: Configuration,
        parametersDigest: String, seed: UInt64, objective: Objective, maximumStep: Int64? = nil, task: String? = nil,
        command: [String] = [],
        program: String? = nil, workingDirectory: String = "", attemptDirectory: String = "",
        resume: Checkpoint? = nil, timeLimit: Duration? = nil, memoryLimit: Int64? = nil,
        grace: Duration = .seconds(30), metricPattern: String? = nil, fallbacks: [Checkpoint] = [],
        checkpointDirectory: String = ""
    ) {
        self.fence = fence
        self.sweep = sweep
        self.sweepName = sweepName
        self.trial = trial
        self.attempt = attempt
        self.configuration = configuration
        self.parametersDigest = parametersDigest
        self.seed = seed
        self.objective = objective
        self.maximumStep = maximumStep
        self.task = task
        self.command = command
        self.program = program
        self.workingDirectory = workingDirectory
        self.attemptDirectory = attemptDirectory
        self.resume = resume
        self.timeLimit = timeLimit
        self.memoryLimit = memoryLimit
        self.grace = grace
        self.metricPattern = metricPattern
        self.fallbacks = fallbacks
        self.checkpointDirectory = checkpointDirectory
    }
}

package struct Refusal: Hashable, Sendable {
    package enum Code: String, CaseIterable, Sendable {
        case version, malformed, unknownType = "unknown_type", foreignFence = "foreign_fence", window, draining, revoked
        /// One of a later version.
        case other
    }
    package let code: Code
    package let message: String
    /// The worker must not try again sooner than a minute from now.
    package let isFatal: Bool
    package init(code: Code, message: String, isFatal: Bool) {
        self.code = code
        self.message = message
        self.isFatal = isFatal
    }
}

/// The envelope every message travels in.
package struct Envelope<Message: Hashable & Sendable>: Hashable, Sendable {
    /// The registration it belongs to; empty in a hello, and in the answer to an unknown session.
    package let session: String
    /// The coordinator's start count; 0 in a worker's messages before its welcome.
    package let epoch: Int64
    package let message: Message
    package init(session: String, epoch: Int64, message: Message) {
        self.session = session
        self.epoch = epoch
        self.message = message
    }
}

package enum ProtocolLimits {
    /// What this program speaks; a session takes the highest that both sides do.
    package static let versions = 1...2
    /// The first in which a worker says what it offers, and a lease may name a task.
    package static let taskVersion = 2
    package static let magic = "sweepd/1"
    /// Bytes of a JSON frame.
    package static let frameBytes = 1 << 20
    package static let depth = 16
    package static let eventsPerMessage = 100
    package static let window = 256
    package static let tailBytes = 8 << 10
    package static let leasesPerMessage = 64
    package static let fallbacksPerLease = 8
}
