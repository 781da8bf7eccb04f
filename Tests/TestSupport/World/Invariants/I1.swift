// SPDX-License-Identifier: MIT

import SweepEngine
import SweepModel

/// At most one unfenced attempt per trial.
enum I1 {
    static func check(_ event: Event, _ book: Book) -> String? {
        switch event {
        case .leased(_, let trial, _, let attempt):
            if let other = book.holders[trial] { return "trial \(trial) is leased while fence \(other) holds it" }
            if book.asked.contains(trial) { return "trial \(trial) is leased while a caller has it" }
            if book.paused.contains(trial) { return "trial \(trial) is leased while it is paused" }
            let number = (book.attempts[trial] ?? 0) + 1
            return attempt == number ? nil : "attempt \(attempt) of \(trial) is its \(number)th"
        case .readopted(let fence):
            guard let trial = book.orphans[fence]?.trial else { return "fence \(fence) comes back and was not lost" }
            if let other = book.holders[trial] { return "fence \(fence) comes back while \(other) holds \(trial)" }
            return nil
        case .asked(let trial):
            if let other = book.holders[trial] { return "trial \(trial) is handed out while fence \(other) holds it" }
            return book.asked.contains(trial) ? "trial \(trial) is handed out twice" : nil
        case .trialCancelled(let trial):
            return book.holders[trial].map { "trial \(trial) is cancelled under fence \($0)" }
        case .workerLeft(let worker, _):
            return book.leases[worker]?.isEmpty == false ? "\(worker) left with a lease" : nil
        default: return nil
        }
    }
}
