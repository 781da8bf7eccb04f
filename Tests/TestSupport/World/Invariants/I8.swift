// SPDX-License-Identifier: MIT

import SweepEngine
import SweepModel
import WorkerProtocol

/// The retry budget is respected: the user's failures are tried again so often as he said, and nothing else is charged
/// to him.
enum I8 {
    static func check(_ event: Event, _ book: Book, maximumLosses: Int) -> String? {
        let (fence, disposition, isLoss, isUsers): (Fence, Disposition, Bool, Bool)
        switch event {
        case .ended(let a, _, let said, let b):
            let cause = said.failed?.cause
            // A trial that ends without a result is its user's failure too.
            (fence, disposition) = (a, b)
            (isLoss, isUsers) = (cause == .infrastructure, cause != .infrastructure)
        case .released(let a, let reason, let b):
            (fence, disposition, isLoss, isUsers) = (a, b, Book.isLoss(reason), false)
        default: return nil
        }
        guard let trial = book.open[fence]?.trial else { return nil }
        let used = book.requeues[trial] ?? (0, 0)
        switch disposition {
        case .requeued(let charged):
            if charged, !isUsers { return "trial \(trial) is charged for what its user did not do" }
            if charged, used.charged >= book.definitions[trial.sweep]?.retries ?? 0 {
                return "trial \(trial) is retried \(used.charged + 1) times"
            }
            if isLoss, used.free >= maximumLosses { return "trial \(trial) is lost \(used.free + 1) times" }
            return nil
        case .settled(let settlement):
            // Not given up before the budget is used up.
            guard settlement.state == .failed, !settlement.isInfeasible, book.open[fence]?.isStopping == false else {
                return nil
            }
            if isUsers, used.charged < book.definitions[trial.sweep]?.retries ?? 0 {
                return "trial \(trial) fails after \(used.charged) retries"
            }
            return isLoss && used.free < maximumLosses ? "trial \(trial) fails after \(used.free) losses" : nil
        case .paused: return nil
        }
    }

    /// The engine has counted the losses that the journal tells of, before they are so many that it gives up.
    static func check(_ engine: Engine, _ book: Book) -> String? {
        for (trial, used) in book.requeues where book.ended[trial] == nil {
            let counted = engine.sweeps[trial.sweep]?.trials[trial.number].losses ?? 0
            if counted != used.free { return "trial \(trial) was lost \(used.free) times, and \(counted) are counted" }
        }
        return nil
    }
}
