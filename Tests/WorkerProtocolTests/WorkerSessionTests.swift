// SPDX-License-Identifier: MIT

import SweepModel
import Testing
import WorkerProtocol

@Suite struct WorkerSessionTests {
    @Test func helloIsRepeatedEverMoreSlowlyUntilTheWelcome() {
        var timers = SessionTimers()
        // Nothing but the hello is looked at.
        timers.patience = 1000
        var rig = SessionRig(timers: timers)
        #expect(rig.session.connected(now: rig.now).count == 1)
        var waits: [Int64] = []
        for _ in 0..<8 {
            let wait = rig.session.nextDeadline - rig.now
            waits.append(wait.milliseconds)
            #expect(rig.pass(wait - .milliseconds(1)).isEmpty)
            let effects = rig.pass(.milliseconds(1))
            guard case .hello? = messages(effects).first else {
                Issue.record("no hello: \(effects)")
                return
            }
        }
        for (wait, base) in zip(waits, [1000, 2000, 4000, 8000, 16000, 32000, 32000, 32000] as [Int64]) {
            #expect((base * 8 / 10...base * 12 / 10).contains(wait), "\(waits)")
        }
        _ = rig.welcome()
        #expect(rig.session.nextDeadline - rig.now == .seconds(5))
    }

    @Test func aMessageThatFoundNoConnectionIsSoonTriedAgain() {
        var rig = SessionRig()
        guard case .send(let hello)? = rig.session.connected(now: rig.now).first else {
            Issue.record("no hello")
            return
        }
        rig.session.notQueued(hello, now: rig.now)
        #expect(rig.session.nextDeadline - rig.now <= .milliseconds(24))
        #expect(messages(rig.pass(.milliseconds(24))) == [hello.message])
    }

    @Test func aLeaseIsAcceptedStartedAndNotStartedAgain() {
        var rig = SessionRig.established()
        let lease = SessionRig.lease(7)
        let accept = WorkerMessage.accept(fence: Fence(7), parametersDigest: lease.parametersDigest)
        let first = rig.hear(.leases([lease]))
        #expect(messages(first) == [accept])
        #expect(first.last == .start(lease))
        let second = rig.hear(.leases([lease]))
        #expect(messages(second) == [accept])
        #expect(second.count == 1)
        #expect(rig.session.heldFences == [Fence(7)])
    }

    @Test func aSessionThatLeavesDeclinesEachTimeItIsOffered() {
        var rig = SessionRig.established(holding: [7])
        rig.session.leaving = "leaving"
        for _ in 0..<2 {
            let effects = rig.hear(.leases([SessionRig.lease(8)]))
            #expect(effects.count == 1)
            #expect(messages(effects) == [.decline(fence: Fence(8), reason: "leaving")])
        }
        // What it holds it has accepted, and says so again.
        let held = SessionRig.lease(7)
        let accept = WorkerMessage.accept(fence: Fence(7), parametersDigest: held.parametersDigest)
        #expect(messages(rig.hear(.leases([held]))) == [accept])
        #expect(rig.session.heldFences == [Fence(7)])
    }

    @Test func aRefusedSocketIsReplacedLaterEachTimeUntilAWelcome() {
        var rig = SessionRig.established(holding: [7])
        #expect(rig.session.hasBegun)
        var waits: [Int64] = []
        for round in 0..<8 {
            if round == 7 { _ = rig.welcome(session: "two") }
            rig.session.handshakeRefused(now: rig.now)
            let refusedAt = rig.now
            while !rig.pass(max(.milliseconds(1), rig.session.nextDeadline - rig.now)).contains(.reconnect) {}
            waits.append((rig.now - refusedAt).milliseconds)
            _ = rig.session.connected(now: rig.now)
        }
        for (wait, base) in zip(waits, [1000, 2000, 4000, 8000, 16000, 32000, 32000, 1000] as [Int64]) {
            #expect((base * 8 / 10...base * 12 / 10).contains(wait), "\(waits)")
        }
        // Nothing was given up for it.
        #expect(rig.session.heldFences == [Fence(7)])
    }

    @Test func changedParametersAreDeclined() {
        var rig = SessionRig.established()
        var lease = SessionRig.lease(7)
        lease.configuration = Configuration([.init("x", .integer(7))])
        let declined = WorkerMessage.decline(fence: Fence(7), reason: "parameters changed in transit")
        #expect(messages(rig.hear(.leases([lease]))) == [declined])
        #expect(rig.session.heldFences.isEmpty)
        #expect(messages(rig.hear(.leases([lease]))) == [declined], "its answer may have been lost")
    }

