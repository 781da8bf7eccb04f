// SPDX-License-Identifier: MIT

import CZeroMQ

/// libzmq's I/O threads. One per process: with libsodium, the end of a second one can crash the first
/// (libzmq bcb659e0, after 4.3.4).
///
/// Its sockets keep it alive. The end waits for their last messages, each socket no longer than its `linger`, which is
/// always finite.
@safe package final class Context: Sendable {
    // SAFETY: set once, and libzmq's contexts may be used from any thread (zmq_ctx_new(3)).
    nonisolated(unsafe) let handle: UnsafeMutableRawPointer

    /// - Throws: `ZMQError.tooManyOpenFiles`.
    package init() throws(ZMQError) {
        guard let handle = unsafe zmq_ctx_new() else { throw ZMQError.last }
        unsafe self.handle = handle
    }

    deinit {
        while unsafe zmq_ctx_term(handle) == -1, ZMQError.last == .interrupted {}
    }
}
