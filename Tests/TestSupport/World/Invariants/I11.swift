// SPDX-License-Identifier: MIT

import SweepEngine
import SweepModel
import WorkerProtocol

/// Nothing from a revoked or unknown key is applied, nor what a worker says of another's lease.
enum I11 {
    /// What a worker says of leases that are not its own.
    static let lawless = "lawless"

    static func check(_ event: Event, _ book: Book, isRevoked: (WorkerID) -> Bool) -> String? {
        switch event {
        case .observed(let fence, let sequence, let said):
            if said == .warning(lawless) { return "\(fence)/\(sequence) is from a worker that does not hold it" }
            return revoked(fence, book, isRevoked)
        case .accepted(let fence): return revoked(fence, book, isRevoked)
        case .ended(let fence, _, let said, _):
            if said.failed?.message == lawless { return "the end of \(fence) is from a worker that does not hold it" }
            return revoked(fence, book, isRevoked)
        case .workerJoined(let worker, _): return isRevoked(worker) ? "\(worker) is revoked and joins" : nil
        default: return nil
        }
    }

    private static func revoked(_ fence: Fence, _ book: Book, _ isRevoked: (WorkerID) -> Bool) -> String? {
        guard let worker = book.open[fence]?.worker, isRevoked(worker) else { return nil }
        return "\(worker) is revoked, and what it says of fence \(fence) is applied"
    }
}
