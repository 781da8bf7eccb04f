// SPDX-License-Identifier: MIT

import Foundation
import Testing
import ZeroMQ

@Suite struct PollTests {
    @Test func aSignalFromAnotherThreadWakes() throws {
        let place = try SocketPlace()
        var router = try Socket(.router, in: context.get())
        try router.bind(place.endpoint)
        let wakeup = try EventDescriptor()
        Thread.detachNewThread {
            wakeup.signal()
            wakeup.signal()
        }
        let found = try poll(router, wakeup: wakeup, timeout: nil)
        #expect(found.wakeup)
        #expect(!found.first)
    }

    @Test func signalsBetweenTwoPollsCountAsOne() throws {
        let router = try Socket(.router, in: context.get())
        let wakeup = try EventDescriptor()
        for _ in 0..<3 { wakeup.signal() }
        #expect(try poll(router, wakeup: wakeup, timeout: .seconds(5)).wakeup)
        #expect(try !poll(router, wakeup: wakeup, timeout: .zero).wakeup)
    }

    @Test func itTellsWhichSocketHasAMessage() throws {
        let place = (try SocketPlace(), try SocketPlace())
        var first = try Socket(.router, in: context.get())
        try first.bind(place.0.endpoint)
        var second = try Socket(.router, in: context.get())
        try second.bind(place.1.endpoint)
        var dealer = try Socket(.dealer, in: context.get())
        try dealer.connect(place.1.endpoint)
        #expect(try dealer.send([bytes("a")]))
        let found = try poll(first, second, wakeup: EventDescriptor(), timeout: .seconds(5))
        #expect(!found.first)
        #expect(found.second)
        #expect(!found.wakeup)
    }

    /// Four sockets, of which one has a message: the bits must not be mixed up.
    @Test(arguments: 0..<4)
    func itTellsWhichOfFour(chosen: Int) throws {
        let place = try SocketPlace()
        var listener = try Socket(.router, in: context.get())
        try listener.bind(place.endpoint)
        let first = try Socket(.router, in: context.get())
        let second = try Socket(.router, in: context.get())
        let third = try Socket(.router, in: context.get())
        var dealer = try Socket(.dealer, in: context.get())
        try dealer.connect(place.endpoint)
        #expect(try dealer.send([bytes("a")]))
        let wakeup = try EventDescriptor()
        let found =
            switch chosen {
            case 0: try poll(listener, first, second, third, wakeup: wakeup, timeout: .seconds(5))
            case 1: try poll(first, listener, second, third, wakeup: wakeup, timeout: .seconds(5))
            case 2: try poll(first, second, listener, third, wakeup: wakeup, timeout: .seconds(5))
            default: try poll(first, second, third, listener, wakeup: wakeup, timeout: .seconds(5))
            }
        #expect([found.first, found.second, found.third, found.fourth] == (0..<4).map { $0 == chosen })
        #expect(!found.wakeup)
        wakeup.signal()
        let woken = try poll(first, second, third, wakeup: wakeup, timeout: .seconds(5))
        #expect(woken.wakeup)
        #expect(!woken.first && !woken.second && !woken.third && !woken.fourth)
    }

    @Test func descriptorsAreToldFromSockets() throws {
        var ends: [Int32] = [0, 0]
        #expect(pipe(&ends) == 0)
        defer { for end in ends { close(end) } }
        let router = try Socket(.router, in: context.get())
        let wakeup = try EventDescriptor()
        var watched = [WatchedDescriptor(ends[0]), WatchedDescriptor(ends[1], read: false, write: true)]
        let before = try poll(router, wakeup: wakeup, descriptors: &watched, timeout: .seconds(5))
        #expect(watched.map(\.isReadable) == [false, false])
        #expect(watched.map(\.isWritable) == [false, true])
        #expect(!before.first && !before.wakeup)
        #expect(write(ends[1], "a", 1) == 1)
        wakeup.signal()
        watched.removeLast()
        let after = try poll(router, wakeup: wakeup, descriptors: &watched, timeout: .seconds(5))
        #expect(watched.map(\.isReadable) == [true])
        #expect(after.wakeup && !after.first)
    }

    @Test(arguments: [Duration.zero, .milliseconds(-5), .milliseconds(20)])
    func itEndsWhenTheTimeIsOver(timeout: Duration) throws {
        let router = try Socket(.router, in: context.get())
        let start = ContinuousClock.now
        let found = try poll(router, timeout: timeout)
        let took = ContinuousClock.now - start
        #expect(!found.first)
        #expect(!found.wakeup)
        #expect(took >= timeout)
    }

    @Test func aSignalHandlerDoesNotCutItShort() throws {
        signal(SIGUSR2) { _ in }
        let router = try Socket(.router, in: context.get())
        let waiting = pthread_self()
        let interrupter = Thread {
            for _ in 0..<20 {
                pthread_kill(waiting, SIGUSR2)
                usleep(2000)
            }
        }
        let start = ContinuousClock.now
        interrupter.start()
        try poll(router, timeout: .milliseconds(100))
        #expect(ContinuousClock.now - start >= .milliseconds(100))
    }
}
