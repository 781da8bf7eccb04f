// SPDX-License-Identifier: MIT

import CZeroMQ

/// The public half of a CURVE key pair: who a peer is. May be shown to anybody.
package struct CurveKey: Hashable, Sendable, CustomStringConvertible {
    /// Why a text is no key. It never contains the text, which may be a secret in the wrong place.
    package struct Malformed: Error, Hashable, Sendable, CustomStringConvertible {
        package let description: String
    }

    /// 40 characters of Z85 (ZeroMQ RFC 32); each key has one spelling only.
    package let text: String

    package init(_ text: String) throws(Malformed) {
        try Z85.check(text)
        self.text = text
    }

    /// Of a key as it comes on the wire; nil when it is none that we take.
    init?(bytes: [UInt8]) {
        guard let text = Z85.text(bytes), let key = try? CurveKey(text) else { return nil }
        self = key
    }

    package var description: String { text }
}
