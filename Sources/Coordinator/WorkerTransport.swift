// SPDX-License-Identifier: MIT

import DequeModule
import Foundation
import SweepEngine
import SweepModel
import WorkerProtocol
import ZeroMQ

/// The worker-facing ROUTER socket, its peers' identities, and the codec at the border.
final class WorkerTransport {
    struct Received {
        let connection: Connection
        let identity: PeerIdentity
        let envelope: Envelope<WorkerMessage>
    }

    /// A message that is none: what the peer is told, and what the log says.
    struct Malformed: Error {
        let connection: Connection
        let refusal: Refusal

        init(_ connection: Connection, _ reason: String, _ code: Refusal.Code) {
            self.connection = connection
            refusal = Refusal(code: code, message: reason, isFatal: false)
        }
    }

    private var socket: Socket
    private let endpoint: String
    /// Taken in while the disk was full.
    private var backlog: Deque<Result<Received, Malformed>> = []

    init(endpoint: String, context: Context) throws {
        self.endpoint = endpoint
        var options = SocketOptions()
        options.routerMandatory = true
        options.sendHighWaterMark = 256
        options.receiveHighWaterMark = 256
        options.maximumMessageSize = ProtocolLimits.frameBytes
        // Long enough for a last word to local workers; what matters is in the store.
        options.linger = .milliseconds(200)
        options.handshakeInterval = .seconds(5)
        socket = try Socket(.router, in: context, options: options)
        try socket.bind(Endpoint(endpoint))
    }

    /// Blocks until a message, an operator's request or a wake-up is there, or the time is over.
    func wait(with operators: OperatorService, wakeup: EventDescriptor, timeout: Duration) throws {
        if !backlog.isEmpty { return }
        try poll(socket, operators.socket, wakeup: wakeup, timeout: timeout)
    }

    /// The next message, or nil when none is waiting.
    func receive() -> Result<Received, Malformed>? {
        return backlog.popFirst() ?? receiveFromSocket()
    }

    private func receiveFromSocket() -> Result<Received, Malformed>? {
        guard let message = try? socket.receiveMessage(), let routingID = message.frames.first else { return nil }
        let connection = Connection(routingID)
        if message.isOversized {
            return .failure(Malformed(connection, "more than 1 MiB or too many frames", .malformed))
        }
        do throws(CodecError) {
            let envelope = try MessageCodec.decodeWorkerMessage(Array(message.frames.dropFirst()))
            return .success(
                Received(connection: connection, identity: Self.identity(of: message.peerAddress), envelope: envelope))
        } catch {
            let code: Refusal.Code = if case .unknownType = error { .unknownType } else { .malformed }
            return .failure(Malformed(connection, "\(error)", code))
        }
    }

    /// Over ipc the kernel names the peer: `host:uid:gid:pid`.
    private static func identity(of address: String?) -> PeerIdentity {
        let parts = (address ?? "").split(separator: ":")
        guard parts.count >= 3, let process = parts.last.flatMap({ Int32($0) }) else {
            return PeerIdentity(name: "unknown", isLocal: false)
        }
        return PeerIdentity(name: "\(process)", isLocal: process == getpid())
    }

    /// Queues a message; a peer that is gone or slow hears the desired state with its next beat.
    func send(_ message: CoordinatorMessage, session: String, epoch: Int64, to connection: Connection) {
        let frames = MessageCodec.encode(Envelope(session: session, epoch: epoch, message: message))
        _ = try? socket.send([connection.routingID] + frames)
    }

    /// While nothing can be committed: beats are answered so that no worker gives up on us, everything else waits in
    /// order.
    func keepAlive(until deadline: Instant, engine: borrowing Engine, limit: Int) {
        while Clock.boot < deadline {
            let pause = deadline - Clock.boot
            if backlog.count >= limit {
                Thread.sleep(forTimeInterval: Double(pause.milliseconds) / 1000)
                return
            }
            guard let message = receiveFromSocket() else {
                Thread.sleep(forTimeInterval: 0.01)
                continue
            }
            if case .success(let received) = message, case .beat = received.envelope.message {
                send(
                    .beat(desired: [], drain: false), session: received.envelope.session, epoch: engine.epoch,
                    to: received.connection)
            } else {
                backlog.append(message)
            }
        }
    }
}
