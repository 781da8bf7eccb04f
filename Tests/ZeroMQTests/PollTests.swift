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
