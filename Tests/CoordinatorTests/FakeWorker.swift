// SPDX-License-Identifier: MIT

import Foundation
import SweepModel
import WorkerProtocol
import ZeroMQ

/// A worker made of a real DEALER socket and no session logic: tests say what it sends.
struct FakeWorker: ~Copyable {
    private var socket: Socket
    private(set) var session = ""
    private(set) var epoch: Int64 = 0

    init(endpoint: String, context: Context) throws {
        let address = try Endpoint(endpoint)
        var options = SocketOptions()
        options.linger = .seconds(1)
        var socket = try Socket(.dealer, in: context, options: options)
        try socket.connect(address)
        self.socket = socket
    }

    mutating func send(_ message: WorkerMessage) throws {
        _ = try socket.send(MessageCodec.encode(Envelope(session: session, epoch: epoch, message: message)))
    }

    mutating func sendRaw(_ frames: [[UInt8]]) throws {
        _ = try socket.send(frames)
    }

    /// The next message, or nil when none comes within the time.
    mutating func receive(within time: Duration = .seconds(5)) throws -> CoordinatorMessage? {
        let deadline = ContinuousClock.now + time
        while ContinuousClock.now < deadline {
            if let frames = try socket.receive() {
                let envelope = try MessageCodec.decodeCoordinatorMessage(frames)
                if case .welcome(let welcome) = envelope.message {
                    session = welcome.session
                    epoch = welcome.epoch
                }
                return envelope.message
            }
            try poll(socket, timeout: .milliseconds(50))
        }
        return nil
    }

    mutating func greet(slots: Int = 1, boot half: String = "ab") throws -> Welcome? {
        let boot = String(repeating: half, count: 16)
        try send(.hello(Hello(boot: boot, agent: "test/1", host: "here", processID: Int64(getpid()), slots: slots)))
        while let message = try receive() {
            if case .welcome(let welcome) = message { return welcome }
        }
        return nil
    }

    /// Runs leases until none comes: each trial reports x² once.
    ///
    /// - Parameter pause: how long each trial takes.
    /// - Returns: how many it ran, and the sequence numbers that were acknowledged for each fence.
    mutating func work(
        until limit: Int, within time: Duration = .seconds(2), pause: TimeInterval = 0
    ) throws -> [Fence: Int64] {
        var acknowledged: [Fence: Int64] = [:]
        while acknowledged.count < limit, let message = try receive(within: time) {
            switch message {
            case .leases(let leases):
                for lease in leases {
                    try send(
                        .accept(
                            fence: lease.fence, parametersDigest: ParametersDigest.hex(of: lease.configuration)))
                    if pause > 0 { Thread.sleep(forTimeInterval: pause) }
                    let x = lease.configuration["x"]?.doubleValue ?? .nan
                    let events: [AttemptEvent] = [
                        .started(resumedFrom: nil), .report(step: 1, metrics: [MetricValue("loss", x * x)]),
                        .finished(.completed, Resources(seconds: 0.001 + pause)),
                    ]
                    try send(
                        .events(
                            events.enumerated().map {
                                SequencedEvent(fence: lease.fence, sequence: Int64($0.offset + 1), event: $0.element)
                            }))
                }
            case .ack(let acks):
                for ack in acks { acknowledged[ack.fence] = max(acknowledged[ack.fence] ?? 0, ack.sequence) }
            case .welcome, .nack, .beat, .resync, .refusal: break
            }
        }
        return acknowledged
    }
}
