// SPDX-License-Identifier: MIT

import Foundation
import Logging
import SweepEngine
import Synchronization
import Testing
import ZeroMQ

@testable import Coordinator

/// A daemon that nobody can reach any more must not look as if it were well: it ends, and is started again.
@Suite(.serialized, .timeLimit(.minutes(2))) struct NetworkLostTests {
    private let folder = NSTemporaryDirectory() + "/sweepd-network-\(UInt32.random(in: .min ... .max))"
    private let context: Context
    private let port: UInt16
    private var options: CoordinatorOptions

    init() throws {
        context = try Context()
        port = try Listener.freePort()
        options = CoordinatorOptions(version: "test", logger: Logger(label: "test"))
        options.servesAll = true
        let endpoint = try Endpoint("tcp://127.0.0.1:\(port)")
        options.listening = Listening(endpoints: [endpoint], advertised: [endpoint])
    }

    @Test func withoutItsAuthenticatorItEnds() throws {
        let data = DataDirectory(folder)
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let loop = try CoordinatorLoop(
            data: data, runtime: RuntimeDirectory(dataDirectory: data.path), context: context, options: options,
            observer: Unobserved(), mailbox: try Mailbox())
        loop.door?.authenticator.stop()
        #expect(throws: NetworkLost.self) { try loop.run() }
    }

    @Test func whenItsPortIsTakenWhileItCutsConnectionsItEnds() throws {
        let coordinator = try Coordinator(
            data: DataDirectory(folder), context: context, options: options, observer: Unobserved())
        defer { try? FileManager.default.removeItem(atPath: folder) }
        _ = try coordinator.start()
        let rival = Listener(port: port)
        defer { rival.close() }
        // The daemon may be quicker than its rival.
        for _ in 0..<20 where coordinator.failure == nil {
            do {
                _ = try coordinator.perform(.invite(OperatorRequest.Invitation()))
                _ = try coordinator.perform(.revoke(KeyRing.openInvitations))
            } catch is CoordinatorEnded {
                break
            }
            let deadline = ContinuousClock.now + .seconds(5)
            while rival.hasThePort, coordinator.failure == nil, ContinuousClock.now < deadline { usleep(10_000) }
        }
        #expect(coordinator.failure is NetworkLost, "\(coordinator.failure as Any)")
    }
}

/// Takes a port as soon as it is free.
final class Listener: Sendable {
    private struct State {
        var descriptor: Int32?
        var isClosed = false
    }

    private let state = Mutex(State())

    init(port: UInt16) {
        Thread.detachNewThread { [self] in
            while state.withLock({ !$0.isClosed && $0.descriptor == nil }) {
                guard let descriptor = Self.listen(port) else { continue }
                state.withLock { $0.descriptor = descriptor }
            }
        }
    }

    var hasThePort: Bool { state.withLock { $0.descriptor != nil } }

    func close() {
        state.withLock { state in
            state.isClosed = true
            if let descriptor = state.descriptor { Glibc.close(descriptor) }
            state.descriptor = nil
        }
    }

    static func freePort() throws -> UInt16 {
        let descriptor = try #require(listen(0))
        defer { Glibc.close(descriptor) }
        var address = sockaddr_in()
        var size = socklen_t(MemoryLayout<sockaddr_in>.size)
        let isKnown = withUnsafeMutablePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { getsockname(descriptor, $0, &size) == 0 }
        }
        try #require(isKnown)
        return UInt16(bigEndian: address.sin_port)
    }

    private static func listen(_ port: UInt16) -> Int32? {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        guard descriptor >= 0 else { return nil }
        var reuse: Int32 = 1
        setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &reuse, socklen_t(MemoryLayout<Int32>.size))
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = port.bigEndian
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        let isBound = withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size)) == 0
            }
        }
        guard isBound, Glibc.listen(descriptor, 1) == 0 else {
            Glibc.close(descriptor)
            return nil
        }
        return descriptor
    }
}
