// SPDX-License-Identifier: MIT

import CZeroMQ
import Glibc

/// A descriptor that is none of libzmq's (a pipe, a Unix socket, a process), watched beside a socket.
package struct WatchedDescriptor: Hashable, Sendable {
    package let descriptor: Int32
    package let wantsToRead: Bool
    package let wantsToWrite: Bool
    /// Something can be read, or the other end is gone.
    package fileprivate(set) var isReadable = false
    package fileprivate(set) var isWritable = false

    package init(_ descriptor: Int32, read: Bool = true, write: Bool = false) {
        self.descriptor = descriptor
        wantsToRead = read
        wantsToWrite = write
    }
}

/// Waits for a message on `socket`, for `wakeup`, or for one of `descriptors`, whose readiness it sets.
@discardableResult
package func poll(
    _ socket: borrowing Socket, wakeup: EventDescriptor, descriptors: inout [WatchedDescriptor], timeout: Duration?
) throws(ZMQError) -> Readiness {
    var items = unsafe [
        zmq_pollitem_t(socket: socket.handle, fd: -1, events: Int16(ZMQ_POLLIN), revents: 0),
        zmq_pollitem_t(socket: nil, fd: wakeup.descriptor, events: Int16(ZMQ_POLLIN), revents: 0),
    ]
    for watched in descriptors {
        let events = (watched.wantsToRead ? ZMQ_POLLIN : 0) | (watched.wantsToWrite ? ZMQ_POLLOUT : 0)
        unsafe items.append(zmq_pollitem_t(socket: nil, fd: watched.descriptor, events: Int16(events), revents: 0))
    }
    let deadline = timeout.map { ContinuousClock.now + $0 }
    while true {
        let left = deadline.map { ($0 - ContinuousClock.now).wholeMilliseconds } ?? -1
        if unsafe zmq_poll(&items, CInt(items.count), CLong(left)) != -1 { break }
        let error = ZMQError.last
        if error != .interrupted { throw error }
    }
    for index in descriptors.indices {
        let found = unsafe CInt(items[index + 2].revents)
        // A hang-up comes as an error, and the next read says which.
        descriptors[index].isReadable = found & (ZMQ_POLLIN | ZMQ_POLLERR) != 0
        descriptors[index].isWritable = found & ZMQ_POLLOUT != 0
    }
    let isSignalled = unsafe CInt(items[1].revents) & ZMQ_POLLIN != 0
    if isSignalled { wakeup.reset() }
    return Readiness(first: unsafe CInt(items[0].revents) & ZMQ_POLLIN != 0, second: false, wakeup: isSignalled)
}
