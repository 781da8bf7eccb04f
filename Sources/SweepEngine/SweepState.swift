// SPDX-License-Identifier: MIT

package import DequeModule
package import SearchAlgorithms
package import SweepModel
package import WorkerProtocol

/// Everything the engine knows of one sweep.
package struct SweepState: Hashable, Sendable {
    package enum Phase: Hashable, Sendable {
        case running
        case paused(PauseReason)
        case finished(FinishReason)
    }

    package internal(set) var definition: SweepDefinition
    /// What the sweep's rule has seen: a function of the reports and ends in the journal's order.
    package internal(set) var stopping: StoppingRule
    /// The steps at which trials that did not train to their end are compared with those that did.
    package private(set) var ladder: FidelityLadder?
    /// The folder of the sweep file; commands run there.
    package let directory: String
    package internal(set) var phase: Phase = .running
    package internal(set) var trials: [Trial] = []
    /// Of trials that are not over.
    package internal(set) var progress: [Int: Progress] = [:]
    /// What can be gone on from, oldest first, of any trial.
    package internal(set) var checkpoints: [Int: [HeldCheckpoint]] = [:]
    package internal(set) var checkpointBytes: Int64 = 0
    /// Trials that continue others, ascending.
    package internal(set) var continued: [Int] = []
    /// Milestones that trials have come to: each tells a model something.
    package internal(set) var milestonesPassed = 0
    /// Trials that have ended since the last new best.
    package internal(set) var sinceBest = 0
    package internal(set) var queue: Deque<Int> = []
    package internal(set) var counts = StateCounts()
    /// The index the sampler goes on from.
    package internal(set) var nextProposal = 0
    package internal(set) var baselinesQueued = 0
    /// Why the sweep had ended before one of its trials was continued or run again: nothing else begins in it, no limit
    /// holds them back, and after them it ends by that again.
    package internal(set) var formerEnd: FinishReason?
    /// Trials that the user has had run again since that end.
    package internal(set) var retriedAfterEnd: Set<Int> = []
    /// Configurations that the user put into the queue.
    package internal(set) var enqueued = 0
    package internal(set) var isExhausted = false
    package internal(set) var best: Best?
    /// Trials that a model can learn from, in the order in which they ended.
    package internal(set) var results: [Int] = []
    /// How many events the journal held after the last change of `results`.
    package internal(set) var resultsChanged: Int64 = 0
    /// The model's fits as of the latest proposal.
    package internal(set) var fits: [ModelFit] = []
    /// Trials handed to a caller who evaluates them himself.
    package internal(set) var asked: Set<Int> = []
    /// Steps reported over all attempts.
    package internal(set) var steps: Int64 = 0
    /// Wall-clock time of the processes before this one, and when this one began to work on it.
    package internal(set) var elapsedBefore: Duration = .zero
    package internal(set) var activeSince: Timestamp?
    package internal(set) var lastEventAt: Timestamp?
    /// Failures in a row at the start, for the pause that keeps a typo from burning the budget.
    package internal(set) var quickFailures = 0

    // Not journaled.
    package internal(set) var isActive = false
    /// When this process began to work on it; nil while the clock stands.
    var activeBoot: Instant?
    var isProposing = false
    /// Proposals of an adaptive sampler that no worker has taken yet. They are decided when one does, so until then a
    /// new result can improve them.
    package internal(set) var ready: Deque<ProposedConfiguration> = []
    /// How many of them were asked for, and whether the sampler had fewer to give.
    var requestedStock = 0
    /// How many became trials while the last were made.
    var takenDuringLook = 0
    var isReadyShort = false
    /// A model has a new fit since they were asked for.
    var isReadyOutdated = false
    /// No trial below this is unfinished.
    var firstUnfinished = 0

    mutating func replaceRule(_ definition: SweepDefinition) {
        guard definition.earlyTermination != self.definition.earlyTermination else { return }
        // What the old rule had recorded was recorded by other rungs.
        stopping = StoppingRule(definition.earlyTermination, seed: definition.seed)
        ladder = FidelityLadder(definition.earlyTermination)
        for number in trials.indices { trials[number].milestones = [] }
        // Those that run pass the new rungs as if it had been the rule all along: else they would come to its lowest ones
        // with what they have reached since. What it finds against them meanwhile is not enforced.
        for number in progress.keys.sorted() where !trials[number].isContinuation {
            guard let points = progress[number]?.curve.points else { continue }
            trials[number].milestones = ladder?.milestones(of: points, definition.objective) ?? []
            if trials[number].state.isOver { continue }
            var past = LearningCurve(goal: definition.objective.goal)
            for point in points {
                past.append(step: point.step, value: point.value)
                _ = stopping.judge(number, past)
            }
        }
    }

    package struct Best: Hashable, Sendable {
        package let trial: Int
        package let value: Double
    }

    init(definition: SweepDefinition, directory: String) {
        self.definition = definition
        self.directory = directory
        stopping = StoppingRule(definition.earlyTermination, seed: definition.seed)
        ladder = FidelityLadder(definition.earlyTermination)
    }

    /// Of the trials that continue others. There are few of them: a look at each is cheaper than to keep count.
    package var continuedCounts: StateCounts {
        var counts = StateCounts()
        for number in continued { counts[trials[number].state] += 1 }
        return counts
    }

    /// Nothing begins in it any more but what the user asks for by the trial's number.
    var hasEnded: Bool {
        if case .finished = phase { return true }
        return formerEnd != nil
    }

    /// A trial that its rule has paused is taken up by nobody: it ends with the sweep.
    var hasErrandsLeft: Bool {
        let isLeft = { (number: Int) in !trials[number].state.isOver && trials[number].state != .paused }
        return continued.contains(where: isLeft) || retriedAfterEnd.contains(where: isLeft)
    }

    /// What may begin although the sweep had ended.
    var queuedErrands: [Int] { queue.filter { trials[$0].isContinuation || retriedAfterEnd.contains($0) } }

    /// Of the trials that can count towards the total.
    package var ownCounts: StateCounts { continued.isEmpty ? counts : counts.without(continuedCounts) }

    /// Trials that use up the total: all but the cancelled and the continued ones.
    package var counted: Int { ownCounts.counted }

    /// Grows with all that a model can learn from; a retry takes some back.
    var knowledge: Int { results.count + milestonesPassed }

    /// Trials that a worker holds, or who asked for them.
    package var live: Int { counts[.leased] + counts[.running] }

    /// Live trials that end by themselves; who was handed a trial by `ask` may take a week.
    package var attended: Int { live - asked.count }

    /// How many more trials may be proposed; nil without a total.
    package var openTrials: Int? { definition.trials.map { max(0, $0 - counted) } }

    /// The clock that never jumps counts what this process works; the journal's times count the processes before it.
    package func elapsed(at now: Moment) -> Duration {
        guard let activeBoot else { return elapsed(at: now.wall) }
        return elapsedBefore + max(.zero, now.boot - activeBoot)
    }

    func elapsed(at now: Timestamp) -> Duration {
        guard let activeSince else { return elapsedBefore }
        return elapsedBefore + .milliseconds(max(0, now.milliseconds - activeSince.milliseconds))
    }
}

