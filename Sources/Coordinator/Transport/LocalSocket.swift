// SPDX-License-Identifier: MIT

import Foundation
import SweepEngine
import WorkerProtocol
import ZeroMQ

/// Workers of the same user on this machine: the directory lets nobody else in, and the kernel vouches for the peer.
final class LocalSocket {
    /// The first byte of its connections' names.
    static let mark: UInt8 = 0

    private(set) var socket: Socket

    init(endpoint: String, context: Context) throws {
        socket = try Socket(.router, in: context, options: .workers)
        try socket.bind(Endpoint(endpoint))
    }

    func receive() -> Arrival? {
        guard let message = try? socket.receiveMessage(), let routingID = message.frames.first else { return nil }
        let connection = Connection([Self.mark] + routingID)
        if message.isOversized { return .malformed(.oversized(connection)) }
        guard let peer = message.peerAddress.flatMap({ PeerAddress($0) }), peer.uid == geteuid() else {
            return .malformed(.init(connection, "this socket serves the coordinator's own user only"))
        }
        let identity = PeerIdentity(name: "\(peer.pid)", isLocal: peer.pid == getpid())
        return Arrival(message.frames.dropFirst(), from: connection, identity)
    }

    /// - Returns: whether there is a peer of that name.
    func send(_ frames: [[UInt8]]) -> Bool {
        socket.sendIfReachable(frames)
    }
}
