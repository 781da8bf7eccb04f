// SPDX-License-Identifier: MIT

import SweepEngine
import SweepModel
import WorkerProtocol

/// What is acknowledged is in the durable image.
enum I4 {
    static func check(_ message: CoordinatorMessage, to worker: WorkerID?, _ book: Book) -> String? {
        switch message {
        case .ack(let acks):
            for ack in acks {
                if let open = book.open[ack.fence], open.worker == worker {
                    if ack.sequence > open.sequence {
                        return "\(ack.fence)/\(ack.sequence) is acknowledged, not durable"
                    }
                } else if !book.granted.contains(ack.fence) {
                    return "fence \(ack.fence) is acknowledged, and was never granted"
                }
            }
            return nil
        case .beat(let desired, _): return check(desired, book)
        case .welcome(let welcome): return check(welcome.desired, book)
        case .nack(let gaps):
            return gaps.first { !book.granted.contains($0.fence) }.map { "a gap in fence \($0.fence), never granted" }
        case .leases, .resync, .refusal: return nil
        }
    }

    private static func check(_ desired: [DesiredLease], _ book: Book) -> String? {
        desired.first { lease in
            lease.state != .abandon && book.open[lease.fence].map { lease.acknowledged > $0.sequence } == true
        }.map { "\($0.fence)/\($0.acknowledged) is acknowledged by a verdict, not durable" }
    }
}
