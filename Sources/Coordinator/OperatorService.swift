// SPDX-License-Identifier: MIT

import Foundation
import SweepEngine
import SweepModel
import WorkerProtocol
import ZeroMQ

/// The socket on which commands of the same user steer a live coordinator.
final class OperatorService {
    struct Request {
        let connection: Connection
        let result: OperatorRequest.Parsed
    }

    struct Reply {
        let to: Connection
        let outcome: Outcome

        /// As it goes over the wire, to whichever socket the request came in by.
        var frames: [[UInt8]] {
            [Array(OperatorRequest.magic.utf8), Array(outcome.json.text.utf8)]
        }
    }

    enum Outcome: Sendable {
        /// With what was asked for.
        case done([JSONValue.Member])
        /// Not yet: the same request may succeed soon.
        case notYet(String)
        case failed(String)
    }

    fileprivate(set) var socket: Socket

    init(endpoint: String, context: Context) throws {
        var options = SocketOptions()
        options.linger = .milliseconds(500)
        // As over the network: a definition is as long as the scripts in it.
        options.maximumMessageSize = ProtocolLimits.frameBytes
        socket = try Socket(.router, in: context, options: options)
        try socket.bind(Endpoint(endpoint))
    }

    /// What waits, at most 16 requests a turn.
    func receive() -> [Request] {
        var requests: [Request] = []
        while requests.count < 16, let message = try? socket.receiveMessage() {
            let frames = message.frames
            guard frames.count == 3, frames[1] == Array(OperatorRequest.magic.utf8) else { continue }
            // The directory lets nobody else in; should it ever, the kernel's word stands.
            guard message.peerAddress.flatMap({ PeerAddress($0) })?.uid == geteuid() else { continue }
            requests.append(Request(connection: Connection(frames[0]), result: OperatorRequest.parse(frames[2])))
        }
        return requests
    }

    func send(_ reply: Reply) {
        _ = try? socket.send([reply.to.routingID] + reply.frames)
    }
}

extension OperatorService.Outcome {
    fileprivate var json: JSONValue {
        switch self {
        case .done(let members): .object([.init("ok", .bool(true))] + members)
        case .notYet(let reason): .object([.init("error", .string(reason)), .init("again", .bool(true))])
        case .failed(let reason): .object([.init("error", .string(reason))])
        }
    }
}
