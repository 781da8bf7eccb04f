// SPDX-License-Identifier: MIT

import Foundation
import SweepModel
package import ZeroMQ

/// How a machine reaches a coordinator it has been admitted to: what enrolment leaves behind.
package struct ConnectionFile: Sendable {
    package let role: JoinToken.Role
    /// The name the coordinator gave the key.
    package let name: String
    package let endpoints: [Endpoint]
    package let server: CurveKey
    package let own: CurveKeyPair

    package init(role: JoinToken.Role, name: String, endpoints: [Endpoint], server: CurveKey, own: CurveKeyPair) {
        self.role = role
        self.name = name
        self.endpoints = endpoints
        self.server = server
        self.own = own
    }

    /// `${XDG_CONFIG_HOME:-~/.config}/sweepd/worker.json`, or `operator.json`.
    package static func defaultPath(
        of role: JoinToken.Role, environment: [String: String] = ProcessInfo.processInfo.environment
    ) -> String {
        let home = environment["HOME"] ?? NSHomeDirectory()
        let base = environment["XDG_CONFIG_HOME"].flatMap { $0.hasPrefix("/") ? $0 : nil } ?? home + "/.config"
        return "\(base)/sweepd/\(role.rawValue).json"
    }

    package func write(to path: String) throws(SecretFile.Failure) {
        let json = JSONValue.object([
            .init("version", .integer(1)), .init("role", .string(role.rawValue)), .init("name", .string(name)),
            .init("endpoints", .array(endpoints.map { .string($0.description) })),
            .init("server", .string(server.text)), .init("secret", .string(own.secret.text)),
        ])
        try SecretFile(path).write(Array((json.text + "\n").utf8))
    }

    package init(reading path: String, as role: JoinToken.Role) throws(SecretFile.Failure) {
        let bytes = try SecretFile(path).read()
        func damaged(_ what: String) -> SecretFile.Failure {
            SecretFile.Failure(description: "\(path) is no connection file of a \(role.rawValue): \(what)")
        }
        guard let json = try? JSONValue.parse(bytes), json["version"]?.integerValue == 1 else {
            throw damaged("it is not JSON of version 1")
        }
        guard json["role"]?.stringValue == role.rawValue else { throw damaged("its role is another") }
        guard let name = json["name"]?.stringValue, Placement.isName(name),
            let server = json["server"]?.stringValue.flatMap({ try? CurveKey($0) }),
            let secret = json["secret"]?.stringValue.flatMap({ try? CurveSecretKey($0) }),
            let own = try? CurveKeyPair(secret: secret)
        else { throw damaged("a member is missing or wrong") }
        guard let endpoints = json["endpoints"].flatMap({ JoinToken.endpoints($0) }) else {
            throw damaged("its endpoints are not 1 to 8 places of the network")
        }
        self.init(role: role, name: name, endpoints: endpoints, server: server, own: own)
    }
}
