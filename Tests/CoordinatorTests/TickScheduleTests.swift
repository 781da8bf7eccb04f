// SPDX-License-Identifier: MIT

import SweepEngine
import SweepModel
import Testing
import WorkerProtocol

@testable import Coordinator

/// A coordinator under more load than it can bear must not take its own backlog for the workers' silence.
@Suite struct TickScheduleTests {
    private static let timers = EngineTimers()

    /// A loop that comes round ten times a second, and an engine with one worker that said hello at the beginning.
    private struct Loop {
        var engine = Engine(database: "d", timers: timers)
        var schedule = TickSchedule(from: Instant(milliseconds: 0), timers: timers)
        var milliseconds: Int64 = 0
        var ticks = 0

        private var now: Moment {
            Moment(
                wall: Timestamp(milliseconds: 1_700_000_000_000 + milliseconds),
                boot: Instant(milliseconds: milliseconds))
        }

        mutating func hello() throws {
            _ = engine.start(version: "test", now: now)
            let hello = Hello(
                boot: String(repeating: "ab", count: 16), agent: "test/1", host: "here", processID: 1, slots: 1)
            _ = try engine.handle(
                .message(
                    Connection([0, 1]), PeerIdentity(name: "w", isLocal: false),
                    Envelope(session: "", epoch: 0, message: .hello(hello))), now: now)
        }

        mutating func turn(for duration: Duration, hasReadAll: Bool) throws {
            let end = milliseconds + duration.milliseconds
            while milliseconds < end {
                milliseconds += 100
                guard schedule.isDue(at: now.boot, hasReadAll: hasReadAll) else { continue }
                ticks += 1
                _ = try engine.handle(.tick, now: now)
                schedule.ticked(at: now.boot, engine)
            }
        }
    }

    private func loop() throws -> Loop {
        var loop = Loop()
        try loop.hello()
        try #require(loop.engine.workers.count == 1)
        try loop.turn(for: .seconds(1), hasReadAll: true)
        return loop
    }

    @Test func whoseWordsWaitUnreadIsNotSilent() throws {
        var loop = try loop()
        try loop.turn(for: .seconds(3600), hasReadAll: false)
        #expect(loop.engine.workers.count == 1)
        // Limits and time-outs are looked at all the same, if seldom.
        #expect(loop.ticks >= 200)
    }

    /// The rule holds for as long as something is unread, and no longer.
    @Test func whoIsSilentWhileAllIsReadIsGivenUp() throws {
        var loop = try loop()
        try loop.turn(for: Self.timers.leaseLifetime - .seconds(2), hasReadAll: true)
        #expect(loop.engine.workers.count == 1)
        try loop.turn(for: .seconds(2), hasReadAll: true)
        #expect(loop.engine.workers.isEmpty)
        loop = try self.loop()
        try loop.turn(for: .seconds(120), hasReadAll: false)
        try loop.turn(for: Self.timers.leaseLifetime + Self.timers.suspect + .seconds(2), hasReadAll: true)
        #expect(loop.engine.workers.isEmpty)
    }

    @Test func aTickIsPutOffOnlyWhileSomethingIsUnread() {
        let schedule = TickSchedule(from: Instant(milliseconds: 1000), timers: Self.timers)
        #expect(!schedule.isDue(at: Instant(milliseconds: 999), hasReadAll: true))
        #expect(schedule.isDue(at: Instant(milliseconds: 1000), hasReadAll: true))
        let stall = 1000 + Self.timers.suspect.milliseconds
        #expect(!schedule.isDue(at: Instant(milliseconds: stall - 1), hasReadAll: false))
        #expect(schedule.isDue(at: Instant(milliseconds: stall), hasReadAll: false))
    }
}
