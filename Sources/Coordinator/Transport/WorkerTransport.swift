// SPDX-License-Identifier: MIT

import DequeModule
import Foundation
import SweepEngine
import SweepModel
import WorkerProtocol
import ZeroMQ

extension SocketOptions {
    /// For either socket on which workers come in.
    static var workers: SocketOptions {
        var options = SocketOptions()
        options.routerMandatory = true
        options.sendHighWaterMark = 256
        options.receiveHighWaterMark = 256
        options.maximumMessageSize = ProtocolLimits.frameBytes
        // Long enough for a last word to workers; what matters is in the store.
        options.linger = .milliseconds(200)
        options.handshakeInterval = .seconds(5)
        return options
    }
}

extension Socket {
    /// A message that cannot be queued is given up: a slow peer hears the desired state with its next beat.
    ///
    /// - Returns: false when nobody of that name is connected.
    mutating func sendIfReachable(_ frames: [[UInt8]]) -> Bool {
        do {
            _ = try send(frames)
            return true
        } catch {
            return error != .hostUnreachable
        }
    }
}

/// The sockets on which workers come in: that of this machine, and where it listens that of the network.
///
/// A connection's name begins with a byte that says to which socket it belongs.
final class WorkerTransport {
    private let local: LocalSocket
    private var remote: RemoteSocket?
    /// Who still counts, of those who came in over the network: asked for each message.
    var isAdmitted: (String) -> Bool = { _ in false }
    /// Which socket is read next, so that neither keeps the other waiting.
    private var isRemoteNext = false
    /// Taken in while the disk was full.
    private var backlog: Deque<Arrival> = []
    private var backlogBytes = 0

    /// What is kept of that.
    struct BacklogLimit {
        var messages: Int
        var bytes: Int
    }

    init(endpoint: String, context: Context) throws {
        local = try LocalSocket(endpoint: endpoint, context: context)
    }

    func listen(_ socket: RemoteSocket) {
        remote = socket
    }

    /// Ends every connection over the network at once; those whose keys count come back by themselves.
    func cutRemote() throws {
        try remote?.cutAll()
    }

    /// Blocks until a message, an operator's request or a wake-up is there, or the time is over.
    func wait(with operators: OperatorService, wakeup: EventDescriptor, timeout: Duration) throws {
        if !backlog.isEmpty { return }
        if let remote {
            try poll(local.socket, operators.socket, remote.socket, wakeup: wakeup, timeout: timeout)
        } else {
            try poll(local.socket, operators.socket, wakeup: wakeup, timeout: timeout)
        }
    }

    /// What came next, or nil when nothing waits.
    func receive() -> Arrival? {
        guard let arrival = backlog.popFirst() else { return receiveFromSockets()?.labelled }
        if backlog.isEmpty { backlogBytes = 0 }
        return arrival.labelled
    }

    private func receiveFromSockets() -> Arrival? {
        isRemoteNext.toggle()
        return isRemoteNext ? receiveRemote() ?? local.receive() : local.receive() ?? receiveRemote()
    }

    private func receiveRemote() -> Arrival? {
        remote?.receive(isAdmitted: isAdmitted)
    }

    static func isRemote(_ connection: Connection) -> Bool {
        connection.routingID.first == RemoteSocket.mark
    }

    /// Queues a message.
    ///
    /// - Returns: false when nobody is there any more.
    @discardableResult
    func send(_ message: CoordinatorMessage, session: String, epoch: Int64, to connection: Connection) -> Bool {
        send(MessageCodec.encode(Envelope(session: session, epoch: epoch, message: message)), to: connection)
    }

    @discardableResult
    func send(_ frames: [[UInt8]], to connection: Connection) -> Bool {
        let addressed = [Array(connection.routingID.dropFirst())] + frames
        return Self.isRemote(connection) ? remote?.send(addressed) ?? false : local.send(addressed)
    }

    /// While nothing can be committed: beats are answered so that no worker gives up on us, everything else waits in
    /// order. What there is no room for is dropped and not left in the sockets, where beats would wait behind it: the
    /// sessions say all of it again.
    ///
    /// - Parameter refusal: what operators are told meanwhile; nil: their requests wait too.
    func keepAlive(until deadline: Instant, engine: borrowing Engine, limit: BacklogLimit, refusal: String? = nil) {
        while Clock.boot < deadline {
            guard let arrival = receiveFromSockets() else {
                Thread.sleep(forTimeInterval: 0.01)
                continue
            }
            if case .message(let connection, _, let envelope) = arrival, case .beat = envelope.message {
                send(
                    .beat(desired: [], drain: false), session: envelope.session, epoch: engine.epoch, to: connection)
            } else if case .request(let connection, _) = arrival, let refusal {
                send(OperatorService.Reply(to: connection, outcome: .failed(refusal)).frames, to: connection)
            } else {
                let bytes = arrival.size
                guard backlog.count < limit.messages, backlogBytes + bytes <= limit.bytes else { continue }
                backlogBytes += bytes
                backlog.append(arrival)
            }
        }
    }
}

extension Arrival {
    /// About as many bytes as came over the wire.
    fileprivate var size: Int {
        switch self {
        case .message(_, _, let envelope): MessageCodec.encode(envelope).reduce(0) { $0 + $1.count }
        case .enrolment(_, _, let body): body.count
        case .request, .malformed: 1 << 10
        }
    }
}
