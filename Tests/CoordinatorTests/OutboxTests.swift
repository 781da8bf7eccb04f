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

    /// What was meant for the session before is void.
    @Test func anotherSessionBeginsAnew() {
        var outbox = Outbox()
        outbox.add(.leases([lease(4)]), to: connection, session: "a")
        outbox.add(.leases([lease(5)]), to: connection, session: "b")
        let messages = outbox.messages()
        #expect(messages.map(\.session) == ["b"])
    }
}