    @Test func theHigherFenceOwnsTheTrial() {
        var rig = SessionRig.established()
        _ = rig.hear(.leases([SessionRig.lease(7, trial: 3)]))
        let newer = rig.hear(.leases([SessionRig.lease(9, trial: 3)]))
        #expect(newer.first == .abandon(Fence(7), reason: "superseded by attempt 9"))
        #expect(rig.session.heldFences == [Fence(9)])
        #expect(
            messages(rig.hear(.leases([SessionRig.lease(8, trial: 3)])))
                == [.decline(fence: Fence(8), reason: "superseded by attempt 9")])
        #expect(rig.hear(.leases([SessionRig.lease(7, trial: 3)])).isEmpty, "a late copy")
    }

    @Test func theWindowBoundsWhatIsInFlight() {
        var rig = SessionRig.established(window: 3, holding: [7])
        var sent: [Int64] = []
        for step in 1...10 { sent += sentSequences(rig.record(report(Int64(step)), 7), 7) }
        #expect(sent == [1, 2, 3])
        #expect(sentSequences(rig.hear(.ack([FenceSequence(Fence(7), 2)])), 7) == [4, 5])
        #expect(rig.session.unacknowledged == 8)
        // Cumulative, and an old one changes nothing.
        #expect(rig.hear(.ack([FenceSequence(Fence(7), 1)])).isEmpty)
        #expect(sentSequences(rig.hear(.ack([FenceSequence(Fence(7), 5)])), 7) == [6, 7, 8])
    }

    @Test func aMessageHasAtMostAHundredEvents() {
        var rig = SessionRig.established(holding: [7])
        let effects = rig.session.record((1...250).map { report($0) }, for: Fence(7), now: rig.now)
        let sizes = messages(effects).map { message in
            if case .events(let events) = message { events.count } else { 0 }
        }
        #expect(sizes == [100, 100, 50])
        #expect(sentSequences(effects, 7) == Array(1...250))
    }

    @Test func aMessageStaysBelowTheFrameLimitWhateverTheEventsHold() {
        var rig = SessionRig.established(holding: [7])
        let metrics = (0..<256).map { MetricValue(String(repeating: "\u{1}", count: 250) + "\($0)", 1.0 / 3) }
        let effects = rig.session.record(
            (1...20).map { .report(step: $0, metrics: metrics) }, for: Fence(7), now: rig.now)
        #expect(sentSequences(effects, 7) == Array(1...20))
        for effect in effects {
            guard case .send(let envelope) = effect else { continue }
            #expect(MessageCodec.encode(envelope)[1].count <= ProtocolLimits.frameBytes)
        }
    }

    @Test func withoutAnAcknowledgementEverythingIsSentAgain() {
        var rig = SessionRig.established(holding: [7])
        for step in 1...3 { _ = rig.record(report(Int64(step)), 7) }
        #expect(sentSequences(rig.pass(.seconds(3)), 7).isEmpty)
        #expect(sentSequences(rig.pass(.seconds(3)), 7) == [1, 2, 3])
        _ = rig.hear(.beat(desired: [], drain: false))
        #expect(sentSequences(rig.pass(.seconds(7)), 7).isEmpty, "the second wait is twice as long")
        #expect(sentSequences(rig.pass(.seconds(5)), 7) == [1, 2, 3])
        // The beat says so, too.
        let desired = [DesiredLease(fence: Fence(7), state: .run, acknowledged: 3)]
        _ = rig.hear(.beat(desired: desired, drain: false))
        #expect(rig.session.unacknowledged == 0)
    }

    @Test func aNackIsObeyedOnce() {
        var rig = SessionRig.established(holding: [7])
        for step in 1...5 { _ = rig.record(report(Int64(step)), 7) }
        #expect(sentSequences(rig.hear(.nack([FenceSequence(Fence(7), 2)])), 7) == [2, 3, 4, 5])
        #expect(rig.hear(.nack([FenceSequence(Fence(7), 2)])).isEmpty)
        _ = rig.hear(.ack([FenceSequence(Fence(7), 3)]))
        #expect(sentSequences(rig.hear(.nack([FenceSequence(Fence(7), 4)])), 7) == [4, 5])
        for impossible in [0, 1, 6, 100, Int64.max] {
            #expect(rig.hear(.nack([FenceSequence(Fence(7), impossible)])).isEmpty)
        }
    }

    @Test func theLastAcknowledgementClosesTheLease() {
        var rig = SessionRig.established(holding: [7])
        _ = rig.record(report(1), 7)
        _ = rig.record(.finished(.completed, Resources()), 7)
        #expect(rig.record(report(2), 7).isEmpty, "nothing follows the end")
        #expect(rig.hear(.ack([FenceSequence(Fence(7), 1)])).isEmpty)
        #expect(rig.hear(.ack([FenceSequence(Fence(7), .max)])) == [.closed(Fence(7))])
        #expect(rig.session.heldFences.isEmpty)
        #expect(rig.session.unacknowledged == 0)
        #expect(rig.hear(.leases([SessionRig.lease(7)])).isEmpty, "a late copy starts nothing")
    }

    @Test func stopIsSaidOnceAndAbandonDropsWhatFollows() {
        var rig = SessionRig.established(holding: [7, 8])
        let desired = [
            DesiredLease(fence: Fence(7), state: .stop, reason: "median", acknowledged: 0),
            DesiredLease(fence: Fence(8), state: .abandon, reason: "cancelled", acknowledged: 0),
            DesiredLease(fence: Fence(99), state: .stop, reason: "whose?", acknowledged: 0),
        ]
        _ = rig.record(report(1), 8)
        #expect(
            rig.hear(.beat(desired: desired, drain: false))
                == [.stop(Fence(7), reason: "median"), .abandon(Fence(8), reason: "cancelled")])
        #expect(rig.hear(.beat(desired: desired, drain: false)).isEmpty)
        #expect(rig.session.unacknowledged == 0)
        #expect(rig.record(report(2), 8).isEmpty)
    }

    @Test func drainIsSaidWhenItChanges() {
        var rig = SessionRig.established()
        #expect(rig.hear(.beat(desired: [], drain: true)) == [.drain(true)])
        #expect(rig.hear(.beat(desired: [], drain: true)).isEmpty)
        #expect(rig.hear(.beat(desired: [], drain: false)) == [.drain(false)])
    }

    @Test func foreignSessionsAreIgnored() {
        var rig = SessionRig.established(holding: [7])
        _ = rig.record(report(1), 7)
        #expect(rig.hear(.ack([FenceSequence(Fence(7), 1)]), in: "two").isEmpty)
        #expect(rig.hear(.leases([SessionRig.lease(8)]), in: "two").isEmpty)
        #expect(rig.hear(.resync, in: "two").isEmpty)
        #expect(rig.session.unacknowledged == 1)
    }

    @Test func resyncIsAnsweredWithEverythingHeld() {
        var rig = SessionRig.established(holding: [7])
        _ = rig.record(report(1), 7)
        _ = rig.record(report(2), 7)
        _ = rig.hear(.ack([FenceSequence(Fence(7), 1)]))
        rig.now = rig.now + .seconds(2)
        let effects = rig.hear(.resync, in: "")
        guard case .hello(let hello)? = messages(effects).first else {
            Issue.record("no hello")
            return
        }
        #expect(hello.running == [HeldLease(fence: Fence(7), lastSequence: 2, acknowledged: 1)])
        #expect(rig.hear(.resync, in: "").isEmpty, "one hello answers them all")
        #expect(rig.record(report(3), 7).isEmpty, "spooled until the welcome")
        let welcomed = rig.welcome(
            session: "two", epoch: 2, desired: [DesiredLease(fence: Fence(7), state: .run, acknowledged: 1)])
        #expect(sentSequences(welcomed, 7) == [2, 3])
    }

    /// Found by the simulation: two hellos under way made each other's sessions unknown for ever.
    @Test func aResyncSoonAfterAHelloWaitsForItsWelcome() {
        var rig = SessionRig.established()
        #expect(rig.hear(.resync, in: "").isEmpty)
        #expect(rig.session.nextDeadline - rig.now == .seconds(1))
        #expect(messages(rig.pass(.seconds(1))).count == 1)
    }

    @Test func aWelcomesVerdictsAreObeyed() {
        var rig = SessionRig.established(holding: [7, 8, 9])
        for fence in [7, 8, 9] as [Int64] {
            for step in 1...3 { _ = rig.record(report(Int64(step)), fence) }
        }
        _ = rig.session.connected(now: rig.now)
        let effects = rig.welcome(
            session: "two", epoch: 2,
            desired: [
                DesiredLease(fence: Fence(7), state: .run, acknowledged: 2),
                DesiredLease(fence: Fence(8), state: .stop, reason: "enough", acknowledged: 3),
                DesiredLease(fence: Fence(9), state: .abandon, reason: "superseded", acknowledged: 0),
            ])
        #expect(effects.contains(.stop(Fence(8), reason: "enough")))
        #expect(effects.contains(.abandon(Fence(9), reason: "superseded")))
        #expect(sentSequences(effects, 7) == [3])
        #expect(sentSequences(effects, 8).isEmpty)
        #expect(rig.session.heldFences == [Fence(7), Fence(8)])
    }

    @Test func anAcceptThatMayBeLostIsRepeatedInTheNewSession() {
        var rig = SessionRig.established(holding: [7])
        _ = rig.session.connected(now: rig.now)
        let desired = [DesiredLease(fence: Fence(7), state: .run, acknowledged: 0)]
        let digest = SessionRig.lease(7).parametersDigest
        #expect(
            messages(rig.welcome(session: "two", desired: desired))
                == [.accept(fence: Fence(7), parametersDigest: digest)])
    }

    @Test func aCoordinatorThatForgotIsNotBelieved() {
        var rig = SessionRig.established(holding: [7])
        for step in 1...3 { _ = rig.record(report(Int64(step)), 7) }
        _ = rig.hear(.ack([FenceSequence(Fence(7), 3)]))
        let desired = [DesiredLease(fence: Fence(7), state: .run, acknowledged: 1)]
        _ = rig.session.connected(now: rig.now)
        #expect(rig.welcome(session: "two", epoch: 1, desired: desired).isEmpty, "a stale word of the same run")
        _ = rig.session.connected(now: rig.now)
        #expect(
            rig.welcome(session: "three", epoch: 2, desired: desired)
                == [.abandon(Fence(7), reason: "the coordinator has lost events that it had acknowledged")])
    }

    @Test func silenceMakesItReconnect() {
        var rig = SessionRig.established()
        #expect(messages(rig.pass(.seconds(5))) == [.beat(leases: [])])
        _ = rig.hear(.beat(desired: [], drain: false))
        _ = rig.pass(.seconds(5))
        _ = rig.pass(.seconds(5))
        #expect(rig.pass(.seconds(5)) == [.reconnect])
        #expect(messages(rig.session.connected(now: rig.now)).count == 1)
    }

    @Test func afterAFatalRefusalItIsSilentForAMinute() {
        var rig = SessionRig()
        _ = rig.session.connected(now: rig.now)
        let refusal = Refusal(code: .version, message: "no", isFatal: true)
        #expect(rig.hear(.refusal(refusal), in: "") == [.refused(refusal)])
        #expect(rig.pass(.seconds(59)).isEmpty)
        #expect(rig.session.nextDeadline - rig.now == .seconds(1))
        #expect(messages(rig.pass(.seconds(1))).count == 1)
        let mild = Refusal(code: .malformed, message: "what?", isFatal: false)
        #expect(rig.hear(.refusal(mild), in: "") == [.refused(mild)])
        #expect(!rig.welcome().contains(.refused(mild)))
    }

    @Test func aVersionThatItDoesNotSpeakIsRefused() {
        var rig = SessionRig()
        _ = rig.session.connected(now: rig.now)
        let welcome = Welcome(
            version: 3, session: "x", epoch: 1, database: "", window: 1, heartbeat: .seconds(5), desired: [])
        let effects = rig.hear(.welcome(welcome), in: "x")
        guard case .refused(let refusal)? = effects.first else {
            Issue.record("it was taken")
            return
        }
        #expect(refusal.code == .version && refusal.isFatal)
    }

    @Test func leavingIsTheEnd() {
        var rig = SessionRig.established(holding: [7])
        #expect(messages(rig.session.leave(reason: "done", now: rig.now)) == [.bye(reason: "done")])
        #expect(rig.record(report(1), 7).isEmpty)
        #expect(rig.pass(.seconds(100)).isEmpty)
        #expect(rig.hear(.leases([SessionRig.lease(8)])).isEmpty)
    }

    @Test func aFullSpoolSaysSo() {
        var rig = SessionRig.established(window: 1, holding: [7])
        #expect(!rig.session.isSpoolFull)
        let events = (1...Int64(WorkerSession.spoolEvents)).map { report($0) }
        _ = rig.session.record(events, for: Fence(7), now: rig.now)
        #expect(rig.session.isSpoolFull)
        _ = rig.hear(.ack([FenceSequence(Fence(7), 1)]))
        #expect(!rig.session.isSpoolFull)
        let tail = String(repeating: "x", count: 8000)
        var other = SessionRig.established(window: 1, holding: [7])
        let checkpoints = (1...9000).map {
            AttemptEvent.checkpoint(Checkpoint(step: $0, location: tail, digest: "", bytes: 0))
        }
        _ = other.session.record(checkpoints, for: Fence(7), now: other.now)
        #expect(other.session.isSpoolFull, "by bytes")
    }
}
