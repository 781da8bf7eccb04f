// SPDX-License-Identifier: MIT

import Testing
import ZeroMQ

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

        @Test func anUnknownKeyIsRefused() throws {
            let site = try CurveSite()
            var router = try site.router()
            let endpoint = try bindAnywhere(&router)
            let stranger = try CurveKeyPair.generate()
            var dealer = try site.dealer(stranger)
            try dealer.connect(endpoint)
            #expect(try dealer.send([bytes("let me in")]))
            #expect(try next(&router, patience: .milliseconds(300)) == nil)
            #expect(site.authenticator.refusals == 1)
            #expect(site.authenticator.lastRefusal?.key == stranger.publicKey)
        }
    }
}
