// SPDX-License-Identifier: MIT

import SweepEngine
import Synchronization
import ZeroMQ

/// What is asked of the coordinator's loop. Bounded by who asks: commands wait for their answers, and a sweep has at
/// most one request for proposals and one fit under way.
final class Mailbox: Sendable {
    enum Request: Sendable {
        /// Handled in order within one commit; answered when they are durable.
        case stimuli([Stimulus], reply: @Sendable (Result<[JournalEntry], any Error>) -> Void)
        /// As if it had come by the operators' socket.
        case request(OperatorRequest, reply: @Sendable (OperatorService.Outcome) -> Void)
        /// What an adaptive sampler has made.
        case made(MadeProposals)
        /// A fit of its models that was made beside the proposals.
        case fitted(MadeFits)
        case shutdown
    }

    let wakeup: EventDescriptor
    private let requests = Mutex<[Request]>([])
    private let isEnding = Mutex(false)

    init() throws {
        wakeup = try EventDescriptor()
    }

    func post(_ request: Request) {
        if case .shutdown = request { isEnding.withLock { $0 = true } }
        requests.withLock { $0.append(request) }
        wakeup.signal()
    }

    /// Stays true.
    var isShutdownRequested: Bool { isEnding.withLock { $0 } }

    func drain() -> [Request] {
        requests.withLock { waiting in
            defer { waiting.removeAll() }
            return waiting
        }
    }
}
