// SPDX-License-Identifier: MIT

import Foundation
import Keys
import SweepModel
import Testing
import WorkerProtocol
import ZeroMQ

@testable import WorkerAgent

/// Where a small coordinator listens for those who have keys. A process has one at a time.
struct Gate: Sendable {
    let endpoint: Endpoint
    private let server: CurveKeyPair
    private let worker: CurveKeyPair
    private let authenticator: Authenticator

    init() throws {
        let context = try SmallCoordinator.context.get()
        server = try CurveKeyPair.generate()
        worker = try CurveKeyPair.generate()
        authenticator = try Authenticator(in: context)
        endpoint = try Endpoint("tcp://127.0.0.1:\(Self.freePort())")
    }

    /// It must be the same one after a cut, so the kernel is asked for one beforehand.
    private static func freePort() throws -> UInt16 {
        let listener = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        defer { close(listener) }
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        var size = socklen_t(MemoryLayout<sockaddr_in>.size)
        let isBound = withUnsafeMutablePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(listener, $0, size) == 0 && getsockname(listener, $0, &size) == 0
            }
        }
        try #require(isBound)
        return UInt16(bigEndian: address.sin_port)
    }

    var security: SocketOptions.Security { .curveServer(server.secret, domain: "test") }

    var connection: ConnectionFile {
        ConnectionFile(role: .worker, name: "w", endpoints: [endpoint], server: server.publicKey, own: worker)
    }

    /// An invitation whose key it knows no longer, or never did.
    func withdrawnInvitation() throws -> JoinToken {
        JoinToken(
            role: .worker, endpoints: [endpoint], server: server.publicKey,
            secret: try CurveKeyPair.generate().secret, expires: .max)
    }

    func admit(_ isWanted: Bool) throws {
        try authenticator.setKeys(isWanted ? [worker.publicKey: "worker:w"] : [:], domain: "test")
    }

    var refusals: Int { authenticator.refusals }

    func stop() { authenticator.stop() }
}

/// A refusal before the encryption: to the worker it is the same whether the coordinator says it, or somebody who cuts
/// its connections and answers in its place.
@Suite(.serialized) struct RefusedHandshakeTests {
    private func run(
        isAdmitted: Bool = true, change: (inout WorkerAgentOptions) -> Void = { _ in },
        _ body: (SmallCoordinator, WorkerAgent, Gate) throws -> Void
    ) throws {
        let gate = try Gate()
        defer { gate.stop() }
        try gate.admit(isAdmitted)
        let coordinator = try SmallCoordinator(gate: gate)
        defer { coordinator.close() }
        let agent = try coordinator.agent(slots: 1, change: change)
        try body(coordinator, agent, gate)
    }

    private static let script = ["/bin/sh", "-c", "echo $$ > p; until [ -e go ]; do sleep 0.01; done; exit 7"]

    @Test func atTheStartTheWorkerLeaves() throws {
        try run(isAdmitted: false) { _, agent, _ in
            #expect(agent.join(within: .seconds(30)))
            #expect(agent.refusal?.contains("does not accept this worker's key") == true)
        }
    }

    @Test func aWithdrawnInvitationIsToldAtOnce() throws {
        try run { _, agent, gate in
            let token = try gate.withdrawnInvitation()
            let began = ContinuousClock.now
            let failure = #expect(throws: Enrolment.Failure.self) {
                try Enrolment.join(
                    with: token, as: "w", now: 0, in: try SmallCoordinator.context.get(), patience: .seconds(60))
            }
            #expect(failure?.description.contains("withdrawn") == true, "\(String(describing: failure))")
            #expect(ContinuousClock.now - began < .seconds(30))
            agent.requestStop()
            #expect(agent.join(within: .seconds(30)))
        }
    }

    @Test func whatRunsGoesOn() throws {
        try run { coordinator, agent, gate in
            coordinator.offer(coordinator.lease(Self.script))
            let child = try #require(coordinator.scratch.number(in: "p"))
            #expect(wait { coordinator.events(1).isEmpty ? nil : true } == true)
            try gate.admit(false)
            coordinator.cut()
            // The second shows that it tries again, on a socket that is new.
            #expect(wait { gate.refusals >= 2 ? true : nil } == true)
            #expect(!hasEnded(child) && !agent.hasEnded)
            let beats = coordinator.beats(1)
            try gate.admit(true)
            #expect(wait { coordinator.beats(1) > beats ? true : nil } == true)
            try coordinator.scratch.write("", to: "go")
            guard case .failed(let failure, _)? = coordinator.end(1) else {
                Issue.record("it has no end")
                return
            }
            #expect(failure.exitCode == 7)
            agent.requestStop()
            #expect(agent.join(within: .seconds(30)))
            #expect(agent.refusal == nil)
        }
    }

    @Test func afterALongSilenceTrialsEndAndThenTheWorker() throws {
        try run {
            $0.offlineRun = .seconds(2)
        } _: { coordinator, agent, gate in
            coordinator.offer(coordinator.lease(Self.script))
            let child = try #require(coordinator.scratch.number(in: "p"))
            #expect(wait { coordinator.events(1).isEmpty ? nil : true } == true)
            try gate.admit(false)
            coordinator.cut()
            #expect(wait { hasEnded(child) ? true : nil } == true)
            #expect(agent.join(within: .seconds(30)))
            #expect(agent.refusal?.contains("does not accept this worker's key") == true)
        }
    }
}
