// SPDX-License-Identifier: MIT

import CZeroMQ
import Synchronization

/// How the handshakes of a connecting socket end: a refused client learns it in no other way.
///
/// Read it as often as the socket itself, and call `stop` before either goes: libzmq's I/O thread waits where nobody
/// reads.
package struct HandshakeMonitor: ~Copyable {
    package enum Event: Hashable, Sendable {
        case succeeded
        /// By the server's authenticator. libzmq does not try again: it takes a new socket.
        case refused
        /// The two ends do not speak the same mechanism, or one of them not properly.
        case mismatched
        /// The connection broke.
        case broken
    }

    /// To wait for an event in `poll`.
    package private(set) var socket: Socket

    /// To be called before `watched` connects.
    package init(_ watched: borrowing Socket, in context: Context) throws(ZMQError) {
        let name = "handshakes-\(count.wrappingAdd(1, ordering: .relaxed).newValue)"
        let events =
            ZMQ_EVENT_HANDSHAKE_SUCCEEDED | ZMQ_EVENT_HANDSHAKE_FAILED_AUTH | ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL
            | ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL
        try ZMQError.check { unsafe zmq_socket_monitor(watched.handle, "inproc://" + name, CInt(events)) }
        var socket = try Socket(.pair, in: context)
        try socket.connect(inproc: name)
        self.socket = socket
    }

    /// Before the monitor goes: libzmq's I/O thread must find a reader as long as it reports.
    package static func stop(_ watched: borrowing Socket) {
        unsafe _ = zmq_socket_monitor(watched.handle, nil, 0)
    }

    /// nil when there is none now.
    package mutating func next() throws(ZMQError) -> Event? {
        while let frames = try socket.receive() {
            // 16 bits of event, 32 of detail.
            guard let event = frames.first, event.count == 6 else { continue }
            switch CInt(event[0]) | CInt(event[1]) << 8 {
            case CInt(ZMQ_EVENT_HANDSHAKE_SUCCEEDED): return .succeeded
            case CInt(ZMQ_EVENT_HANDSHAKE_FAILED_AUTH): return .refused
            case CInt(ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL): return .mismatched
            case CInt(ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL): return .broken
            default: continue
            }
        }
        return nil
    }
}

private let count = Atomic(0)
