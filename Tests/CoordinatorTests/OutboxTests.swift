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

    /// A worker that is free waits for its next trial; nobody waits for an acknowledgement.
    @Test func verdictsComeFirstAndAcknowledgementsLast() throws {
        var outbox = Outbox()
        for connection in [connection, Connection([0, 2])] {
            outbox.add(.ack([FenceSequence(Fence(3), 9)]), to: connection, session: "a")
            outbox.add(.leases([lease(4)]), to: connection, session: "a")
            outbox.add(.resync, to: connection, session: "a")
        }
        let kinds = outbox.messages().map { item in
            switch item.message {
            case .leases: "leases"
            case .ack: "ack"
            default: "verdict"
            }
        }
        #expect(kinds == ["verdict", "verdict", "leases", "leases", "ack", "ack"])
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

    /// What a sweep file may have at most fits into a message, whatever folders and checkpoints the lease names besides.
    @Test func theLongestLeaseCanBeSent() throws {
        // The most bytes of JSON that a path of that length can take.
        let path = "/" + String(repeating: "\u{1}", count: ProtocolLimits.pathBytes - 1)
        let name = String(repeating: "\u{1}", count: ProtocolLimits.nameBytes)
        let checkpoint = Checkpoint(step: .max, location: path, digest: name, bytes: .max)
        let words = [String](repeating: String(repeating: "x", count: TrialBounds.argumentBytes), count: 9)
        let rest = TrialBounds.bytes - words.reduce(0) { $0 + $1.utf8.count } - 200
        var value = JSONValue.string(String(repeating: "y", count: rest))
        for _ in 0..<TrialBounds.valueDepth { value = .array([value]) }
        let longest = Lease(
            fence: Fence(.max), sweep: SweepID(.max), sweepName: name, trial: .max, attempt: .max,
            configuration: Configuration([.init("x", value)]), parametersDigest: name, seed: .max,
            objective: Objective(metric: name, target: -.leastNonzeroMagnitude), maximumStep: .max, command: words,
            program: path, workingDirectory: path, attemptDirectory: path, resume: checkpoint, timeLimit: .seconds(1),
            memoryLimit: .max, metricPattern: path,
            fallbacks: [Checkpoint](repeating: checkpoint, count: ProtocolLimits.fallbacksPerLease),
            checkpointDirectory: path)
        let frames = MessageCodec.encode(Envelope(session: name, epoch: .max, message: .leases([longest])))
        #expect(frames[1].count <= ProtocolLimits.frameBytes)
        // And what the sweep file has a say in is read.
        var lease = lease(1)
        (lease.command, lease.configuration) = (longest.command, longest.configuration)
        let message = try MessageCodec.decodeCoordinatorMessage(
            MessageCodec.encode(Envelope(session: "s", epoch: 1, message: .leases([lease])))
        ).message
        guard case .leases(let leases) = message else { throw Unexpected(message: message) }
        #expect(leases.map(\.command) == [words] && leases.map(\.configuration) == [longest.configuration])
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
