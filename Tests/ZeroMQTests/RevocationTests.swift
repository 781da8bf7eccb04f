// SPDX-License-Identifier: MIT

import Foundation
import Testing

@testable import ZeroMQ

extension AuthenticationTests {
    @Suite struct RevocationTests {
        /// What libzmq gives, and why the coordinator looks the user up at every message.
        @Test func itConcernsTheNextConnectionOnly() throws {
            let site = try CurveSite()
            var router = try site.router()
            let endpoint = try bindAnywhere(&router)
            var dealer = try site.dealer(site.worker)
            try dealer.connect(endpoint)
            #expect(try dealer.send([bytes("before")]))
            #expect(try next(&router)?.frames.last == bytes("before"))
            try site.authenticator.setKeys([:], domain: site.domain)
            #expect(try dealer.send([bytes("after")]))
            let message = try #require(try next(&router))
            #expect(message.frames.last == bytes("after"))
            #expect(message.userID == "worker:1")
            var again = try site.visitor(site.worker, at: endpoint)
            #expect(try reception(&again, by: &router) == .turnedAway(.refused))
            try site.admitWorker()
            var third = try site.visitor(site.worker, at: endpoint)
            #expect(try reception(&third, by: &router).isAdmitted)
        }

        @Test func aCrowdOfStrangersDoesNotKeepTheWorkerOut() throws {
            var limit = rlimit()
            getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
            limit.rlim_cur = limit.rlim_max
            setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
            let site = try CurveSite()
            var router = try site.router()
            let endpoint = try bindAnywhere(&router)
            let crowd = try (0..<300).map { _ in
                var dealer = try site.dealer(.generate())
                try dealer.connect(endpoint)
                _ = try dealer.send([bytes("let me in")])
                return Held(dealer)
            }
            var worker = try site.visitor(site.worker, at: endpoint)
            #expect(try reception(&worker, by: &router).isAdmitted)
            // The worker may well be served before the last of them.
            let deadline = ContinuousClock.now + .seconds(10)
            while site.authenticator.refusals < crowd.count, ContinuousClock.now < deadline {
                #expect(try next(&router, patience: .milliseconds(20)) == nil)
            }
            #expect(site.authenticator.refusals == crowd.count)
            #expect(try router.receive() == nil)
        }
    }
}

/// Arrays take no sockets.
private final class Held {
    private let socket: Socket

    init(_ socket: consuming Socket) {
        self.socket = socket
    }
}
