// SPDX-License-Identifier: MIT

import CZeroMQ

/// The secret half of a CURVE key pair. Logs, dumps and messages of errors show "…" for it.
package struct CurveSecretKey: Hashable, Sendable, CustomStringConvertible, CustomDebugStringConvertible,
    CustomReflectable
{
    /// The key itself, for the file (mode 0600) that holds it and for nothing else.
    package let text: String

    package init(_ text: String) throws(CurveKey.Malformed) {
        try Z85.check(text)
        self.text = text
    }

    package var description: String { "…" }
    package var debugDescription: String { "…" }
    package var customMirror: Mirror { Mirror(self, children: []) }
}

/// A CURVE identity: a secret key and the public one that follows from it.
package struct CurveKeyPair: Hashable, Sendable {
    package let publicKey: CurveKey
    package let secret: CurveSecretKey

    package static func generate() throws(ZMQError) -> CurveKeyPair {
        var publicKey = [CChar](repeating: 0, count: 41)
        var secret = publicKey
        try ZMQError.check { unsafe zmq_curve_keypair(&publicKey, &secret) }
        return try CurveKeyPair(String(zeroTerminated: publicKey), String(zeroTerminated: secret))
    }

    package init(secret: CurveSecretKey) throws(ZMQError) {
        var publicKey = [CChar](repeating: 0, count: 41)
        try ZMQError.check { unsafe zmq_curve_public(&publicKey, secret.text) }
        self = try CurveKeyPair(String(zeroTerminated: publicKey), secret.text)
    }

    private init(_ publicKey: String, _ secret: String) throws(ZMQError) {
        do throws(CurveKey.Malformed) {
            self.publicKey = try CurveKey(publicKey)
            self.secret = try CurveSecretKey(secret)
        } catch {
            // libzmq made a key that we refuse. Its random numbers are broken, or it is.
            throw .invalidArgument
        }
    }
}
