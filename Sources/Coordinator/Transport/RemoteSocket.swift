// SPDX-License-Identifier: MIT

import Foundation
import Keys
import SweepEngine
import SweepModel
import WorkerProtocol
import ZeroMQ

/// Workers, operators and holders of invitations over TCP. Who a peer is follows from its key alone, and what it may say
/// from who it is.
final class RemoteSocket {
    /// The first byte of its connections' names.
    static let mark: UInt8 = 1
    /// What the authenticator knows our keys by.
    static let domain = "sweepd"
    /// How long the kernel may take to give the ports of a closed socket back.
    private static let patience: Duration = .seconds(2)

    private let context: Context
    private let endpoints: [Endpoint]
    private let key: CurveKeyPair
    private(set) var socket: Socket

    /// Bound, and tested: a stranger was refused.
    ///
    /// - Throws: `ZMQError`; `SelfTest.Failure` when a stranger would get in.
    init(_ endpoints: [Endpoint], key: CurveKeyPair, authenticator: Authenticator, context: Context) throws {
        self.context = context
        self.endpoints = endpoints
        self.key = key
        socket = try Self.bound(to: endpoints, key: key, context: context)
        try checkRefusesStrangers(authenticator)
    }

    private func checkRefusesStrangers(_ authenticator: Authenticator) throws {
        for endpoint in endpoints {
            // Should a worker have been quicker, it says its hello again.
            _ = try SelfTest.checkRefusesStrangers(
                &socket, at: endpoint, server: key.publicKey, domain: Self.domain,
                authenticator: authenticator)
        }
    }

    private static func bound(to endpoints: [Endpoint], key: CurveKeyPair, context: Context) throws -> Socket {
        var options = SocketOptions.workers
        // libzmq counts the frame as it is encrypted, which is a little longer.
        options.maximumMessageSize = ProtocolLimits.frameBytes + 256
        // No heartbeats of libzmq's: with a full receive queue they abort the process (its issues 3937 and 4767; seen under
        // load). The workers' own beats say who is alive, and the kernel finds connections that are half open.
        options.backlog = 1024
        // Whose key is revoked is to hear so before it is cut off: a refused handshake alone ends no training.
        options.linger = .seconds(1)
        options.keepAlive = SocketOptions.KeepAlive()
        options.security = .curveServer(key.secret, domain: domain)
        var socket = try Socket(.router, in: context, options: options)
        for endpoint in endpoints { try bind(&socket, to: endpoint) }
        return socket
    }

    private static func bind(_ socket: inout Socket, to endpoint: Endpoint) throws {
        let deadline = ContinuousClock.now + patience
        while true {
            do {
                return try socket.bind(endpoint)
            } catch ZMQError.addressInUse where ContinuousClock.now < deadline {
                Thread.sleep(forTimeInterval: 0.02)
            }
        }
    }

    /// Cuts every connection: libzmq has no way to cut one. Workers whose keys still count are back in a moment and go on.
    func cutAll() throws {
        // The ports are free only when the old socket is gone.
        socket = try Socket(.pair, in: context)
        socket = try Self.bound(to: endpoints, key: key, context: context)
    }

    /// - Parameter isAdmitted: whether a user id still counts; what the authentication said was said when the connection
    ///   began.
    /// - Returns: nil when nothing waits. What comes of a key that no longer counts is nothing.
    func receive(isAdmitted: (String) -> Bool) -> Arrival? {
        while let message = try? socket.receiveMessage(), let routingID = message.frames.first {
            let connection = Connection([Self.mark] + routingID)
            guard let userID = message.userID, isAdmitted(userID), let holder = KeyRing.Holder(userID: userID) else {
                continue
            }
            if message.isOversized { return .malformed(.oversized(connection)) }
            let frames = message.frames.dropFirst()
            switch holder {
            case .worker(let name):
                return Arrival(frames, from: connection, PeerIdentity(name: name, isLocal: false, key: name))
            case .operator:
                guard let body = Self.body(frames, magic: OperatorRequest.magic) else {
                    return .malformed(.init(connection, "an operator's key serves requests and nothing else"))
                }
                return .request(connection, OperatorRequest.parse(body))
            case .invitation(let key):
                guard let body = Self.body(frames, magic: Enrolment.magic) else {
                    return .malformed(.init(connection, "an invitation's key serves to enrol and to nothing else"))
                }
                return .enrolment(connection, invitation: key, body)
            }
        }
        return nil
    }

    private static func body(_ frames: ArraySlice<[UInt8]>, magic: String) -> [UInt8]? {
        guard frames.count == 2, let first = frames.first, first == Array(magic.utf8) else { return nil }
        return frames.last
    }

    /// - Returns: whether there is a peer of that name.
    func send(_ frames: [[UInt8]]) -> Bool {
        socket.sendIfReachable(frames)
    }
}
