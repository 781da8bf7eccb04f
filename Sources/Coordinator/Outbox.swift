// SPDX-License-Identifier: MIT

import OrderedCollections
import SweepEngine
import SweepModel
import WorkerProtocol

/// The messages of one turn, coalesced per connection: one acknowledgement a fence, one message for all leases.
struct Outbox {
    private struct Pile {
        var session = ""
        var acks: OrderedDictionary<Fence, Int64> = [:]
        /// By fence: one that is offered again in the turn that granted it (the turn came after a stall) is offered once.
        var leases: OrderedDictionary<Fence, Lease> = [:]
    }

    typealias Message = (connection: Connection, session: String, message: CoordinatorMessage)

    /// Welcomes, verdicts and refusals, in order.
    private var verdicts: [Message] = []
    private var piles: OrderedDictionary<Connection, Pile> = [:]

    mutating func add(_ message: CoordinatorMessage, to connection: Connection, session: String) {
        switch message {
        case .welcome, .nack, .beat, .resync, .refusal:
            verdicts.append((connection, session, message))
        case .ack(let acks):
            for ack in acks {
                pile(connection, session) { $0.acks[ack.fence] = max($0.acks[ack.fence] ?? 0, ack.sequence) }
            }
        case .leases(let leases):
            for lease in leases { pile(connection, session) { $0.leases[lease.fence] = lease } }
        }
    }

    private mutating func pile(_ connection: Connection, _ session: String, _ change: (inout Pile) -> Void) {
        // What was meant for the session before is void: its worker says hello again and hears it then.
        if piles[connection]?.session != session { piles[connection] = Pile(session: session) }
        change(&piles[connection, default: Pile(session: session)])
    }

    /// Verdicts first, then new work, for which a worker may be waiting, then acknowledgements, for which none does.
    consuming func messages() -> [Message] {
        var result = verdicts
        for (connection, pile) in piles {
            for leases in Self.parts(pile.leases.values) {
                result.append((connection, pile.session, .leases(leases)))
            }
        }
        for (connection, pile) in piles where !pile.acks.isEmpty {
            let acks = pile.acks.map { FenceSequence($0.key, $0.value) }
            result.append((connection, pile.session, .ack(acks)))
        }
        return result
    }

    /// As many leases as a message may have, and as fit: a command that is a whole script makes each as long as it is. A
    /// frame that is too long would be dropped by its worker, each time it is offered again.
    private static func parts(_ leases: some Sequence<Lease>) -> [[Lease]] {
        var parts: [[Lease]] = []
        var room = 0
        for lease in leases {
            // The folders of the attempt and of its checkpoints are put in when it is sent.
            let bytes = MessageCodec.size(of: lease) + 2 * ProtocolLimits.pathBytes
            if bytes > room || parts.last.map({ $0.count == ProtocolLimits.leasesPerMessage }) ?? true {
                parts.append([])
                room = ProtocolLimits.leaseBytesPerMessage
            }
            parts[parts.count - 1].append(lease)
            room -= bytes
        }
        return parts
    }
}
