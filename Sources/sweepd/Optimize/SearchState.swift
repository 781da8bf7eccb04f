// SPDX-License-Identifier: MIT

import SearchAlgorithms
import SweepModel

/// A trial that was proposed to a caller who evaluates it himself.
struct AskedTrial: Sendable {
    let id: Int
    let configuration: Configuration

    var json: JSONValue {
        .object([.init("id", .integer(Int64(id))), .init("params", configuration.json)])
    }
}

/// A search in memory: what was asked, what was reported and told, what comes next.
struct SearchState {
    private struct Trial {
        let configuration: Configuration
        var curve: LearningCurve
        /// Its values at the steps of the ladder.
        var milestones: [Double] = []
        var verdict: Verdict?
    }

    let definition: SweepDefinition
    private let sampler: SweepSampler
    private let ladder: FidelityLadder?
    private var stopping: StoppingRule
    /// Trials by their ids.
    private var trials: [Trial] = []
    /// In the order in which it was told.
    private var told: [TrialEvidence] = []
    /// Ids of trials not told yet, ascending.
    private var pending: [Int] = []
    private var seen = SeenConfigurations()
    private var nextIndex = 0
    private var fits: [ModelFit] = []
    /// What was learned from the results so far; nil when there is something new.
    private var learned: (any LearnedSampler)?

    init(_ definition: SweepDefinition, sampler: SweepSampler) {
        self.definition = definition
        self.sampler = sampler
        ladder = FidelityLadder(definition.earlyTermination)
        stopping = StoppingRule(definition.earlyTermination, seed: definition.seed)
    }

    func wasAsked(_ id: Int) -> Bool { trials.indices.contains(id) }
    func isPending(_ id: Int) -> Bool { pending.contains(id) }

    /// The step of a trial's latest report.
    func lastStep(_ id: Int) -> Int64? { trials[id].curve.last?.step }

    /// Up to `count` trials, fewer when the space is exhausted.
    mutating func ask(_ count: Int) -> [AskedTrial] {
        (0..<count).compactMap { _ in
            guard let configuration = propose() else { return nil }
            return begin(configuration)
        }
    }

    /// A trial of the caller's own choice.
    mutating func begin(_ configuration: Configuration) -> AskedTrial {
        seen.insert(configuration)
        let id = trials.count
        trials.append(Trial(configuration: configuration, curve: LearningCurve(goal: definition.objective.goal)))
        pending.append(id)
        return AskedTrial(id: id, configuration: configuration)
    }

    private mutating func propose() -> Configuration? {
        switch sampler {
        case .fixed(let sampler):
            guard let proposal = sampler.proposal(at: nextIndex, excluding: seen) else { return nil }
            nextIndex = proposal.index + 1
            return proposal.configuration
        case .adaptive(let sampler):
            let waiting = pending.map { trials[$0].configuration }
            let learned =
                learned
                ?? sampler.learn(
                    SearchHistory(results: results, pending: waiting, seen: seen), fits: fits, mayFit: true)
            self.learned = learned
            fits = learned.fits
            defer { nextIndex += 1 }
            return learned.configuration(at: nextIndex, pending: waiting, excluding: seen)?.configuration
        }
    }

    /// What a model may learn from: trials that were stopped, and those under way, count as if they had been trained on.
    private var results: [SearchHistory.Result] {
        let underWay = pending.map {
            TrialEvidence(trials[$0].configuration, milestones: trials[$0].milestones, end: .underWay)
        }
        let evidence = told + underWay
        let adjustment = RungAdjustment(ladder, evidence)
        return evidence.compactMap { adjustment.result(of: $0) }
    }

    /// - Precondition: the trial is pending, and the step is not below its last.
    /// - Returns: why it is to stop; nil when it goes on.
    mutating func report(_ id: Int, step: Int64, value: Double) -> Verdict? {
        trials[id].curve.append(step: step, value: value)
        // What comes after a verdict enters no rung.
        if let verdict = trials[id].verdict { return verdict }
        if let ladder, let summary = trials[id].curve.summary(definition.objective.summary)?.value,
            ladder.pass(&trials[id].milestones, step: step, value: summary) > 0
        {
            learned = nil
        }
        let verdict = stopping.judge(id, trials[id].curve)
        // On trial itself, the rule only listens; what has diverged is stopped all the same.
        if definition.earlyTermination?.isDryRun == true, verdict?.rule != .nan { return nil }
        trials[id].verdict = verdict
        return verdict
    }

    /// - Precondition: the trial is pending.
    mutating func tell(_ id: Int, _ value: Double?) {
        pending.removeAll { $0 == id }
        // One that went on to its end all the same has completed.
        if let end = definition.maximumStep, let last = lastStep(id), last >= end { trials[id].verdict = nil }
        let isStopped = trials[id].verdict != nil
        stopping.conclude(id, trials[id].curve, value == nil ? .void : isStopped ? .stopped : .completed)
        told.append(
            TrialEvidence(
                trials[id].configuration, milestones: trials[id].milestones,
                end: value == nil ? .failed : isStopped ? .stopped(value) : .completed(value)))
        learned = nil
    }

    /// A result from elsewhere.
    mutating func load(_ result: SearchHistory.Result) {
        seen.insert(result.configuration)
        told.append(TrialEvidence(result.configuration, end: result.value == nil ? .failed : .completed(result.value)))
        learned = nil
    }
}
