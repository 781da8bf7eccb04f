// SPDX-License-Identifier: MIT

import DequeModule
import OrderedCollections
package import SweepEngine
import SweepModel

/// Where a replayed engine differs from the live one in what the journal is to hold; nil when nowhere.
package func replayDifference(_ live: Engine, _ replayed: Engine) -> String? {
    if live.epoch != replayed.epoch { return "epoch \(live.epoch), replayed \(replayed.epoch)" }
    // A hello may have raised it above every fence the journal knows.
    if live.fences.next < replayed.fences.next {
        return "next fence \(live.fences.next), replayed \(replayed.fences.next)"
    }
    if Set(live.attempts.keys) != Set(replayed.attempts.keys) { return "live fences differ" }
    for (fence, attempt) in live.attempts {
        guard let other = replayed.attempts[fence] else { return "fence \(fence) is not replayed" }
        let isSame =
            attempt.trial == other.trial && attempt.worker == other.worker && attempt.number == other.number
            && attempt.state == other.state && attempt.acknowledged == other.acknowledged
            && attempt.stopReason == other.stopReason && attempt.isPausing == other.isPausing
            && attempt.startedAt == other.startedAt
        if !isSame { return "fence \(fence): \(attempt), replayed \(other)" }
    }
    if live.workers.keys != replayed.workers.keys { return "workers differ" }
    for (worker, state) in live.workers {
        guard let other = replayed.workers[worker] else { return "\(worker) is not replayed" }
        if state.facts != other.facts || state.leases != other.leases { return "\(worker) differs" }
    }
    if live.sweeps.keys != replayed.sweeps.keys { return "sweeps differ" }
    for (sweep, state) in live.sweeps {
        guard let other = replayed.sweeps[sweep] else { return "sweep \(sweep) is not replayed" }
        if let field = difference(state, other) { return "sweep \(sweep): \(field) differs" }
    }
    return nil
}

/// A value as text, whatever the order of the dictionaries in it.
private func dump<Value>(_ value: Value) -> [UInt8] { "\(value)".utf8.sorted() }

/// What may hold NaN, which equals nothing, is compared by its text where it seems to differ.
private func difference(_ live: SweepState, _ replayed: SweepState) -> String? {
    if live.definition != replayed.definition || live.directory != replayed.directory { return "definition" }
    if live.phase != replayed.phase { return "phase" }
    if live.trials != replayed.trials, dump(live.trials) != dump(replayed.trials) { return "trials" }
    if live.progress.keys.sorted() != replayed.progress.keys.sorted() { return "progress" }
    for (number, progress) in live.progress where "\(progress)" != replayed.progress[number].map({ "\($0)" }) {
        return "progress of trial \(number)"
    }
    if live.queue != replayed.queue { return "queue" }
    if live.counts != replayed.counts { return "counts" }
    if live.nextProposal != replayed.nextProposal || live.baselinesQueued != replayed.baselinesQueued {
        return "proposals"
    }
    if live.formerEnd != replayed.formerEnd || live.retriedAfterEnd != replayed.retriedAfterEnd { return "former end" }
    if live.isExhausted != replayed.isExhausted { return "exhaustion" }
    if live.best != replayed.best { return "best" }
    if live.steps != replayed.steps { return "steps" }
    if live.stopping != replayed.stopping, dump(live.stopping) != dump(replayed.stopping) {
        return "what the rule has seen"
    }
    if live.checkpoints != replayed.checkpoints || live.checkpointBytes != replayed.checkpointBytes {
        return "checkpoints"
    }
    if live.continued != replayed.continued || live.sinceBest != replayed.sinceBest { return "counts" }
    if live.quickFailures != replayed.quickFailures { return "quick failures" }
    if live.elapsedBefore != replayed.elapsedBefore || live.activeSince != replayed.activeSince
        || live.lastEventAt != replayed.lastEventAt
    {
        return "clock"
    }
    return nil
}
