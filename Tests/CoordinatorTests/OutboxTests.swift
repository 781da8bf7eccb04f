// SPDX-License-Identifier: MIT

import SweepEngine
import SweepModel
import Testing
import WorkerProtocol

@testable import Coordinator

/// What a turn has to say, in few messages.
@Suite struct OutboxTests {
    private let connection = Connection([0, 1])

    private func lease(_ fence: Int64) -> Lease {
        Lease(
            fence: Fence(fence), sweep: SweepID(1), sweepName: "s", trial: Int(fence), attempt: 1,
            configuration: Configuration([]), parametersDigest: "", seed: 1, objective: Objective(metric: "loss"))
    }

    /// After a stall the engine offers again what it granted in the same turn; two copies in one message would be two
    /// beginnings to a careless worker.
    @Test func aLeaseStandsInAMessageOnce() throws {
        var outbox = Outbox()
        for fence: Int64 in [4, 5, 4] { outbox.add(.leases([lease(fence)]), to: connection, session: "a") }
        let messages = outbox.messages()
        try #require(messages.count == 1)
        guard case .leases(let leases) = messages[0].message else {
            Issue.record("\(messages[0].message)")
            return
        }
        #expect(leases.map(\.fence) == [Fence(4), Fence(5)])
    }

    private func parts(_ leases: [Lease]) throws -> [[Lease]] {
        var outbox = Outbox()
        outbox.add(.leases(leases), to: connection, session: "a")
        return try outbox.messages().map { item in
            guard case .leases(let part) = item.message else { throw Unexpected(message: item.message) }
            return part
        }
    }

    struct Unexpected: Error { let message: CoordinatorMessage }

    /// A command can be a whole script, and a frame has an end.
    @Test func longLeasesShareNoMessageThatIsTooLong() throws {
        let script = String(repeating: "x", count: 60 << 10)
        let long = String(repeating: "d", count: ProtocolLimits.pathBytes - 1)
        let leases = (1...100 as ClosedRange<Int64>).map { fence in
            var lease = lease(fence)
            lease.command = fence.isMultiple(of: 10) ? ["true"] : ["sh", "-c", script]
            return lease
        }
        let parts = try parts(leases)
        #expect(parts.flatMap { $0 } == leases)
        #expect(parts.count < 15)
        for part in parts {
            // As they are sent.
            let whole = part.map { lease in
                var lease = lease
                lease.attemptDirectory = "/" + long
                lease.checkpointDirectory = "/" + long
                return lease
            }
            let frames = MessageCodec.encode(Envelope(session: "s", epoch: 1, message: .leases(whole)))
            #expect(frames[1].count <= ProtocolLimits.frameBytes)
            #expect(try MessageCodec.decodeCoordinatorMessage(frames).message == .leases(whole))
        }
    }

    @Test func shortLeasesAreAsManyAsAMessageMayHave() throws {
        #expect(try parts((1...130).map { lease($0) }).map(\.count) == [64, 64, 2])
    }

    /// What was meant for the session before is void.
    @Test func anotherSessionBeginsAnew() {
        var outbox = Outbox()
        outbox.add(.leases([lease(4)]), to: connection, session: "a")
        outbox.add(.leases([lease(5)]), to: connection, session: "b")
        let messages = outbox.messages()
        #expect(messages.map(\.session) == ["b"])
    }
}
