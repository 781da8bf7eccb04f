// SPDX-License-Identifier: MIT

import Foundation
import Keys
import Logging
import SweepEngine
import SweepModel
import Testing
import ZeroMQ

@testable import Coordinator

/// A daemon may have several addresses, and not every one can be reached from everywhere.
@Suite(.serialized, .timeLimit(.minutes(2))) struct OperatorClientTests {
    private let folder = NSTemporaryDirectory() + "/sweepd-operator-\(UInt32.random(in: .min ... .max))"
    private let context: Context

    init() throws { context = try Context() }

    @Test func eachEndpointIsTriedInTurn() throws {
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let place = try Endpoint("tcp://127.0.0.1:\(try Listener.freePort())")
        // The kernel takes connections there, and nobody speaks.
        let port = try Listener.freePort()
        let mute = Listener(port: port)
        defer { mute.close() }
        let silent = try Endpoint("tcp://127.0.0.1:\(port)")
        let closed = try Endpoint("tcp://127.0.0.1:\(try Listener.freePort())")
        var options = CoordinatorOptions(version: "test", logger: Logger(label: "test"))
        options.servesAll = true
        options.listening = Listening(endpoints: [place], advertised: [place])
        let coordinator = try Coordinator(
            data: DataDirectory(folder), context: context, options: options, observer: Unobserved())
        _ = try coordinator.start()
        defer { coordinator.shutdown() }
        var invitation = OperatorRequest.Invitation()
        invitation.isOperator = true
        let text = try #require(try coordinator.perform(.invite(invitation))["token"]?.stringValue)
        let joined = try Enrolment.join(
            with: try JoinToken(text), as: "me", now: Int64(Date().timeIntervalSince1970), in: context)
        func ask(_ endpoints: [Endpoint], timeout: Duration = .seconds(10)) throws {
            let connection = ConnectionFile(
                role: .operator, name: joined.name, endpoints: endpoints, server: joined.server, own: joined.own)
            try OperatorClient(connection: connection, context: context).ask(.ping, timeout: timeout)
        }
        try ask([place])
        try ask([place, silent], timeout: .seconds(3))
        try ask([silent, place])
        // Even where that leaves the second one nothing of the time.
        try ask([closed, place], timeout: .seconds(1))
        do {
            try ask([silent, closed], timeout: .seconds(1))
            Issue.record("somebody answered")
        } catch OperatorClient.Failure.refused(let reason) {
            #expect(reason.hasPrefix("no answer from \(silent), \(closed): "), "\(reason)")
        }
    }
}
