// SPDX-License-Identifier: MIT

import Testing

@testable import ZeroMQ

/// Every test with an authenticator: a context has one only, so they take turns.
@Suite(.serialized) enum AuthenticationTests {}

/// A server's keys, one worker's, and where they meet.
struct CurveSite {
    let server: CurveKeyPair
    let worker: CurveKeyPair
    let domain = "sweepd"
    var authenticator: Authenticator

    init() throws {
        server = try CurveKeyPair.generate()
        worker = try CurveKeyPair.generate()
        authenticator = try Authenticator(in: context.get())
        try admitWorker()
    }

    func admitWorker() throws {
        try authenticator.setKeys([worker.publicKey: "worker:1"], domain: domain)
    }

    func router(domain: String? = nil) throws -> Socket {
        var options = SocketOptions()
        options.security = .curveServer(server.secret, domain: domain ?? self.domain)
        return try Socket(.router, in: context.get(), options: options)
    }

    func visitor(_ own: CurveKeyPair, at endpoint: Endpoint) throws -> Visitor {
        try Visitor(.curveClient(server: server.publicKey, own: own), at: endpoint, in: context.get())
    }

    func dealer(_ own: CurveKeyPair) throws -> Socket {
        var options = SocketOptions()
        options.security = .curveClient(server: server.publicKey, own: own)
        return try Socket(.dealer, in: context.get(), options: options)
    }
}

/// Binds to a port of the loopback interface that the kernel chooses.
func bindAnywhere(_ socket: inout Socket) throws -> Endpoint {
    try socket.bind(Endpoint("tcp://127.0.0.1:*", allowsEphemeralPort: true))
    return try #require(try socket.lastEndpoint)
}

/// What became of a client of a `router`.
enum Reception: Hashable {
    /// Its message came through.
    case admitted(Message)
    /// The handshake failed for good, or broke off: no message of it can come.
    case turnedAway(HandshakeMonitor.Event)
    case unknown

    var isAdmitted: Bool {
        if case .admitted = self { true } else { false }
    }
}

/// Waits until it is known.
func reception(_ visitor: inout Visitor, by router: inout Socket) throws -> Reception {
    let deadline = ContinuousClock.now + .seconds(5)
    while ContinuousClock.now < deadline {
        while let message = try router.receiveMessage() {
            if message.frames.last == visitor.text { return .admitted(message) }
        }
        try visitor.observe()
        switch visitor.outcome {
        case .refused?, .mismatched?, .broken?:
            if let outcome = visitor.outcome { return .turnedAway(outcome) }
        case .succeeded?, nil: break
        }
        try poll(router, visitor.monitor.socket, timeout: .milliseconds(200))
    }
    return .unknown
}
