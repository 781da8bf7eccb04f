// SPDX-License-Identifier: MIT

import SweepEngine
import SweepModel

/// No worker is given up falsely: only after a silence of a lease's life, never within the grace after a start, and never
/// where no fault lasts that long.
enum I14 {
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
        case .declined, .left, .forgotten: return nil
        }
    }
}
