// SPDX-License-Identifier: MIT

import OrderedCollections
import SweepEngine
import SweepModel
import TestSupport
import Testing
import WorkerProtocol

/// Lawless, late and repeated messages: answered, never believed.
@Suite struct SessionTests {
    private func twoWorkers() throws -> Rig {
        var rig = Rig()
        try rig.launch(.example(trials: 10))
        try rig.hello("a")
        try rig.hello("b")
        try rig.accept(1, by: "a")
        try rig.accept(2, by: "b")
        return rig
    }

    @Test func aHelloIsWelcomed() throws {
        var rig = Rig()
        try rig.hello(slots: 2)
        let welcome = try #require(rig.welcome("w"))
        #expect(welcome.epoch == 1)
        #expect(welcome.window == ProtocolLimits.window)
        #expect(!welcome.session.isEmpty)
    }

    @Test func anotherVersionIsRefusedInWords() throws {
        var rig = Rig()
        try rig.hello(versions: 3...4)
        guard case .refusal(let refusal) = rig.sent(to: "w").first else {
            Issue.record("not refused")
            return
        }
        #expect(refusal.code == .version)
        #expect(refusal.isFatal)
        #expect(refusal.message.contains("versions 1 to 2,") && refusal.message.contains("3 to 4"))
        #expect(rig.engine.workers.isEmpty)
    }

    @Test func aRangeOfVersionsThatHoldsOursIsWelcome() throws {
        var rig = Rig()
        try rig.hello(versions: 1...9)
        #expect(rig.welcome("w")?.version == 2)
    }

    @Test func withoutASessionThereIsOnlyResync() throws {
        var rig = try twoWorkers()
        for message in [
            WorkerMessage.beat(leases: []), .bye(reason: ""), .events([]), .decline(fence: Fence(1), reason: ""),
            .accept(fence: Fence(1), parametersDigest: ""),
        ] {
            let entries = rig.journal.count
            try rig.send(message, from: "stranger")
            #expect(rig.sent(to: "stranger") == [.resync])
            try rig.send(message, from: "a", session: "old")
            #expect(rig.sent(to: "a") == [.resync])
            #expect(rig.journal.count == entries)
        }
    }

    /// Messages about a lease that is not the sender's.
    @Test(arguments: [
        WorkerMessage.accept(fence: Fence(2), parametersDigest: "whatever"),
        .decline(fence: Fence(2), reason: "not mine"),
        .events([SequencedEvent(fence: Fence(2), sequence: 1, event: .started(resumedFrom: nil))]),
        .events([SequencedEvent(fence: Fence(2), sequence: 1, event: .finished(.completed, Resources()))]),
        .accept(fence: Fence(99), parametersDigest: "whatever"),
        .decline(fence: Fence(99), reason: "unheard of"),
        .events([SequencedEvent(fence: Fence(99), sequence: 1, event: .started(resumedFrom: nil))]),
        .events([SequencedEvent(fence: Fence(.max), sequence: .max, event: .started(resumedFrom: .min))]),
    ])
    func othersLeasesAreOutOfReach(message: WorkerMessage) throws {
        var rig = try twoWorkers()
        let before = rig
        try rig.send(message, from: "a")
        #expect(rig.journal == before.journal)
        #expect(rig.engine.attempts == before.engine.attempts)
        #expect(rig.acks(to: "a").allSatisfy { $0.fence < Fence(99) })
    }

    @Test func foreignLeasesInABeatAreToBeAbandoned() throws {
        var rig = try twoWorkers()
        let held = [1, 2, 99].map { HeldLease(fence: Fence($0), lastSequence: 3, acknowledged: 0) }
        try rig.send(.beat(leases: held), from: "a")
        #expect(rig.desired(to: "a").map(\.state) == [.run, .abandon, .abandon])
        #expect(rig.open == [1, 2])
    }

    @Test func aGapIsNamedAndChangesNothing() throws {
        var rig = try twoWorkers()
        try rig.events(1, from: 2, [.loss(1, step: 1)], by: "a")
        #expect(rig.sent(to: "a") == [.nack([FenceSequence(Fence(1), 1)])])
        try rig.events(1, from: 1, [.started(resumedFrom: nil), .loss(1, step: 1)], by: "a")
        #expect(rig.acks(to: "a") == [FenceSequence(Fence(1), 2)])
    }

    @Test func aReplayIsAcknowledgedAndNotApplied() throws {
        var rig = try twoWorkers()
        try rig.events(1, from: 1, [.started(resumedFrom: nil), .loss(1, step: 1)], by: "a")
        let before = rig.journal
        try rig.events(1, from: 1, [.started(resumedFrom: nil), .loss(7, step: 9)], by: "a")
        #expect(rig.journal == before)
        #expect(rig.acks(to: "a") == [FenceSequence(Fence(1), 2)])
    }

    @Test func theLastEventIsAcknowledgedAgainAfterTheEnd() throws {
        var rig = try twoWorkers()
        try rig.run(1, by: "a")
        try rig.events(1, from: 3, [.finished(.completed, Resources())], by: "a")
        #expect(rig.acks(to: "a") == [FenceSequence(Fence(1), 3)])
        #expect(rig.state.counts[.completed] == 1)
    }

