// SPDX-License-Identifier: MIT

import Foundation
import Testing

@testable import ZeroMQ

extension AuthenticationTests {
    @Suite struct AdmissionTests {
        @Test func anAdmittedKeyGetsThroughAndIsNamed() throws {
            let site = try CurveSite()
            var router = try site.router()
            let endpoint = try bindAnywhere(&router)
            var dealer = try site.dealer(site.worker)
            try dealer.connect(endpoint)
            #expect(try dealer.send([bytes("sweepd/1"), bytes("{}")]))
            // The defect of 4.3.4 shows only after a poll.
            #expect(try poll(router, timeout: .seconds(5)).first)
            let message = try #require(try router.receiveMessage())
            #expect(message.userID == "worker:1")
            #expect(message.peerAddress == "127.0.0.1")
            #expect(try router.send([message.frames[0], bytes("answer")]))
            #expect(try next(&dealer)?.frames == [bytes("answer")])
            #expect(site.authenticator.refusals == 0)
        }

        /// Nor does it come back by itself: its libzmq gives up after the refusal.
        @Test func anUnknownKeyIsRefused() throws {
            let site = try CurveSite()
            var router = try site.router()
            let endpoint = try bindAnywhere(&router)
            let stranger = try CurveKeyPair.generate()
            var visitor = try site.visitor(stranger, at: endpoint)
            #expect(try reception(&visitor, by: &router) == .turnedAway(.refused))
            #expect(try next(&router, patience: .milliseconds(300)) == nil)
            #expect(site.authenticator.refusals == 1)
            #expect(
                site.authenticator.lastRefusal
                    == .init(domain: "sweepd", address: "127.0.0.1", key: stranger.publicKey))
        }

        @Test func aClientWithoutKeysIsTurnedAway() throws {
            let site = try CurveSite()
            var router = try site.router()
            var visitor = try Visitor(.none, at: bindAnywhere(&router), in: context.get())
            #expect(try !reception(&visitor, by: &router).isAdmitted)
            #expect(visitor.outcome != nil)
        }

        @Test func aClientWithAPasswordIsTurnedAway() throws {
            let site = try CurveSite()
            var router = try site.router()
            let endpoint = try bindAnywhere(&router)
            var options = SocketOptions()
            options.permitsPlainTCP = true
            var client = try Socket(.dealer, in: context.get(), options: options)
            try set(plainUserName, "worker:1", on: client.handle)
            try set(plainPassword, "guess", on: client.handle)
            var monitor = try HandshakeMonitor(client, in: context.get())
            defer { HandshakeMonitor.stop(client) }
            try client.connect(endpoint)
            #expect(try client.send([bytes("let me in")]))
            let found = try poll(router, monitor.socket, timeout: .seconds(5))
            #expect(!found.first)
            #expect(try monitor.next() != .succeeded)
            #expect(try next(&router, patience: .milliseconds(50)) == nil)
            #expect(site.authenticator.isRunning)
        }

        /// The key is right, but its holder lacks the secret.
        @Test func anotherServerIsNotTalkedTo() throws {
            let site = try CurveSite()
            var router = try site.router()
            let endpoint = try bindAnywhere(&router)
            let impostor = try CurveKeyPair.generate()
            var visitor = try Visitor(
                .curveClient(server: impostor.publicKey, own: site.worker), at: endpoint, in: context.get())
            #expect(try !reception(&visitor, by: &router).isAdmitted)
            #expect(site.authenticator.refusals == 0, "it does not even come to the question")
        }

        @Test func aKeyIsAdmittedInItsDomainOnly() throws {
            let site = try CurveSite()
            var router = try site.router(domain: "elsewhere")
            var visitor = try site.visitor(site.worker, at: bindAnywhere(&router))
            #expect(try reception(&visitor, by: &router) == .turnedAway(.refused))
            #expect(site.authenticator.lastRefusal?.domain == "elsewhere")
        }

        @Test func overIpcItIsTheSame() throws {
            let site = try CurveSite()
            let place = try SocketPlace()
            var router = try site.router()
            try router.bind(place.endpoint)
            var stranger = try site.visitor(.generate(), at: place.endpoint)
            #expect(try reception(&stranger, by: &router) == .turnedAway(.refused))
            var worker = try site.visitor(site.worker, at: place.endpoint)
            guard case .admitted(let message) = try reception(&worker, by: &router) else {
                Issue.record("the worker did not come through")
                return
            }
            #expect(message.userID == "worker:1")
            #expect(message.peerAddress.flatMap(PeerAddress.init)?.uid == getuid())
            #expect(site.authenticator.refusals == 1)
        }

        @Test(arguments: ["", "ä", "two\nlines", String(repeating: "a", count: 256)])
        func noUserIsCalledSo(name: String) throws {
            let site = try CurveSite()
            #expect(throws: Authenticator.InvalidUserID.self) {
                try site.authenticator.setKeys([site.worker.publicKey: name], domain: "sweepd")
            }
        }
    }
}

private let plainUserName: CInt = 45
private let plainPassword: CInt = 46
