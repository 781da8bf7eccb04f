// SPDX-License-Identifier: MIT

import SweepEngine
import SweepModel
import WorkerProtocol

/// No worker is given up falsely: only after a silence of a lease's life, never within the grace after a start, and never
/// where no fault lasts that long.
enum I14 {
    /// Whoever comes back to a trial that nobody else was given keeps it.
    ///
    /// - Parameter events: what was decided upon the hello.
    static func check(
        _ hello: Hello, of worker: WorkerID?, decided events: [JournalEntry], _ engine: Engine, _ book: Book
    ) -> String? {
        for held in hello.running {
            guard let orphan = book.orphans[held.fence], orphan.worker == worker,
                case .running? = engine.sweeps[orphan.trial.sweep]?.phase,
                engine.sweeps[orphan.trial.sweep]?.formerEnd == nil
            else { continue }
            let isBack = events.contains { $0.event == .readopted(held.fence) }
            let isOthers = events.contains {
                if case .leased(_, orphan.trial, _, _) = $0.event { true } else { false }
            }
            if !isBack, !isOthers { return "\(orphan.worker) comes back with \(held.fence) and is turned away" }
        }
        return nil
    }

    /// - Parameters:
    ///   - heard: when this process last heard each worker.
    ///   - start: when it began.
    static func check(
        _ event: Event, _ engine: Engine, heard: [WorkerID: Instant], start: Instant, now: Instant,
        worker: (Fence) -> WorkerID?, isLocal: (WorkerID) -> Bool, isMild: Bool
    ) -> String? {
        guard case .released(let fence, let reason, _) = event, let holder = worker(fence) else { return nil }
        switch reason {
        case .lost:
            if isMild { return "\(holder) is given up, and no fault lasted so long" }
            if let at = heard[holder] {
                return now - at < engine.timers.leaseLifetime ? "\(holder) is given up \(now - at) after a word" : nil
            }
            return now - start < engine.timers.resumeGrace ? "\(holder) is given up \(now - start) after a start" : nil
        case .restarted: return isLocal(holder) ? nil : "\(holder) outlives a coordinator and loses its leases"
        case .declined, .left, .forgotten, .unstarted: return nil
        }
    }
}
