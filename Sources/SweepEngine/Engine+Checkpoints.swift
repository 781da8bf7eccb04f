// SPDX-License-Identifier: MIT

import OrderedCollections
import SweepModel
import WorkerProtocol

/// Which checkpoints are kept. What no rule needs is discarded as soon as something newer is there; nothing that is a
/// trial's only checkpoint ever is.
extension Engine {
    mutating func discardCheckpoints(of trial: TrialID, _ turn: inout Turn) {
        guard let sweep = sweeps[trial.sweep], let held = sweep.checkpoints[trial.number] else { return }
        let needed = sweep.neededCheckpoints(trial.number)
        for (place, candidate) in held.enumerated() where !needed.contains(place) {
            discard(candidate, of: trial, &turn)
        }
        keepToBudget(trial.sweep, &turn)
    }

    private mutating func discard(_ held: HeldCheckpoint, of trial: TrialID, _ turn: inout Turn) {
        let isShared = sweeps[trial.sweep]?.isShared(held.checkpoint.location, of: trial.number) ?? false
        decide(.checkpointDiscarded(trial, location: held.checkpoint.location), &turn)
        if !isShared {
            let writer = TrialID(sweep: trial.sweep, number: held.writer ?? trial.number)
            turn.reaction.effects.append(.discard(writer, location: held.checkpoint.location))
        }
    }

    /// Over the budget trials that are over or paused give up all but the last, the worst trials first.
    private mutating func keepToBudget(_ id: SweepID, _ turn: inout Turn) {
        guard let sweep = sweeps[id], let total = sweep.definition.checkpoints?.total, sweep.checkpointBytes > total
        else { return }
        let objective = sweep.definition.objective
        let candidates = sweep.checkpoints.filter { number, held in
            held.count > 1 && (sweep.trials[number].state.isOver || sweep.trials[number].state == .paused)
        }.keys.sorted { left, right in
            let (one, other) = (sweep.trials[left].value, sweep.trials[right].value)
            switch (one, other) {
            case (let one?, let other?) where one != other: return objective.isBetter(other, than: one)
            case (nil, .some): return true
            case (.some, nil): return false
            default: return left < right
            }
        }
        for number in candidates {
            for held in sweep.checkpoints[number]?.dropLast() ?? [] {
                if (sweeps[id]?.checkpointBytes ?? 0) <= total { return }
                discard(held, of: TrialID(sweep: id, number: number), &turn)
            }
        }
    }
}

extension SweepState {
    /// What a trial goes on from where its latest checkpoint turns out to be damaged, newest first.
    func fallbacks(_ number: Int) -> [Checkpoint] {
        let older = checkpoints[number]?.dropLast().suffix(ProtocolLimits.fallbacksPerLease) ?? []
        return older.reversed().map(\.checkpoint)
    }

    /// Whether a checkpoint that is held besides is in the same place or lies around or in it, so that this one's files must
    /// stay: one that contains others is common, and a trial that was continued shares its own with the one that goes on.
    fileprivate func isShared(_ location: String, of number: Int) -> Bool {
        func overlaps(_ held: [HeldCheckpoint]) -> Bool {
            held.contains { CheckpointLocation.overlap($0.checkpoint.location, location) }
        }
        if overlaps((checkpoints[number] ?? []).filter { $0.checkpoint.location != location }) { return true }
        return !continued.isEmpty && checkpoints.contains { $0.key != number && overlaps($0.value) }
    }

    /// The places in `checkpoints[number]` that the sweep's policy keeps.
    func neededCheckpoints(_ number: Int) -> Set<Int> {
        guard let held = checkpoints[number], let last = held.indices.last else { return [] }
        let keep = definition.checkpoints?.keep ?? .bestAndLast
        if keep == .all { return Set(held.indices) }
        var needed: Set<Int> = [last]
        // Until the trial is over one more, in case the last turns out to be damaged.
        if !trials[number].state.isOver, last > 0 { needed.insert(last - 1) }
        if keep == .bestAndLast {
            var best: Int?
            for (place, candidate) in held.enumerated() {
                guard let value = candidate.value, value.isFinite else { continue }
                if let known = best.flatMap({ held[$0].value }), !definition.objective.isBetter(value, than: known) {
                    continue
                }
                best = place
            }
            if let best { needed.insert(best) }
        }
        return needed
    }
}
