// SPDX-License-Identifier: MIT

import CZeroMQ
import Glibc

/// Wakes a thread that waits in `poll`. Any thread may signal; signals between two polls count as one.
package final class EventDescriptor: Sendable {
    let descriptor: CInt

    /// - Throws: `ZMQError.tooManyOpenFiles`.
    package init() throws(ZMQError) {
        descriptor = eventfd(0, CInt(EFD_CLOEXEC | EFD_NONBLOCK))
        if descriptor == -1 { throw ZMQError(code: errno) }
    }

    deinit {
        close(descriptor)
    }

    package func signal() {
        // EAGAIN means that the counter is full: it is signalled as it is.
        while eventfd_write(descriptor, 1) == -1, errno == EINTR {}
    }

    /// Forgets the signals so far. `poll` does it for the one that it returns for.
    package func reset() {
        var count: eventfd_t = 0
        while unsafe eventfd_read(descriptor, &count) == -1, errno == EINTR {}
    }
}
