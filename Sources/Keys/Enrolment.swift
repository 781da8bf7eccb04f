// SPDX-License-Identifier: MIT

import Foundation
package import SweepModel
package import ZeroMQ

/// The dialogue in which an invitation's holder brings in a key of his own (Docs/protocol.md, "Keys").
package enum Enrolment {
    package static let magic = "sweepd-enrol/1"

    package struct Request: Hashable, Sendable {
        package let key: CurveKey
        /// A wish.
        package let name: String
        /// The key is kept nowhere: it is of no use after the worker that brings it in.
        package let isOnce: Bool
        package init(key: CurveKey, name: String, isOnce: Bool = false) {
            self.key = key
            self.name = name
            self.isOnce = isOnce
        }
    }

    package enum Answer: Hashable, Sendable {
        /// With the name that the key got.
        case admitted(name: String)
        case refused(String)
    }

    package struct Failure: Error, Hashable, Sendable, CustomStringConvertible {
        package let description: String
    }

    /// Brings in a new key: at the first endpoint that answers.
    ///
    /// - Parameters:
    ///   - isOnce: the key is not going to be kept.
    ///   - patience: in all.
    /// - Throws: `Failure`; never names a secret.
    package static func join(
        with token: JoinToken, as name: String, isOnce: Bool = false, now: Int64, in context: Context,
        patience: Duration = .seconds(30)
    ) throws -> ConnectionFile {
        guard token.expires > now else {
            let date = Date(timeIntervalSince1970: Double(token.expires)).formatted(.iso8601)
            throw Failure(description: "the invitation expired at \(date): ask for a new one (sweepd invite)")
        }
        let own = try CurveKeyPair.generate()
        let invitation = try CurveKeyPair(secret: token.secret)
        let request = Request(key: own.publicKey, name: name, isOnce: isOnce)
        let share = patience / token.endpoints.count
        for endpoint in token.endpoints {
            guard let answer = try ask(request, at: endpoint, token.server, invitation, context, patience: share) else {
                continue
            }
            switch answer {
            case .admitted(let name):
                return ConnectionFile(
                    role: token.role, name: name, endpoints: token.endpoints, server: token.server, own: own)
            case .refused(let reason): throw Failure(description: "the coordinator refuses the invitation: \(reason)")
            }
        }
        let places = token.endpoints.map(\.description).joined(separator: ", ")
        throw Failure(
            description:
                "no answer from \(places) within \(patience.components.seconds) s: is the coordinator running, "
                + "and can this machine reach it (firewall)?")
    }

    /// nil when nobody answers.
    private static func ask(
        _ request: Request, at endpoint: Endpoint, _ server: CurveKey, _ own: CurveKeyPair, _ context: Context,
        patience: Duration
    ) throws -> Answer? {
        var options = SocketOptions()
        options.immediate = true
        options.linger = .zero
        options.security = .curveClient(server: server, own: own)
        var socket = try Socket(.dealer, in: context, options: options)
        // libzmq says in no other way that a key was refused, and does not try again after it.
        var monitor = try HandshakeMonitor(socket, in: context)
        defer { HandshakeMonitor.stop(socket) }
        try socket.connect(endpoint)
        let deadline = ContinuousClock.now + patience
        var wait = Duration.seconds(1)
        var nextTry = ContinuousClock.now
        while ContinuousClock.now < deadline {
            if ContinuousClock.now >= nextTry, try socket.send([Array(magic.utf8), Array(request.json.text.utf8)]) {
                nextTry = ContinuousClock.now + wait
                wait = wait * 2
            }
            try poll(socket, timeout: .milliseconds(50))
            if let frames = try socket.receive(), frames.count == 2, let answer = Answer(bytes: frames[1]) {
                return answer
            }
            while let event = try monitor.next() {
                guard event == .refused else { continue }
                throw Failure(
                    description:
                        "the coordinator at \(endpoint) does not accept this invitation: it has expired, was used up "
                        + "or withdrawn, or is another coordinator's; ask for a new one (sweepd invite)")
            }
        }
        return nil
    }
}

extension Enrolment.Request {
    package var json: JSONValue {
        let once = isOnce ? [JSONValue.Member("once", .bool(true))] : []
        return .object(
            [.init("op", .string("enrol")), .init("key", .string(key.text)), .init("name", .string(name))] + once)
    }

    /// - Throws: `Enrolment.Failure` with what is wrong.
    package init(bytes: [UInt8]) throws(Enrolment.Failure) {
        guard bytes.count <= 64 << 10, let json = try? JSONValue.parse(bytes), json["op"]?.stringValue == "enrol",
            let text = json["key"]?.stringValue, let name = json["name"]?.stringValue, name.utf8.count <= 256
        else { throw Enrolment.Failure(description: "an invitation's key serves to enrol and to nothing else") }
        do throws(CurveKey.Malformed) {
            self.init(key: try CurveKey(text), name: name, isOnce: json["once"] == .bool(true))
        } catch {
            throw Enrolment.Failure(description: error.description)
        }
    }
}

extension Enrolment.Answer {
    package var json: JSONValue {
        switch self {
        case .admitted(let name): .object([.init("ok", .bool(true)), .init("name", .string(name))])
        case .refused(let reason): .object([.init("error", .string(reason))])
        }
    }

    init?(bytes: [UInt8]) {
        guard let json = try? JSONValue.parse(bytes) else { return nil }
        if let reason = json["error"]?.stringValue {
            self = .refused(reason)
        } else if let name = json["name"]?.stringValue {
            self = .admitted(name: name)
        } else {
            return nil
        }
    }
}
