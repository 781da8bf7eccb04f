// SPDX-License-Identifier: MIT

import Foundation
import SweepEngine
import SweepModel
import Testing
import WorkerProtocol
import ZeroMQ

@testable import Coordinator

/// What goes on while nothing can be committed.
@Suite(.serialized, .timeLimit(.minutes(2))) struct FullDiskTests {
    private let folder: String
    private let context: Context
    private let transport: WorkerTransport
    private let engine = Engine(database: "d")
    private let runtime: RuntimeDirectory

    init() throws {
        context = try Context()
        folder = NSTemporaryDirectory() + "/sweepd-full-\(UInt32.random(in: .min ... .max))"
        runtime = RuntimeDirectory(dataDirectory: folder)
        try runtime.create()
        transport = try WorkerTransport(endpoint: runtime.workerEndpoint, context: context)
    }

    private func event(_ sequence: Int64) -> WorkerMessage {
        .events([
            SequencedEvent(
                fence: Fence(1), sequence: sequence,
                event: .report(step: sequence, metrics: [MetricValue("loss", 1)]))
        ])
    }

    /// What the transport kept, in order.
    private func kept() -> [WorkerMessage] {
        var messages: [WorkerMessage] = []
        while case .message(_, _, let envelope)? = transport.receive() { messages.append(envelope.message) }
        return messages
    }

    private func play(_ messages: [WorkerMessage], limit: WorkerTransport.BacklogLimit) throws -> CoordinatorMessage? {
        var worker = try FakeWorker(endpoint: runtime.workerEndpoint, context: context)
        for message in messages { try worker.send(message) }
        transport.keepAlive(until: Clock.boot + .milliseconds(500), engine: engine, limit: limit)
        return try worker.receive(within: .seconds(1))
    }

    /// Otherwise all workers would take the coordinator for dead, and reconnect again and again.
    @Test func beatsAreAnsweredBehindMoreThanIsKept() throws {
        defer { runtime.removeSockets() }
        let events = (1...5).map { event($0) }
        let answer = try play(
            events + [.beat(leases: [])], limit: WorkerTransport.BacklogLimit(messages: 3, bytes: 1 << 20))
        #expect(answer == .beat(desired: [], drain: false))
        // The rest is dropped, and not left in the socket.
        #expect(kept() == Array(events[..<3]))
        #expect(try play(events, limit: WorkerTransport.BacklogLimit(messages: 4, bytes: 1 << 20)) == nil)
        #expect(kept().count == 4)
    }

    @Test func whatIsKeptIsBoundedInBytes() throws {
        defer { runtime.removeSockets() }
        let events = (1...9).map { event($0) }
        let frames = MessageCodec.encode(Envelope(session: "", epoch: 0, message: events[0]))
        let bytes = frames.reduce(0) { $0 + $1.count }
        let limit = WorkerTransport.BacklogLimit(messages: 100, bytes: 4 * bytes + bytes / 2)
        for _ in 0..<2 {
            #expect(try play(events + [.beat(leases: [])], limit: limit) == .beat(desired: [], drain: false))
            // There is room again once it was taken out.
            #expect(kept() == Array(events[..<4]))
        }
    }
}
