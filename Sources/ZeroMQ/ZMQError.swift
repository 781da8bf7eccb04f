// SPDX-License-Identifier: MIT

import CZeroMQ
import Glibc

/// What libzmq refused, or we on its behalf, by its error number.
package struct ZMQError: Error, Hashable, Sendable {
    package let code: CInt

    package init(code: CInt) {
        self.code = code
    }

    /// The socket cannot do it now; `Socket` turns it into an absent value.
    package static let again = ZMQError(code: EAGAIN)
    /// A router with `routerMandatory` knows no peer of that routing id (any more).
    package static let hostUnreachable = ZMQError(code: EHOSTUNREACH)
    package static let addressInUse = ZMQError(code: EADDRINUSE)
    package static let addressNotAvailable = ZMQError(code: EADDRNOTAVAIL)
    package static let accessDenied = ZMQError(code: EACCES)
    package static let noSuchFile = ZMQError(code: ENOENT)
    package static let invalidArgument = ZMQError(code: EINVAL)
    package static let tooManyOpenFiles = ZMQError(code: EMFILE)
    package static let interrupted = ZMQError(code: EINTR)
    package static let contextTerminated = ZMQError(code: CInt(ZMQ_HAUSNUMERO) + 53)

    /// Ours: tcp without CURVE, or a bind to tcp that is no CURVE server's.
    package static let plainTCP = ZMQError(code: CInt(ZMQ_HAUSNUMERO) + 10_001)
    /// Ours: an authentication domain is 1 to 255 printable ASCII characters.
    package static let invalidDomain = ZMQError(code: CInt(ZMQ_HAUSNUMERO) + 10_002)

    /// So that `catch ZMQError.hostUnreachable` works.
    package static func ~= (pattern: ZMQError, error: any Error) -> Bool {
        (error as? ZMQError)?.code == pattern.code
    }

    /// The error of the call that failed a moment ago on this thread; nothing may come between.
    static var last: ZMQError {
        ZMQError(code: zmq_errno())
    }

    /// Calls until no signal interrupts; -1 becomes the error.
    @discardableResult
    static func check(_ call: () -> CInt) throws(ZMQError) -> CInt {
        while true {
            let result = call()
            if result != -1 { return result }
            let error = last
            if error.code != EINTR { throw error }
        }
    }
}

extension ZMQError: CustomStringConvertible {
    package var description: String {
        if self == .plainTCP { return "tcp needs CURVE keys: without them everybody who reaches the port is let in" }
        if self == .invalidDomain { return "an authentication domain is 1 to 255 printable ASCII characters" }
        guard let text = unsafe zmq_strerror(code) else { return "error \(code)" }
        return unsafe String(cString: text)
    }
}

extension String {
    /// What C wrote into a buffer of ours.
    init(zeroTerminated buffer: [CChar]) {
        self.init(decoding: buffer.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }
}
