// SPDX-License-Identifier: MIT

import Foundation
import SweepModel
package import ZeroMQ

/// What `sweepd invite` hands out: where the coordinator listens, its public key, and the secret of an invitation that
/// serves to bring in a key of one's own and to nothing else.
package struct JoinToken: Sendable {
    package enum Role: String, CaseIterable, Sendable { case worker, `operator` }

    /// Never repeats what was read: it may end in a log.
    package struct Malformed: Error, Hashable, Sendable, CustomStringConvertible {
        package let description: String
    }

    /// So that a scanner for leaked secrets finds it.
    package static let prefix = "sweepd1."
    private static let maximumBytes = 4096
    private static let maximumEndpoints = 8

    package let role: Role
    package let endpoints: [Endpoint]
    package let server: CurveKey
    package let secret: CurveSecretKey
    /// Seconds since 1970.
    package let expires: Int64

    package init(role: Role, endpoints: [Endpoint], server: CurveKey, secret: CurveSecretKey, expires: Int64) {
        self.role = role
        self.endpoints = endpoints
        self.server = server
        self.secret = secret
        self.expires = expires
    }

    package var text: String {
        let json = JSONValue.object([
            .init("v", .integer(1)), .init("role", .string(role.rawValue)),
            .init("endpoints", .array(endpoints.map { .string($0.description) })),
            .init("server", .string(server.text)), .init("secret", .string(secret.text)),
            .init("expires", .integer(expires)),
        ])
        let base64 = Data(json.text.utf8).base64EncodedString()
        return Self.prefix
            + base64.replacing("+", with: "-").replacing("/", with: "_").replacing("=", with: "")
    }

    /// - Parameter text: white space around it is of no account.
    package init(_ text: String) throws(Malformed) {
        let text = text.trimmingCharacters(in: .whitespacesAndNewlines)
        guard text.hasPrefix(Self.prefix) else {
            throw Malformed(
                description: "this is no invitation: one begins with \(Self.prefix) (sweepd invite prints it)")
        }
        let damaged = Malformed(
            description: "the invitation is damaged: copy the whole line that sweepd invite printed")
        guard text.utf8.count <= Self.maximumBytes else { throw damaged }
        var base64 = String(text.dropFirst(Self.prefix.count)).replacing("-", with: "+").replacing("_", with: "/")
        base64 += String(repeating: "=", count: (4 - base64.utf8.count % 4) % 4)
        guard let data = Data(base64Encoded: base64), let json = try? JSONValue.parse([UInt8](data)) else {
            throw damaged
        }
        guard json["v"]?.integerValue == 1 else {
            throw Malformed(
                description: "the invitation is of another version of sweepd: install the same release here")
        }
        guard let role = json["role"]?.stringValue.flatMap({ Role(rawValue: $0) }),
            let endpoints = json["endpoints"].flatMap({ Self.endpoints($0) }),
            let server = json["server"]?.stringValue.flatMap({ try? CurveKey($0) }),
            let secret = json["secret"]?.stringValue.flatMap({ try? CurveSecretKey($0) }),
            let expires = json["expires"]?.integerValue
        else { throw damaged }
        self.init(role: role, endpoints: endpoints, server: server, secret: secret, expires: expires)
    }

    /// Where a coordinator can be reached; nil unless it is 1 to 8 places of the network.
    static func endpoints(_ json: JSONValue) -> [Endpoint]? {
        guard let list = json.arrayValue, (1...maximumEndpoints).contains(list.count) else { return nil }
        let endpoints = list.compactMap { $0.stringValue.flatMap { text in try? Endpoint(text) } }
        return endpoints.count == list.count && endpoints.allSatisfy(\.isTCP) ? endpoints : nil
    }
}