    @Test func aWrongDigestTakesTheLeaseBack() throws {
        var rig = try twoWorkers()
        try rig.send(.accept(fence: Fence(1), parametersDigest: "wrong"), from: "a")
        #expect(rig.desired(to: "a").map(\.state) == [.abandon])
        #expect(rig.trialState(0) == .queued)
        #expect(rig.state.trials[0].failures == 0 && rig.state.trials[0].losses == 0)
    }

    @Test func aRepeatedHelloKeepsWhatRuns() throws {
        var rig = try twoWorkers()
        try rig.events(1, from: 1, [.started(resumedFrom: nil)], by: "a")
        let held = [HeldLease(fence: Fence(1), lastSequence: 4, acknowledged: 1)]
        let before = rig.journal
        rig.now += 10
        try rig.hello("a", running: held)
        #expect(rig.desired(to: "a") == [DesiredLease(fence: Fence(1), state: .run, acknowledged: 1)])
        #expect(rig.journal == before)
        try rig.events(1, from: 2, [.loss(1, step: 1)], by: "a")
        #expect(rig.acks(to: "a") == [FenceSequence(Fence(1), 2)])
    }

    @Test func aHelloWithoutAnAcceptedLeaseLosesIt() throws {
        var rig = try twoWorkers()
        try rig.hello("a", running: [])
        #expect(rig.state.trials[0].losses == 1)
        #expect(rig.engine.attempts[Fence(1)] == nil)
    }

    @Test func aHelloWithUnknownLeasesIsToldToAbandonThem() throws {
        var rig = Rig()
        let held = [7, 3].map { HeldLease(fence: Fence($0), lastSequence: 1, acknowledged: 0) }
        try rig.hello(running: held)
        #expect(rig.desired().map(\.fence) == [Fence(3), Fence(7)])
        #expect(rig.desired().allSatisfy { $0.state == .abandon })
        // A restored backup: what the workers have seen is never granted again.
        try rig.launch()
        #expect(rig.open == [8])
    }

    /// Its connection was replaced while it was under way; it knows nothing of the lease that came over the next one.
    @Test func aHelloThatComesLateOverAnOldConnectionTakesNothing() throws {
        var rig = Rig()
        try rig.launch(.example(trials: 1))
        let old = Connection([1])
        try rig.hello(over: old)
        try rig.hello()
        try rig.accept(1)
        try rig.events(1, from: 1, [.started(resumedFrom: nil), .loss(1, step: 1)])
        try rig.hello(over: old)
        #expect(rig.effects.isEmpty)
        #expect(rig.engine.attempts[Fence(1)]?.state == .running && rig.state.trials[0].losses == 0)
        try rig.events(1, from: 3, [.finished(.completed, Resources())])
        #expect(rig.trialState(0) == .completed)
    }

    @Test func onlyTheLatestReplacedConnectionsAreRemembered() throws {
        var rig = Rig()
        for number in 0..<1000 {
            let connection = Connection([UInt8(number / 256), UInt8(number % 256)])
            try rig.hello(over: connection)
            #expect(!rig.effects.isEmpty)
        }
        #expect(rig.engine.workers.count == 1)
        // One of the latest, and one of long ago.
        try rig.hello(over: Connection([3, 230]))
        #expect(rig.effects.isEmpty)
        try rig.hello(over: Connection([0, 0]))
        #expect(!rig.effects.isEmpty)
    }

    @Test func absurdNumbersInAHelloAreHarmless() throws {
        var rig = Rig()
        try rig.launch(.example(trials: nil))
        let held = [HeldLease(fence: Fence(.max), lastSequence: .max, acknowledged: .min)]
        try rig.hello("a", slots: .max, prefetch: .max, running: held)
        try rig.hello("b", slots: .min, prefetch: .min)
        #expect(rig.engine.fences.next < Fence(1 << 53))
        #expect(rig.engine.workers.values.allSatisfy { (0...4096).contains($0.facts.slots) })
        try rig.advance(.seconds(2))
    }

    @Test func absurdStepsAreHarmless() throws {
        var rig = try twoWorkers()
        try rig.events(
            1, from: 1,
            [.started(resumedFrom: .min), .loss(1, step: .max), .loss(1, step: .min), .started(resumedFrom: .max)],
            by: "a")
        try rig.events(1, from: 5, [.started(resumedFrom: nil), .loss(1, step: .max)], by: "a")
        #expect(rig.state.steps == .max)
    }

    @Test func aNewProcessOnTheSameConnectionIsAnotherWorker() throws {
        var rig = Rig()
        try rig.launch(.example(trials: 10))
        try rig.hello("a", boot: "11111111")
        try rig.hello("a", boot: "22222222")
        #expect(rig.engine.workers.count == 2)
        // The old one's silence must not cost the new one its registration.
        for _ in 0..<40 {
            try rig.advance(.seconds(2))
            try rig.send(.beat(leases: []), from: "a")
        }
        #expect(rig.engine.workers.count == 1)
        #expect(!rig.sent(to: "a").contains(.resync))
    }
}
