// SPDX-License-Identifier: MIT

import SweepEngine
import SweepModel

/// Fences strictly increase across restarts and restores.
enum I2 {
    static func check(_ event: Event, _ book: Book) -> String? {
        switch event {
        case .leased(let fence, _, _, _):
            return fence > book.highestFence ? nil : "fence \(fence) after \(book.highestFence)"
        case .coordinatorStarted(let epoch, _):
            return epoch > book.epoch ? nil : "epoch \(epoch) after \(book.epoch)"
        default: return nil
        }
    }

    /// A restored coordinator may have forgotten fences that its workers still hold.
    ///
    /// - Parameter reported: the highest that a worker had named to this process in a hello when this was decided.
    static func check(decided event: Event, reported: Fence) -> String? {
        guard case .leased(let fence, _, _, _) = event, fence <= reported else { return nil }
        return "fence \(fence), and a worker has named \(reported)"
    }
}
