// SPDX-License-Identifier: MIT

/// What libzmq asks before it lets a connection speak (ZeroMQ RFC 27), as a router receives it.
struct ZAPRequest {
    let domain: String
    /// Who knocks: over tcp the peer's address.
    let address: String
    /// nil for any other mechanism than CURVE, and for a key that is none.
    let key: CurveKey?

    /// nil for what is no request: it is to be refused.
    init?(_ frames: [[UInt8]]) {
        // routing id, "", version, request id, domain, address, the peer's routing id, mechanism, credentials…
        guard frames.count >= 8, frames[1].isEmpty, frames[2] == Array("1.0".utf8) else { return nil }
        domain = String(decoding: frames[4], as: UTF8.self)
        address = String(decoding: frames[5], as: UTF8.self)
        key = frames[7] == Array("CURVE".utf8) && frames.count == 9 ? CurveKey(bytes: frames[8]) : nil
    }

    /// The answer to `frames`, whether they make a request or not; nil when they name nobody to answer.
    static func answer(to frames: [[UInt8]], userID: String?) -> [[UInt8]]? {
        guard let router = frames.first else { return nil }
        let request = frames.count > 3 ? frames[3] : []
        let (code, text) = userID == nil ? ("400", "refused") : ("200", "OK")
        return [
            router, [], Array("1.0".utf8), request, Array(code.utf8), Array(text.utf8), Array((userID ?? "").utf8), [],
        ]
    }
}
