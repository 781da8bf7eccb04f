// SPDX-License-Identifier: MIT

import CZeroMQ

/// Keys between their 32 bytes and their 40 characters.
enum Z85 {
    private static let alphabet = Set(
        "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ.-:+=^!/*?&<>()[]{}@%$#".utf8)

    /// The example keys of zmq_curve(7), public and secret: everybody has them, and people paste them.
    private static let published: Set = [
        "Yne@$w-vo<fVvi]a<NY6T1ed:M$fCG*[IaLV{hID", "D:)Q[IlAW!ahhC2ac:9*A}h:p?([4%wOTJ%JR%cs",
        "rq:rM>}U?@Lns47E1%kR.o@n%FcmmsL/@{H8]yf7", "JTKVSB%%)wK0E.X)V>+}o?pNmC{O&4W4b!Ni{Lh6",
    ]

    static func check(_ text: String) throws(CurveKey.Malformed) {
        guard text.utf8.count == 40 else {
            throw CurveKey.Malformed(description: "a key has 40 characters, this text \(text.utf8.count) bytes")
        }
        if let place = Array(text.utf8).firstIndex(where: { !alphabet.contains($0) }) {
            throw CurveKey.Malformed(description: "character \(place + 1) of the key is none of the Z85 alphabet")
        }
        var key = [UInt8](repeating: 0, count: 32)
        guard unsafe zmq_z85_decode(&key, text) != nil else {
            throw CurveKey.Malformed(description: "the key does not decode: five of its characters exceed 32 bits")
        }
        if key.allSatisfy({ $0 == 0 }) { throw CurveKey.Malformed(description: "the key is zero") }
        if published.contains(text) {
            throw CurveKey.Malformed(
                description: "the key is an example that zmq_curve(7) publishes with its secret: generate your own")
        }
    }

    static func text(_ key: [UInt8]) -> String? {
        guard key.count == 32 else { return nil }
        var text = [CChar](repeating: 0, count: 41)
        guard unsafe zmq_z85_encode(&text, key, key.count) != nil else { return nil }
        return String(zeroTerminated: text)
    }
}
