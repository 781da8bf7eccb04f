// SPDX-License-Identifier: MIT

import CZeroMQ
import Glibc

/// What `poll` found.
package struct Readiness: Hashable, Sendable {
    /// One bit a socket.
    private let sockets: UInt8
    /// The event descriptor was signalled, and has been reset.
    package let wakeup: Bool

    /// A message waits on the first socket. It may turn out to be none; `receive` says nil then.
    package var first: Bool { sockets & 1 != 0 }
    /// The same for the second, …
    package var second: Bool { sockets & 2 != 0 }
    package var third: Bool { sockets & 4 != 0 }
    package var fourth: Bool { sockets & 8 != 0 }

    /// Of the first `count` items, and of `wakeup`, which follows them if there is one.
    fileprivate init(_ items: [zmq_pollitem_t], sockets count: Int, wakeup: EventDescriptor?) {
        sockets = (0..<count).reduce(0) { bits, index in
            unsafe isReadable(items[index]) ? bits | 1 << UInt8(index) : bits
        }
        self.wakeup = unsafe wakeup != nil && isReadable(items[count])
        if self.wakeup { wakeup?.reset() }
    }
}

/// Waits until a message can be received from `socket`, `wakeup` is signalled, or `timeout` is over; nil waits for ever.
/// Signals do not cut it short.
@discardableResult
package func poll(
    _ socket: borrowing Socket, wakeup: EventDescriptor? = nil, timeout: Duration?
) throws(ZMQError) -> Readiness {
    unsafe try poll([socket.handle], wakeup, timeout)
}

/// The same for two sockets.
@discardableResult
package func poll(
    _ first: borrowing Socket, _ second: borrowing Socket, wakeup: EventDescriptor? = nil, timeout: Duration?
) throws(ZMQError) -> Readiness {
    unsafe try poll([first.handle, second.handle], wakeup, timeout)
}

/// The same for three sockets.
@discardableResult
package func poll(
    _ first: borrowing Socket, _ second: borrowing Socket, _ third: borrowing Socket, wakeup: EventDescriptor? = nil,
    timeout: Duration?
) throws(ZMQError) -> Readiness {
    unsafe try poll([first.handle, second.handle, third.handle], wakeup, timeout)
}

/// The same for four sockets.
@discardableResult
package func poll(
    _ first: borrowing Socket, _ second: borrowing Socket, _ third: borrowing Socket, _ fourth: borrowing Socket,
    wakeup: EventDescriptor? = nil, timeout: Duration?
) throws(ZMQError) -> Readiness {
    unsafe try poll([first.handle, second.handle, third.handle, fourth.handle], wakeup, timeout)
}

private func poll(
    _ sockets: [UnsafeMutableRawPointer], _ wakeup: EventDescriptor?, _ timeout: Duration?
) throws(ZMQError) -> Readiness {
    var none: [WatchedDescriptor] = []
    return unsafe try poll(sockets, wakeup, &none, timeout)
}

/// The one that all others call. It sets the readiness of `descriptors`.
func poll(
    _ sockets: [UnsafeMutableRawPointer], _ wakeup: EventDescriptor?, _ descriptors: inout [WatchedDescriptor],
    _ timeout: Duration?
) throws(ZMQError) -> Readiness {
    var items = unsafe sockets.map {
        unsafe zmq_pollitem_t(socket: $0, fd: -1, events: Int16(ZMQ_POLLIN), revents: 0)
    }
    if let wakeup {
        unsafe items.append(zmq_pollitem_t(socket: nil, fd: wakeup.descriptor, events: Int16(ZMQ_POLLIN), revents: 0))
    }
    let ours = unsafe items.count
    unsafe items.append(contentsOf: descriptors.map { unsafe $0.item })
    let deadline = timeout.map { ContinuousClock.now + $0 }
    while true {
        let left = deadline.map { ($0 - ContinuousClock.now).wholeMilliseconds } ?? -1
        if unsafe zmq_poll(&items, CInt(items.count), CLong(left)) != -1 { break }
        let error = ZMQError.last
        if error != .interrupted { throw error }
    }
    for index in descriptors.indices { unsafe descriptors[index].take(items[ours + index]) }
    return unsafe Readiness(items, sockets: sockets.count, wakeup: wakeup)
}

private func isReadable(_ item: zmq_pollitem_t) -> Bool {
    unsafe item.revents & Int16(ZMQ_POLLIN) != 0
}
