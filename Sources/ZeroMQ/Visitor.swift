// SPDX-License-Identifier: MIT

/// A client of a self-test: it connects, and says one thing that nobody else says.
struct Visitor: ~Copyable {
    let text = (0..<32).map { _ in UInt8.random(in: 0...255) }
    private(set) var monitor: HandshakeMonitor
    private var socket: Socket
    /// How its handshake ended; `broken` ones are tried again.
    private(set) var outcome: HandshakeMonitor.Event?

    init(_ security: SocketOptions.Security, at endpoint: Endpoint, in context: Context) throws(ZMQError) {
        var options = SocketOptions()
        options.security = security
        options.permitsPlainTCP = true
        var socket = try Socket(.dealer, in: context, options: options)
        let monitor = try HandshakeMonitor(socket, in: context)
        do throws(ZMQError) {
            try socket.connect(endpoint)
            _ = try socket.send([text])
        } catch {
            HandshakeMonitor.stop(socket)
            throw error
        }
        self.monitor = monitor
        self.socket = socket
    }

    deinit {
        HandshakeMonitor.stop(socket)
    }

    mutating func observe() throws(ZMQError) {
        while let event = try monitor.next() {
            // A stranger that was let in once is in.
            if outcome != .succeeded { outcome = event }
        }
    }
}
