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

    var item: zmq_pollitem_t {
        let events = (wantsToRead ? ZMQ_POLLIN : 0) | (wantsToWrite ? ZMQ_POLLOUT : 0)
        return unsafe zmq_pollitem_t(socket: nil, fd: descriptor, events: Int16(events), revents: 0)
    }

    mutating func take(_ item: zmq_pollitem_t) {
        let found = unsafe CInt(item.revents)
        // A hang-up comes as an error, and the next read says which.
        isReadable = found & (ZMQ_POLLIN | ZMQ_POLLERR) != 0
        isWritable = found & ZMQ_POLLOUT != 0
    }
}

/// Waits for a message on `socket`, for `wakeup`, or for one of `descriptors`, whose readiness it sets.
@discardableResult
package func poll(
    _ socket: borrowing Socket, wakeup: EventDescriptor, descriptors: inout [WatchedDescriptor], timeout: Duration?
) throws(ZMQError) -> Readiness {
    unsafe try poll([socket.handle], wakeup, &descriptors, timeout)
}
