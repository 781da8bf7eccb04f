// SPDX-License-Identifier: MIT

import Glibc
import Synchronization

/// Decides which CURVE keys may connect to the servers of this process: its one ZAP handler (ZeroMQ RFC 27), on a thread
/// of its own.
///
/// It is asked once a connection, before the peer can send a message. A key that is taken away later keeps what
/// connections it has, with the user id it had: whoever reads `Message.userID` must know whom it still serves.
/// A refused client's libzmq does not try again: it takes a new socket to come back once its key is admitted.
///
/// Where it is missing or has stopped, servers refuse everybody.
package final class Authenticator: Sendable {
    package struct Refusal: Hashable, Sendable {
        package let domain: String
        /// Over tcp the peer's address.
        package let address: String
        /// nil when the peer showed none.
        package let key: CurveKey?
    }

    /// A user id is 1 to 255 printable ASCII characters.
    package struct InvalidUserID: Error, Hashable, Sendable, CustomStringConvertible {
        package let key: CurveKey
        package var description: String {
            "the user id of key \(key) is none: expected 1 to 255 printable ASCII characters"
        }
    }

    let keys: AdmittedKeys
    private let thread: AuthenticatorThread
    let context: Context

    /// It answers from now on, and admits nobody yet.
    ///
    /// - Throws: `ZMQError.addressInUse` when the context has one already.
    package init(in context: Context) throws(ZMQError) {
        let keys = AdmittedKeys()
        self.keys = keys
        self.context = context
        thread = try AuthenticatorThread(keys, context)
    }

    deinit {
        thread.stop()
    }

    /// Replaces all keys of a domain, from the next connection on. Each key comes with the user id (1 to 255 printable
    /// ASCII characters) that `Message.userID` will show.
    package func setKeys(_ userIDs: [CurveKey: String], domain: String) throws(InvalidUserID) {
        for (key, userID) in userIDs
        where !(1...255 ~= userID.utf8.count && userID.utf8.allSatisfy { 0x20...0x7E ~= $0 }) {
            throw InvalidUserID(key: key)
        }
        keys.set(userIDs, domain: domain)
    }

    /// Lets one more key in as long as `body` runs.
    func withGuest<Result: ~Copyable, Failure>(
        _ key: CurveKey, as userID: String, domain: String, _ body: () throws(Failure) -> Result
    ) throws(Failure) -> Result {
        keys.setGuest(key, as: userID, domain: domain)
        defer { keys.setGuest(key, as: nil, domain: domain) }
        return try body()
    }

    /// Connections refused so far. Each costs a stranger one handshake, so log the number now and then, not each.
    package var refusals: Int { keys.refusals }
    package var lastRefusal: Refusal? { keys.lastRefusal }
    /// False after `stop()`, and when its socket failed: nobody can connect then.
    package var isRunning: Bool { thread.isRunning }

    /// Refuses everybody from now on. Returns when its thread has ended.
    package func stop() {
        thread.stop()
    }
}
