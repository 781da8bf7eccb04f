// SPDX-License-Identifier: MIT

import Foundation
import Testing

@testable import ZeroMQ

extension AuthenticationTests {
    @Suite struct AuthenticatorLifeTests {
        @Test func whenTheAuthenticatorHasStoppedNobodyComesIn() throws {
            let site = try CurveSite()
            var router = try site.router()
            let endpoint = try bindAnywhere(&router)
            var before = try site.visitor(site.worker, at: endpoint)
            #expect(try reception(&before, by: &router).isAdmitted)
            site.authenticator.stop()
            #expect(!site.authenticator.isRunning)
            var after = try site.visitor(site.worker, at: endpoint)
            #expect(try !reception(&after, by: &router).isAdmitted)
            #expect(after.outcome != .succeeded)
            site.authenticator.stop()
        }

        @Test func itEndsWithItsOwnerAndCanBeReplaced() throws {
            weak var gone: Authenticator?
            for _ in 0..<50 {
                let authenticator = try Authenticator(in: context.get())
                #expect(throws: ZMQError.addressInUse) { try Authenticator(in: context.get()) }
                gone = authenticator
            }
            #expect(gone == nil)
        }

        @Test func itCanBeReplacedWhileStrangersKnock() throws {
            var site = try CurveSite()
            var router = try site.router()
            let endpoint = try bindAnywhere(&router)
            for _ in 0..<30 {
                let first = try site.visitor(.generate(), at: endpoint)
                let second = try site.visitor(.generate(), at: endpoint)
                site.authenticator.stop()
                site.authenticator = try Authenticator(in: context.get())
                _ = consume first
                _ = consume second
            }
            try site.admitWorker()
            var worker = try site.visitor(site.worker, at: endpoint)
            #expect(try reception(&worker, by: &router).isAdmitted)
        }

        @Test func itsThreadTakesNoSignals() throws {
            // libzmq starts its own threads with the first socket; they take none either.
            _ = try Socket(.pair, in: context.get())
            let before = threads()
            let site = try CurveSite()
            // A thread blocks all signals while it starts; one that has answered does no more.
            var router = try site.router()
            var worker = try site.visitor(site.worker, at: bindAnywhere(&router))
            #expect(try reception(&worker, by: &router).isAdmitted)
            let new = threads().subtracting(before)
            let deaf = new.filter(blocksAllSignals)
            #expect(!deaf.isEmpty, "of \(new.count) new threads")
            site.authenticator.stop()
            #expect(threads().isDisjoint(with: deaf))
        }

        /// In a process of its own, because a second context must not end in this one.
        @Test func theContextEndsWithItsUsers() async {
            await #expect(processExitsWith: .success) {
                alarm(20)
                weak var gone: Context?
                do {
                    let context = try Context()
                    gone = context
                    let authenticator = try Authenticator(in: context)
                    let server = try CurveKeyPair.generate()
                    let worker = try CurveKeyPair.generate()
                    try authenticator.setKeys([worker.publicKey: "worker:1"], domain: "sweepd")
                    var options = SocketOptions()
                    options.security = .curveServer(server.secret, domain: "sweepd")
                    var router = try Socket(.router, in: context, options: options)
                    let endpoint = try bindAnywhere(&router)
                    var visitor = try Visitor(
                        .curveClient(server: server.publicKey, own: worker), at: endpoint, in: context)
                    guard try reception(&visitor, by: &router).isAdmitted else { exit(2) }
                    _ = try Visitor(.curveClient(server: server.publicKey, own: .generate()), at: endpoint, in: context)
                } catch {
                    exit(3)
                }
                exit(gone == nil ? 0 : 4)
            }
        }
    }
}

private func threads() -> Set<String> {
    Set((try? FileManager.default.contentsOfDirectory(atPath: "/proc/self/task")) ?? [])
}

private func blocksAllSignals(_ thread: String) -> Bool {
    let status = (try? String(contentsOfFile: "/proc/self/task/\(thread)/status", encoding: .utf8)) ?? ""
    let mask = status.split(separator: "\n").first { $0.hasPrefix("SigBlk:") }?.split(separator: "\t").last ?? "0"
    // All but SIGKILL, SIGSTOP and the two that glibc keeps for itself.
    return UInt64(mask, radix: 16) == 0xFFFF_FFFE_7FFB_FEFF
}
