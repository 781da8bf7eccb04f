// SPDX-License-Identifier: MIT

import Testing
import ZeroMQ

/// Every test with an authenticator: a context has one only, so they take turns.
@Suite(.serialized) enum AuthenticationTests {}

/// A server's keys, one worker's, and where they meet.
struct CurveSite {
    let server: CurveKeyPair
    let worker: CurveKeyPair
    let domain = "sweepd"
    let authenticator: Authenticator

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