/// How many trials are in each state.
package struct StateCounts: Hashable, Sendable {
    private var counts = [Int](repeating: 0, count: Trial.State.allCases.count)

    package init(_ counts: [Trial.State: Int] = [:]) {
        for state in Trial.State.allCases { self[state] = counts[state] ?? 0 }
    }

    /// Trials that are over and were not cancelled.
    package var done: Int { self[.completed] + self[.stopped] + self[.failed] }

    /// Trials that use up a sweep's total: all but the cancelled.
    package var counted: Int {
        Trial.State.allCases.reduce(0) { $0 + ($1 == .cancelled ? 0 : self[$1]) }
    }

    /// - Parameter others: a part of these.
    package func without(_ others: StateCounts) -> StateCounts {
        var rest = self
        for state in Trial.State.allCases { rest[state] -= others[state] }
        return rest
    }

    package subscript(_ state: Trial.State) -> Int {
        get { counts[Self.position(state)] }
        set { counts[Self.position(state)] = newValue }
    }

    private static func position(_ state: Trial.State) -> Int {
        switch state {
        case .queued: 0
        case .leased: 1
        case .running: 2
        case .paused: 3
        case .completed: 4
        case .stopped: 5
        case .failed: 6
        case .cancelled: 7
        }
    }
}

/// A checkpoint that has not been discarded.
package struct HeldCheckpoint: Hashable, Sendable {
    package let checkpoint: Checkpoint
    /// The objective as of its step; nil while none was reported.
    package internal(set) var value: Double?
    /// The trial that wrote it, where it is another than the one that holds it: one that continues a trial begins with what
    /// that has. Its bytes count once.
    let writer: Int?

    init(_ checkpoint: Checkpoint, value: Double?, writer: Int? = nil) {
        self.checkpoint = checkpoint
        self.value = value
        self.writer = writer
    }

    /// What a worker says of its size is only so far believed that no sum of them overflows.
    var bytes: Int64 { writer == nil ? min(max(0, checkpoint.bytes), 1 << 42) : 0 }
}
