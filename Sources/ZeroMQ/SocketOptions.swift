// SPDX-License-Identifier: MIT

import CZeroMQ

/// What a socket is told before it binds or connects; few options take effect later. nil leaves libzmq's default.
package struct SocketOptions: Hashable, Sendable {
    /// How long a closed socket tries to deliver what it holds. Never infinite, which is libzmq's default and hangs the
    /// end of the process.
    package var linger: Duration = .zero
    /// Messages (not frames) queued for a peer before `send` says no.
    package var sendHighWaterMark: Int = 256
    package var receiveHighWaterMark: Int = 256
    /// Bytes of one frame; a peer that sends a longer one is disconnected.
    package var maximumMessageSize: Int?
    /// Whether a router reports peers that it does not know (`ZMQError.hostUnreachable`) or whose queue is full (`send`
    /// says no) instead of dropping the message silently.
    package var routerMandatory = false
    /// Whether a dealer queues only to peers whose connection stands.
    package var immediate = false
    package var handshakeInterval: Duration?
    package var heartbeatInterval: Duration?
    package var heartbeatTimeout: Duration?
    /// After which the peer gives us up; rounded to 100 ms by libzmq.
    package var heartbeatTimeToLive: Duration?
    package var reconnectInterval: Duration?
    /// Doubles the interval up to this.
    package var maximumReconnectInterval: Duration?
    package var connectTimeout: Duration?
    /// Connections waiting to be accepted.
    package var backlog: Int?
    package var keepAlive: KeepAlive?
    package var limit = MessageLimit()
    package var security = Security.none
    /// Whether the socket may use tcp without CURVE, where every user and every container of the machine can reach it
    /// even on the loopback interface. For tests.
    package var permitsPlainTCP = false

    package struct KeepAlive: Hashable, Sendable {
        /// Whole seconds.
        package var idle: Duration = .seconds(60)
        package var interval: Duration = .seconds(15)
        package var probes: Int = 4
        package init() {}
    }

    package init() {}

    func apply(to socket: UnsafeMutableRawPointer, kind: Socket.Kind) throws(ZMQError) {
        unsafe try security.apply(to: socket)
        unsafe try set(ZMQ_LINGER, linger, on: socket)
        unsafe try set(ZMQ_SNDHWM, CInt(clamping: sendHighWaterMark), on: socket)
        unsafe try set(ZMQ_RCVHWM, CInt(clamping: receiveHighWaterMark), on: socket)
        if let maximumMessageSize { unsafe try set(ZMQ_MAXMSGSIZE, Int64(maximumMessageSize), on: socket) }
        if kind == .router, routerMandatory { unsafe try set(ZMQ_ROUTER_MANDATORY, CInt(1), on: socket) }
        if immediate { unsafe try set(ZMQ_IMMEDIATE, CInt(1), on: socket) }
        if let handshakeInterval { unsafe try set(ZMQ_HANDSHAKE_IVL, handshakeInterval, on: socket) }
        if let heartbeatInterval { unsafe try set(ZMQ_HEARTBEAT_IVL, heartbeatInterval, on: socket) }
        if let heartbeatTimeout { unsafe try set(ZMQ_HEARTBEAT_TIMEOUT, heartbeatTimeout, on: socket) }
        if let heartbeatTimeToLive { unsafe try set(ZMQ_HEARTBEAT_TTL, heartbeatTimeToLive, on: socket) }
        if let reconnectInterval { unsafe try set(ZMQ_RECONNECT_IVL, reconnectInterval, on: socket) }
        if let maximumReconnectInterval { unsafe try set(ZMQ_RECONNECT_IVL_MAX, maximumReconnectInterval, on: socket) }
        if let connectTimeout { unsafe try set(ZMQ_CONNECT_TIMEOUT, connectTimeout, on: socket) }
        if let backlog { unsafe try set(ZMQ_BACKLOG, CInt(clamping: backlog), on: socket) }
        if let keepAlive {
            unsafe try set(ZMQ_TCP_KEEPALIVE, CInt(1), on: socket)
            unsafe try set(ZMQ_TCP_KEEPALIVE_IDLE, keepAlive.idle.wholeSeconds, on: socket)
            unsafe try set(ZMQ_TCP_KEEPALIVE_INTVL, keepAlive.interval.wholeSeconds, on: socket)
            unsafe try set(ZMQ_TCP_KEEPALIVE_CNT, CInt(clamping: keepAlive.probes), on: socket)
        }
    }
}

/// What `receive` bears of one message. ZMQ_MAXMSGSIZE bounds a frame only, and libzmq bounds nothing else.
package struct MessageLimit: Hashable, Sendable {
    /// With a router's routing id.
    package var frames: Int
    /// Of all frames.
    package var bytes: Int

    package init(frames: Int = 8, bytes: Int = (1 << 20) + 4096) {
        self.frames = frames
        self.bytes = bytes
    }
}

func set(_ option: CInt, _ value: Duration, on socket: UnsafeMutableRawPointer) throws(ZMQError) {
    unsafe try set(option, value.wholeMilliseconds, on: socket)
}

/// `Value` is the C type that zmq_setsockopt(3) names for the option.
func set(_ option: CInt, _ value: some FixedWidthInteger, on socket: UnsafeMutableRawPointer) throws(ZMQError) {
    try ZMQError.check {
        var value = value
        return unsafe zmq_setsockopt(socket, option, &value, MemoryLayout.size(ofValue: value))
    }
}

func set(_ option: CInt, _ text: String, on socket: UnsafeMutableRawPointer) throws(ZMQError) {
    let bytes = Array(text.utf8)
    try ZMQError.check { unsafe zmq_setsockopt(socket, option, bytes, bytes.count) }
}

extension Duration {
    /// Rounded up, so that a wait is never cut short; at least 0, at most 24 days.
    var wholeMilliseconds: CInt {
        let (seconds, attoseconds) = components
        if seconds < 0 || attoseconds < 0 { return 0 }
        if seconds >= 2_000_000 { return 2_000_000_000 }
        return CInt(seconds * 1000 + (attoseconds + 999_999_999_999_999) / 1_000_000_000_000_000)
    }

    var wholeSeconds: CInt { CInt(clamping: components.seconds) }
}
