// SPDX-License-Identifier: MIT

import CZeroMQ
import Glibc

/// What `poll` found.
package struct Readiness: Hashable, Sendable {
    /// A message waits on the first socket. It may turn out to be none; `receive` says nil then.
    package let first: Bool
    /// The same for the second.
    package let second: Bool
    /// The event descriptor was signalled, and has been reset.
    package let wakeup: Bool
}

/// Waits until a message can be received from `socket`, `wakeup` is signalled, or `timeout` is over; nil waits for ever.
/// Signals do not cut it short.
@discardableResult
package func poll(
    _ socket: borrowing Socket, wakeup: EventDescriptor? = nil, timeout: Duration?
) throws(ZMQError) -> Readiness {
    let sockets = unsafe [item(socket.handle)]
    return unsafe try poll(sockets, wakeup, timeout)
}

/// The same for two sockets.
@discardableResult
package func poll(
    _ first: borrowing Socket, _ second: borrowing Socket, wakeup: EventDescriptor? = nil, timeout: Duration?
) throws(ZMQError) -> Readiness {
    let sockets = unsafe [item(first.handle), item(second.handle)]
    return unsafe try poll(sockets, wakeup, timeout)
}

private func item(_ socket: UnsafeMutableRawPointer) -> zmq_pollitem_t {
    unsafe zmq_pollitem_t(socket: socket, fd: -1, events: Int16(ZMQ_POLLIN), revents: 0)
}

private func poll(
    _ sockets: [zmq_pollitem_t], _ wakeup: EventDescriptor?, _ timeout: Duration?
) throws(ZMQError) -> Readiness {
    var items = unsafe sockets
    if let wakeup {
        unsafe items.append(zmq_pollitem_t(socket: nil, fd: wakeup.descriptor, events: Int16(ZMQ_POLLIN), revents: 0))
    }
    let deadline = timeout.map { ContinuousClock.now + $0 }
    while true {
        let left = deadline.map { ($0 - ContinuousClock.now).wholeMilliseconds } ?? -1
        if unsafe zmq_poll(&items, CInt(items.count), CLong(left)) != -1 { break }
        let error = ZMQError.last
        if error != .interrupted { throw error }
    }
    let isSignalled = unsafe wakeup != nil && isReadable(items, items.count - 1)
    if isSignalled { wakeup?.reset() }
    return Readiness(
        first: unsafe isReadable(items, 0), second: unsafe sockets.count > 1 && isReadable(items, 1),
        wakeup: isSignalled)
}

private func isReadable(_ items: [zmq_pollitem_t], _ index: Int) -> Bool {
    unsafe items[index].revents & Int16(ZMQ_POLLIN) != 0
}
