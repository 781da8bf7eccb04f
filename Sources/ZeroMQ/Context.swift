// SPDX-License-Identifier: MIT

import CZeroMQ
import Glibc

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
        Self.seedRoutingIDs
        guard let handle = unsafe zmq_ctx_new() else { throw ZMQError.last }
        unsafe self.handle = handle
    }

    /// A router counts its connections up from a number drawn by rand(), which libzmq never seeds: the first is the same
    /// in every process. A peer that has claimed the next one beforehand ends the process by an assertion (add_out_pipe,
    /// router.cpp), so it must not know where the count stands.
    private static let seedRoutingIDs: Void = srand(UInt32.random(in: .min ... .max))

    deinit {
        while unsafe zmq_ctx_term(handle) == -1, ZMQError.last == .interrupted {}
    }
}
