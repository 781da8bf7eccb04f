// SPDX-License-Identifier: MIT

import Foundation
import Testing
import ZeroMQ

@Suite struct SocketTests {
    @Test func aMessageGoesThereAndBack() throws {
        let place = try SocketPlace()
        var router = try Socket(.router, in: context.get())
        try router.bind(place.endpoint)
        var dealer = try Socket(.dealer, in: context.get())
        try dealer.connect(place.endpoint)
        #expect(try dealer.send([bytes("sweepd/1"), [], bytes("{}")]))
        let request = try #require(try next(&router))
        #expect(request.frames.dropFirst() == [bytes("sweepd/1"), [], bytes("{}")])
        #expect(try router.send([request.frames[0], bytes("answer")]))
        #expect(try next(&dealer)?.frames == [bytes("answer")])
        #expect(try router.receive() == nil)
    }

    @Test func overIpcTheKernelNamesThePeer() throws {
        let place = try SocketPlace()
        var router = try Socket(.router, in: context.get())
        try router.bind(place.endpoint)
        var dealer = try Socket(.dealer, in: context.get())
        try dealer.connect(place.endpoint)
        #expect(try dealer.send([bytes("a"), bytes("b")]))
        // The defect of 4.3.4 shows only after a poll.
        #expect(try poll(router, timeout: .seconds(5)).first)
        let message = try #require(try router.receiveMessage())
        let parts = try #require(message.peerAddress).split(separator: ":")
        #expect(parts.suffix(3) == ["\(getuid())", "\(getgid())", "\(getpid())"])
    }

    @Test func withoutAPeerAnImmediateDealerQueuesNothing() throws {
        let place = try SocketPlace()
        var options = SocketOptions()
        options.immediate = true
        var dealer = try Socket(.dealer, in: context.get(), options: options)
        try dealer.connect(place.endpoint)
        #expect(try !dealer.send([bytes("a"), bytes("b")]))
    }

    @Test func aFullQueueSaysNo() throws {
        let place = try SocketPlace()
        var options = SocketOptions()
        options.sendHighWaterMark = 10
        var dealer = try Socket(.dealer, in: context.get(), options: options)
        try dealer.connect(place.endpoint)
        let taken = try (0..<100).prefix { _ in try dealer.send([bytes("a"), bytes("b")]) }.count
        #expect(taken < 100)
        #expect(taken > 0)
    }

    @Test func aMandatoryRouterReportsAnUnknownPeer() throws {
        let place = try SocketPlace()
        let other = try SocketPlace()
        var options = SocketOptions()
        options.routerMandatory = true
        var router = try Socket(.router, in: context.get(), options: options)
        try router.bind(place.endpoint)
        #expect(throws: ZMQError.hostUnreachable) { try router.send([[0, 1, 2, 3, 4], bytes("a")]) }
        var careless = try Socket(.router, in: context.get())
        try careless.bind(other.endpoint)
        #expect(try careless.send([[0, 1, 2, 3, 4], bytes("a")]))
    }

    @Test(arguments: [
        [[UInt8](repeating: 7, count: (1 << 20) + 5000)],
        [[UInt8]](repeating: [7], count: 50),
        [[UInt8]](repeating: [UInt8](repeating: 7, count: 600_000), count: 2),
    ])
    func anOversizedMessageIsDrainedAndReported(frames: [[UInt8]]) throws {
        let place = try SocketPlace()
        var router = try Socket(.router, in: context.get())
        try router.bind(place.endpoint)
        var dealer = try Socket(.dealer, in: context.get())
        try dealer.connect(place.endpoint)
        #expect(try dealer.send(frames))
        #expect(try dealer.send([bytes("small")]))
        let oversized = try #require(try next(&router))
        #expect(oversized.isOversized)
        #expect(oversized.frames.count == 1, "only the routing id is left")
        #expect(try router.send([oversized.frames[0], bytes("malformed")]))
        #expect(try next(&dealer)?.frames == [bytes("malformed")])
        let small = try #require(try next(&router))
        #expect(small.frames == [oversized.frames[0], bytes("small")])
        #expect(!small.isOversized)
    }

    @Test func aFrameBeyondTheSocketsMaximumCutsOnlyItsSenderOff() throws {
        let place = try SocketPlace()
        var options = SocketOptions()
        options.maximumMessageSize = 1 << 20
        var router = try Socket(.router, in: context.get(), options: options)
        try router.bind(place.endpoint)
        var rude = try Socket(.dealer, in: context.get())
        try rude.connect(place.endpoint)
        #expect(try rude.send([[UInt8](repeating: 7, count: (1 << 20) + 1)]))
        var polite = try Socket(.dealer, in: context.get())
        try polite.connect(place.endpoint)
        #expect(try polite.send([bytes("hello")]))
        #expect(try next(&router)?.frames.last == bytes("hello"))
        #expect(try next(&router, patience: .milliseconds(100)) == nil)
    }

    /// Not what one would wish: it is why the coordinator takes a lock on the data directory first.
    @Test func aSecondBindToALivePathTakesItOver() throws {
        let place = try SocketPlace()
        var first = try Socket(.router, in: context.get())
        try first.bind(place.endpoint)
        var second = try Socket(.router, in: context.get())
        try second.bind(place.endpoint)
        var dealer = try Socket(.dealer, in: context.get())
        try dealer.connect(place.endpoint)
        #expect(try dealer.send([bytes("whose?")]))
        #expect(try next(&second)?.frames.last == bytes("whose?"))
        #expect(try first.receive() == nil)
    }

    @Test func aSecondBindToATCPPortIsRefused() throws {
        var options = SocketOptions()
        options.permitsPlainTCP = true
        var first = try Socket(.router, in: context.get(), options: options)
        try first.bind(Endpoint("tcp://127.0.0.1:0", allowsEphemeralPort: true))
        let place = try #require(try first.lastEndpoint)
        var second = try Socket(.router, in: context.get(), options: options)
        #expect(throws: ZMQError.addressInUse) { try second.bind(place) }
    }

    @Test func allOptionsAreTaken() throws {
        var options = SocketOptions()
        options.linger = .milliseconds(1500)
        options.maximumMessageSize = 1 << 22
        options.immediate = true
        options.handshakeInterval = .seconds(5)
        options.heartbeatInterval = .seconds(5)
        options.heartbeatTimeout = .seconds(15)
        options.heartbeatTimeToLive = .seconds(15)
        options.reconnectInterval = .milliseconds(500)
        options.maximumReconnectInterval = .seconds(30)
        options.connectTimeout = .seconds(10)
        options.backlog = 1024
        options.keepAlive = SocketOptions.KeepAlive()
        _ = try Socket(.dealer, in: context.get(), options: options)
        options.routerMandatory = true
        _ = try Socket(.router, in: context.get(), options: options)
        options.sendHighWaterMark = -1
        #expect(throws: ZMQError.invalidArgument) { _ = try Socket(.pair, in: context.get(), options: options) }
    }

    @Test func errorsExplainThemselves() throws {
        #expect(ZMQError.hostUnreachable.description == "Host unreachable")
        #expect(ZMQError.contextTerminated.description == "Context was terminated")
        var router = try Socket(.router, in: context.get())
        do {
            try router.bind(Endpoint("ipc:///nonexistent-directory/s"))
            Issue.record("it bound")
        } catch ZMQError.noSuchFile {
        }
    }
}
