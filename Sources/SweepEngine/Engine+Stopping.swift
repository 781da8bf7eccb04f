// SPDX-License-Identifier: MIT

import OrderedCollections
import Randomness
import SearchAlgorithms
import SweepModel
import WorkerProtocol

/// What is done about a pruner's verdict, and how paused trials go on.
extension Engine {
    /// Baselines train to their end: they are what the result is compared with.
    mutating func enforce(_ verdict: Verdict, on fence: Fence, _ turn: inout Turn) {
        guard let attempt = attempts[fence], let trial = trial(attempt.trial),
            let definition = sweeps[attempt.trial.sweep]?.definition
        else { return }
        let isBroken = verdict.rule == .nan
        // It was to go on, whatever else is found against it but that it has diverged.
        if let known = trial.judgement, !isBroken || known.enforcement.endsAttempt { return }
        if case .baseline = trial.source, !isBroken { return }
        let enforcement: Enforcement
        if !isBroken, definition.earlyTermination?.isDryRun == true {
            enforcement = .dryRun
        } else if !isBroken, isControl(attempt.trial, definition) {
            enforcement = .control
        } else {
            enforcement = verdict.action == .pause ? .paused : .stopped
        }
        decide(.judged(fence, verdict, enforcement), &turn)
        if enforcement.endsAttempt { sendDesired(fence, &turn) }
    }

    /// Drawn by the trial alone: the same in a repeated sweep.
    private func isControl(_ trial: TrialID, _ definition: SweepDefinition) -> Bool {
        guard let share = definition.earlyTermination?.controlShare, share > 0 else { return false }
        var stream = RandomStream(seed: definition.seed, index: trial.number, purpose: .control)
        return stream.nextUniform() < share
    }

    /// The paused trial that goes on before a new one begins, if there is one.
    mutating func promote(_ sweep: SweepID, _ turn: inout Turn) {
        guard let number = sweeps[sweep]?.promotable else { return }
        decide(.promoted(TrialID(sweep: sweep, number: number)), &turn)
    }

    /// Paused trials end with the sweep.
    mutating func retirePaused(_ sweep: SweepID, _ turn: inout Turn) {
        guard let state = sweeps[sweep], state.counts[.paused] > 0 else { return }
        for number in state.trials.indices where state.trials[number].state == .paused {
            let trial = TrialID(sweep: sweep, number: number)
            decide(.retired(trial, settlement(.stopped, of: trial)), &turn)
            discardCheckpoints(of: trial, &turn)
        }
    }

    mutating func continueTrial(_ trial: TrialID, steps: Int64, _ turn: inout Turn) throws(EngineError) {
        guard let sweep = sweeps[trial.sweep] else { throw .unknownSweep(trial.sweep) }
        guard sweep.trials.indices.contains(trial.number) else { throw .unknownTrial(trial) }
        let parent = sweep.trials[trial.number]
        guard parent.state.isOver else { throw .trialIsNot("over", trial, parent.state.rawValue) }
        guard let last = sweep.checkpoints[trial.number]?.last else { throw .trialHasNoCheckpoint(trial) }
        let until = last.checkpoint.step.addingSaturated(max(1, steps))
        let number = TrialID(sweep: trial.sweep, number: sweep.trials.count)
        decide(
            .proposed(
                number, .continuation(of: trial.number, until: until), parent.configuration), &turn)
    }
}

extension SweepState {
    /// The paused trial that has earned to go on.
    var promotable: Int? {
        guard counts[.paused] > 0 else { return nil }
        return stopping.promotable { trials[$0].state == .paused } ?? lastHope
    }

    /// Where all that were begun are paused and nothing is left to begin, the best goes on: else a small sweep would end
    /// with nothing trained to its end.
    private var lastHope: Int? {
        guard counts[.completed] == 0, live == 0, counts[.queued] == 0, ready.isEmpty, !isProposing,
            openTrials == 0 || isExhausted
        else { return nil }
        return trials.indices.filter { trials[$0].state == .paused }.max { left, right in
            guard let value = trials[right].value else { return false }
            return trials[left].value.map { definition.objective.isBetter(value, than: $0) } ?? true
        }
    }

    /// The trial whose seed it is trained with: its own, or of the trial it continues.
    func seedTrial(_ number: Int) -> Int {
        var number = number
        while let parent = trials[number].source.parent { number = parent }
        return number
    }

    /// The seed it trains with.
    package func seed(of number: Int) -> UInt64 { trialSeed(sweepSeed: definition.seed, trial: seedTrial(number)) }

    /// How far the trial is to train.
    package func maximumStep(_ number: Int) -> Int64? { trials[number].source.until ?? definition.maximumStep }
}
