// SPDX-License-Identifier: MIT

import OrderedCollections
import SweepEngine
import SweepModel

/// Terminal states never change, but for a retry on the user's word.
enum I6 {
    static func check(_ event: Event, _ book: Book) -> String? {
        switch event {
        case .leased(_, let trial, _, _), .asked(let trial), .trialCancelled(let trial), .promoted(let trial):
            if let state = book.ended[trial] { return "trial \(trial) is \(state), and goes on" }
            if case .promoted = event, !book.paused.contains(trial) { return "trial \(trial) is promoted, not paused" }
            return nil
        case .told(let trial, _):
            if let state = book.ended[trial] { return "trial \(trial) is \(state), and told" }
            return book.asked.contains(trial) ? nil : "trial \(trial) is told and was never handed out"
        case .retired(let trial, _):
            if let state = book.ended[trial] { return "trial \(trial) is \(state), and retired" }
            return book.paused.contains(trial) ? nil : "trial \(trial) is retired and was not paused"
        case .ended(let fence, _, _, _), .released(let fence, _, _):
            guard let open = book.open[fence] else { return "fence \(fence) ends twice" }
            return book.ended[open.trial].map { "trial \(open.trial) is \($0), and ends again" }
        case .trialRetried(let trial):
            return book.ended[trial] == .failed ? nil : "trial \(trial) is retried and had not failed"
        case .accepted(let fence), .stopRequested(let fence, _), .judged(let fence, _, _):
            return book.open[fence] == nil ? "fence \(fence) is not open" : nil
        case .sweepFinished(let sweep, let reason):
            let isHeld = book.open.values.contains { $0.trial.sweep == sweep && !$0.isStopping }
            if isHeld { return "sweep \(sweep) ends under a lease" }
            // A sweep that a limit or its target ended may go on: what was queued waits.
            guard reason == .trials || reason == .exhausted || reason == .cancelled else { return nil }
            let left = (book.configurations[sweep] ?? []).indices.first {
                book.ended[TrialID(sweep: sweep, number: $0)] == nil
            }
            return left.map { "sweep \(sweep) is finished before its trial \($0)" }
        default: return nil
        }
    }

    /// The state has what the journal says.
    static func check(_ engine: Engine, _ book: Book) -> String? {
        for (trial, state) in book.ended {
            guard let trials = engine.sweeps[trial.sweep]?.trials, trials.indices.contains(trial.number) else {
                return "trial \(trial) is gone"
            }
            let found = trials[trial.number].state
            if found.rawValue != state.rawValue { return "trial \(trial) was \(state) and is \(found)" }
        }
        return nil
    }
}
