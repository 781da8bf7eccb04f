// SPDX-License-Identifier: MIT

import Keys
import SweepModel
import ZeroMQ

/// The connection to the coordinator: one socket to one endpoint at a time, since a dealer sends in turn to all it has.
final class CoordinatorLink {
    private(set) var socket: Socket
    /// Says how handshakes end, where there are keys; libzmq says it in no other way.
    private var monitor: HandshakeMonitor?
    private let endpoints: [Endpoint]
    private let options: WorkerAgentOptions
    private let context: Context
    private var inUse = 0

    init(_ endpoints: [Endpoint], _ options: WorkerAgentOptions, in context: Context) throws(ZMQError) {
        self.endpoints = endpoints
        self.options = options
        self.context = context
        socket = try Socket(.dealer, in: context, options: Self.settings(options))
        try connect()
    }

    deinit {
        HandshakeMonitor.stop(socket)
    }

    private func connect() throws(ZMQError) {
        if options.connection != nil { monitor = try HandshakeMonitor(socket, in: context) }
        try socket.connect(endpoints[inUse])
    }

    /// A new socket, to the next of the endpoints; should it not be had, the old one stays.
    func reconnect() throws(ZMQError) {
        let fresh = try Socket(.dealer, in: context, options: Self.settings(options))
        HandshakeMonitor.stop(socket)
        monitor = nil
        socket = fresh
        inUse = (inUse + 1) % endpoints.count
        try connect()
    }

    /// Whether the coordinator has refused our key since the last look.
    func wasRefused() -> Bool {
        while let event = try? monitor?.next() {
            if event == .refused { return true }
        }
        return false
    }

    func send(_ frames: [[UInt8]]) throws(ZMQError) -> Bool { try socket.send(frames) }

    func receive() throws(ZMQError) -> [[UInt8]]? { try socket.receive() }

    private static func settings(_ options: WorkerAgentOptions) -> SocketOptions {
        var settings = SocketOptions()
        if let connection = options.connection {
            settings.security = .curveClient(server: connection.server, own: connection.own)
            settings.keepAlive = SocketOptions.KeepAlive()
        }
        // Mail for a coordinator that is not there belongs to no one: the session sends it again to the next.
        settings.immediate = true
        settings.linger = .seconds(2)
        settings.maximumMessageSize = 4 << 20
        settings.limit = MessageLimit(frames: 4, bytes: 4 << 20)
        settings.reconnectInterval = .milliseconds(100)
        settings.maximumReconnectInterval = .seconds(5)
        settings.connectTimeout = .seconds(10)
        // No heartbeats of libzmq's: they can abort the coordinator's process (see RemoteSocket).
        return settings
    }
}
