// SPDX-License-Identifier: MIT

import Foundation
import Testing

@testable import ZeroMQ

extension AuthenticationTests {
    @Suite struct SelfTestTests {
        @Test func aGoodServerPassesAndNothingIsLeft() throws {
            let site = try CurveSite()
            var router = try site.router()
            let endpoint = try bindAnywhere(&router)
            for _ in 0..<20 {
                #expect(try check(&router, site, at: endpoint).isEmpty)
                #expect(try router.receive() == nil)
            }
            #expect(site.authenticator.refusals == 20)
            #expect(try next(&router, patience: .milliseconds(100)) == nil)
            var worker = try site.visitor(site.worker, at: endpoint)
            #expect(try reception(&worker, by: &router).isAdmitted)
        }

        @Test(arguments: ["tcp://*:*", "tcp://[::]:*"])
        func aWildcardIsTestedFromThisMachine(text: String) throws {
            let site = try CurveSite()
            var router = try site.router()
            try router.bind(Endpoint(text, allowsWildcard: true, allowsEphemeralPort: true))
            let endpoint = try #require(try router.lastEndpoint)
            #expect(endpoint.isWildcard)
            #expect(try ["127.0.0.1", "[::1]"].contains { try endpoint.local.description.contains("//\($0):") })
            #expect(try check(&router, site, at: endpoint).isEmpty)
        }

        @Test func itWorksOverIpc() throws {
            let site = try CurveSite()
            let place = try SocketPlace()
            var router = try site.router()
            try router.bind(place.endpoint)
            #expect(try check(&router, site, at: place.endpoint).isEmpty)
        }

        @Test func itsGuestIsAdmittedForTheMomentOnly() throws {
            let site = try CurveSite()
            var router = try site.router()
            let endpoint = try bindAnywhere(&router)
            let guest = try CurveKeyPair.generate()
            try site.authenticator.withGuest(guest.publicKey, as: "self-test", domain: site.domain) {
                var during = try site.visitor(guest, at: endpoint)
                #expect(try reception(&during, by: &router).isAdmitted)
            }
            var after = try site.visitor(guest, at: endpoint)
            #expect(try reception(&after, by: &router) == .turnedAway(.refused))
        }

        @Test func messagesOfOthersAreHandedOver() throws {
            let site = try CurveSite()
            var router = try site.router()
            let endpoint = try bindAnywhere(&router)
            var dealer = try site.dealer(site.worker)
            try dealer.connect(endpoint)
            #expect(try dealer.send([bytes("hello")]))
            #expect(try poll(router, timeout: .seconds(5)).first)
            let others = try check(&router, site, at: endpoint)
            #expect(others.map(\.frames.last) == [bytes("hello")])
            #expect(others.first?.userID == "worker:1")
        }

        @Test func aServerWithoutKeysFails() throws {
            let site = try CurveSite()
            var options = SocketOptions()
            options.permitsPlainTCP = true
            var router = try Socket(.router, in: context.get(), options: options)
            let endpoint = try bindAnywhere(&router)
            #expect(throws: SelfTest.Failure.self) { try check(&router, site, at: endpoint) }
        }

        /// The trap: a handler that says no, and is never asked.
        @Test func aServerThatAsksNobodyFails() throws {
            let site = try CurveSite()
            var options = SocketOptions()
            options.permitsPlainTCP = true
            var router = try Socket(.router, in: context.get(), options: options)
            try set(zapEnforceDomain, CInt(1), on: router.handle)
            try set(curveServer, CInt(1), on: router.handle)
            try set(curveSecretKey, site.server.secret.text, on: router.handle)
            let endpoint = try bindAnywhere(&router)
            #expect(throws: SelfTest.Failure.admitsStrangers) { try check(&router, site, at: endpoint) }
        }

        @Test func aHandlerThatAdmitsAllFails() throws {
            let site = try CurveSite()
            site.authenticator.stop()
            let open = try FalseHandler(in: context.get()) { _ in "anybody" }
            var router = try site.router()
            let endpoint = try bindAnywhere(&router)
            let failure = #expect(throws: SelfTest.Failure.self) {
                try SelfTest.visit(
                    &router, at: endpoint, server: site.server.publicKey, domain: site.domain,
                    authenticator: site.authenticator, timeout: .seconds(5))
            }
            #expect(failure == .admitsStrangers || failure == .namesNobody)
            open.stop()
        }

        @Test func aHandlerThatConfusesNamesFails() throws {
            let site = try CurveSite()
            site.authenticator.stop()
            let keys = site.authenticator.keys
            let confused = try FalseHandler(in: context.get()) { keys.user(for: $0) == nil ? nil : "somebody else" }
            var router = try site.router()
            let endpoint = try bindAnywhere(&router)
            #expect(throws: SelfTest.Failure.namesNobody) {
                try SelfTest.visit(
                    &router, at: endpoint, server: site.server.publicKey, domain: site.domain,
                    authenticator: site.authenticator, timeout: .seconds(5))
            }
            confused.stop()
        }

        @Test func aStoppedAuthenticatorFails() throws {
            let site = try CurveSite()
            site.authenticator.stop()
            var router = try site.router()
            let endpoint = try bindAnywhere(&router)
            #expect(throws: SelfTest.Failure.authenticatorStopped) { try check(&router, site, at: endpoint) }
        }

        @Test func aServerOfAnotherDomainOrKeyFails() throws {
            let site = try CurveSite()
            var router = try site.router(domain: "elsewhere")
            let endpoint = try bindAnywhere(&router)
            #expect(throws: SelfTest.Failure.refusesAdmitted) { try check(&router, site, at: endpoint) }
            let other = try CurveKeyPair.generate().publicKey
            #expect(throws: SelfTest.Failure.undecided) {
                try SelfTest.checkRefusesStrangers(
                    &router, at: endpoint, server: other, domain: "elsewhere", authenticator: site.authenticator,
                    timeout: .milliseconds(200))
            }
        }

        private func check(_ router: inout Socket, _ site: CurveSite, at endpoint: Endpoint) throws -> [Message] {
            try SelfTest.checkRefusesStrangers(
                &router, at: endpoint, server: site.server.publicKey, domain: site.domain,
                authenticator: site.authenticator)
        }
    }
}

/// Stands where the authenticator should.
private final class FalseHandler: Sendable {
    private let wakeup = try? EventDescriptor()
    private let ended = DispatchSemaphore(value: 0)

    init(in context: Context, user: @escaping @Sendable (ZAPRequest?) -> String?) throws {
        let bound = DispatchSemaphore(value: 0)
        Thread.detachNewThread { [self] in
            defer { ended.signal() }
            var options = SocketOptions()
            options.limit = MessageLimit(frames: 12)
            guard var socket = try? Socket(.router, in: context, options: options),
                (try? socket.bind(inproc: "zeromq.zap.01")) != nil
            else { return }
            bound.signal()
            while (try? poll(socket, wakeup: wakeup, timeout: .seconds(10)))?.wakeup == false {
                while let frames = try? socket.receive() {
                    let answer = ZAPRequest.answer(to: frames, userID: user(ZAPRequest(frames)))
                    if let answer { _ = try? socket.send(answer) }
                }
            }
            try? socket.unbind(inproc: "zeromq.zap.01")
        }
        try #require(bound.wait(timeout: .now() + 5) == .success)
    }

    func stop() {
        wakeup?.signal()
        ended.wait()
    }
}

private let curveServer: CInt = 47
private let curveSecretKey: CInt = 49
private let zapEnforceDomain: CInt = 93
