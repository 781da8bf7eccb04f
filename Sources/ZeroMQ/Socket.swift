// SPDX-License-Identifier: MIT

import CZeroMQ
import Glibc

/// A ZeroMQ socket. It belongs to one thread at a time: libzmq aborts the process when two use it.
///
/// It can be neither copied nor sent, so the compiler refuses to capture it in a `@Sendable` closure. It is closed when
/// its owner lets go of it.
@safe package struct Socket: ~Copyable {
    package enum Kind: Hashable, Sendable {
        case router, dealer, pair
    }

    package let kind: Kind
    let handle: UnsafeMutableRawPointer
    private let limit: MessageLimit
    private let permitsPlainTCP: Bool
    private let isServer: Bool
    private let isSecure: Bool
    /// Outlives the socket.
    private let context: Context

    /// - Throws: `ZMQError.tooManyOpenFiles` (also for more sockets than libzmq allows), `.invalidArgument` for an option
    ///   that is out of range.
    package init(_ kind: Kind, in context: Context, options: SocketOptions = SocketOptions()) throws(ZMQError) {
        let type =
            switch kind {
            case .router: ZMQ_ROUTER
            case .dealer: ZMQ_DEALER
            case .pair: ZMQ_PAIR
            }
        guard let handle = unsafe zmq_socket(context.handle, type) else { throw ZMQError.last }
        do throws(ZMQError) {
            unsafe try options.apply(to: handle, kind: kind)
        } catch {
            unsafe zmq_close(handle)
            throw error
        }
        self.kind = kind
        unsafe self.handle = handle
        limit = options.limit
        permitsPlainTCP = options.permitsPlainTCP
        isServer = options.security.isServer
        isSecure = options.security != .none
        self.context = context
    }

    deinit {
        // Only ENOTSOCK is possible: our bug.
        let result = unsafe zmq_close(handle)
        precondition(result == 0)
    }

    /// Listens. A second bind to a live ipc path succeeds and takes it over, so hold a lock on whatever the path stands
    /// for; the socket's file gets the mode that the umask leaves, so keep it in a directory of mode 0700.
    ///
    /// - Throws: `ZMQError.addressInUse` (tcp), `.accessDenied`, `.noSuchFile`, …; `.plainTCP` for tcp when the socket
    ///   is no CURVE server.
    package mutating func bind(_ endpoint: Endpoint) throws(ZMQError) {
        guard !endpoint.isTCP || isServer || permitsPlainTCP else { throw .plainTCP }
        if endpoint.isIPv6 { unsafe try set(ZMQ_IPV6, CInt(1), on: handle) }
        try ZMQError.check { unsafe zmq_bind(handle, endpoint.description) }
    }

    /// Starts connecting, and goes on for ever; that nobody listens is no error. One endpoint a dealer: it sends in
    /// turn to all it has.
    ///
    /// - Throws: `ZMQError.plainTCP` for tcp without CURVE: we would obey whoever answers.
    package mutating func connect(_ endpoint: Endpoint) throws(ZMQError) {
        guard !endpoint.isTCP || isSecure || permitsPlainTCP else { throw .plainTCP }
        if endpoint.isIPv6 { unsafe try set(ZMQ_IPV6, CInt(1), on: handle) }
        try ZMQError.check { unsafe zmq_connect(handle, endpoint.description) }
    }

    /// In this process, for sockets of the same context.
    mutating func bind(inproc name: String) throws(ZMQError) {
        try ZMQError.check { unsafe zmq_bind(handle, "inproc://" + name) }
    }

    /// At once, while the end of a socket gives its names back some time later.
    mutating func unbind(inproc name: String) throws(ZMQError) {
        try ZMQError.check { unsafe zmq_unbind(handle, "inproc://" + name) }
    }

    mutating func connect(inproc name: String) throws(ZMQError) {
        try ZMQError.check { unsafe zmq_connect(handle, "inproc://" + name) }
    }

    /// Where the socket bound or connected last, with the port that the kernel chose; nil before.
    package var lastEndpoint: Endpoint? {
        get throws(ZMQError) {
            // The longest is ipc:// and a path.
            var text = [CChar](repeating: 0, count: Endpoint.maximumPathBytes + 300)
            var size = text.count
            try ZMQError.check { unsafe zmq_getsockopt(handle, ZMQ_LAST_ENDPOINT, &text, &size) }
            return try? Endpoint(String(zeroTerminated: text), allowsWildcard: true)
        }
    }

    /// Queues one message without waiting.
    ///
    /// - Returns: false when it cannot be queued now (no peer, or its queue is full): nothing was. True means queued in
    ///   this process, not sent, not received.
    /// - Throws: `ZMQError.hostUnreachable` from a router with `routerMandatory`: nothing was queued.
    package mutating func send(_ frames: [[UInt8]]) throws(ZMQError) -> Bool {
        precondition(!frames.isEmpty, "a message has at least one frame")
        for (index, frame) in frames.enumerated() {
            let flags = index + 1 < frames.count ? ZMQ_DONTWAIT | ZMQ_SNDMORE : ZMQ_DONTWAIT
            do throws(ZMQError) {
                try ZMQError.check {
                    unsafe frame.withUnsafeBytes { bytes in
                        unsafe zmq_send(handle, bytes.baseAddress, bytes.count, flags)
                    }
                }
            } catch {
                // When the peer goes while we are in the middle, libzmq takes back the frames before (lb.cpp).
                if error == .again { return false }
                throw error
            }
        }
        return true
    }

    /// The frames of one message, or nil when none is waiting. See `receiveMessage()`.
    package mutating func receive() throws(ZMQError) -> [[UInt8]]? {
        try receive(withMetadata: false)?.frames
    }

    /// One message, or nil when none is waiting. One that exceeds the socket's limit is taken in and discarded but for a
    /// router's routing id: see `Message.isOversized`.
    package mutating func receiveMessage() throws(ZMQError) -> Message? {
        try receive(withMetadata: true)
    }

    private mutating func receive(withMetadata: Bool) throws(ZMQError) -> Message? {
        var frame = zmq_msg_t()
        // It and its end cannot fail.
        unsafe zmq_msg_init(&frame)
        defer { unsafe zmq_msg_close(&frame) }
        var message = Message()
        var count = 0
        var bytes = 0
        while true {
            do throws(ZMQError) {
                try ZMQError.check { unsafe zmq_msg_recv(&frame, handle, ZMQ_DONTWAIT) }
            } catch {
                // The rest of a message is there when its first frame is.
                if error == .again { return nil }
                throw error
            }
            let size = unsafe zmq_msg_size(&frame)
            let isRoutingID = count == 0 && kind == .router
            count += 1
            bytes += size
            if count > limit.frames || bytes > limit.bytes { message.discard(routed: kind == .router) }
            if !message.isOversized || isRoutingID { message.frames.append(unsafe Self.copy(&frame, size)) }
            if unsafe zmq_msg_more(&frame) != 0 { continue }
            // Not from a router's first frame: after zmq_poll it has lost its metadata (fixed in 4.3.5, 74529d97).
            if withMetadata, !isRoutingID {
                message.peerAddress = unsafe Self.property("Peer-Address", of: &frame)
                message.userID = unsafe Self.property("User-Id", of: &frame)
            }
            return message
        }
    }

    private static func copy(_ frame: UnsafeMutablePointer<zmq_msg_t>, _ size: Int) -> [UInt8] {
        unsafe [UInt8](UnsafeRawBufferPointer(start: zmq_msg_data(frame), count: size))
    }

    private static func property(_ name: String, of frame: UnsafePointer<zmq_msg_t>) -> String? {
        guard let text = unsafe zmq_msg_gets(frame, name) else { return nil }
        return unsafe String(cString: text)
    }
}
