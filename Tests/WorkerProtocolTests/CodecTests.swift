// SPDX-License-Identifier: MIT

import Foundation
import SweepModel
import Testing
import WorkerProtocol

@Suite struct CodecTests {
    @Test(arguments: Samples.workerEnvelopes)
    func aWorkersMessageSurvives(name: String, envelope: Envelope<WorkerMessage>) throws {
        let decoded = try MessageCodec.decodeWorkerMessage(MessageCodec.encode(envelope))
        // NaN differs from itself: the encoding is what is compared.
        #expect(MessageCodec.encode(decoded) == MessageCodec.encode(envelope))
        if name != "events" { #expect(decoded == envelope) }
    }

    @Test(arguments: Samples.coordinatorEnvelopes)
    func aCoordinatorsMessageSurvives(name: String, envelope: Envelope<CoordinatorMessage>) throws {
        #expect(try MessageCodec.decodeCoordinatorMessage(MessageCodec.encode(envelope)) == envelope)
    }

    @Test func eventsSurviveOneByOne() throws {
        for event in Samples.events {
            let envelope = Envelope(session: "s", epoch: 1, message: WorkerMessage.events([event]))
            let decoded = try MessageCodec.decodeWorkerMessage(MessageCodec.encode(envelope))
            if case .report(let step, let metrics) = event.event, metrics.contains(where: { $0.value.isNaN }) {
                guard case .events(let events) = decoded.message, case .report(step, let values)? = events.first?.event
                else {
                    Issue.record("no report came back")
                    return
                }
                #expect(values.map(\.name) == metrics.map(\.name))
                #expect(values.map(\.value.bitPattern) == metrics.map(\.value.bitPattern))
            } else {
                #expect(decoded == envelope)
            }
        }
    }

    @Test func whatAnAttemptSaysIsShortenedAndStaysText() throws {
        let long = String(repeating: "ä", count: 10_000)
        let events: [AttemptEvent] = [
            .warning(long), .failed(AttemptFailure(cause: .user, message: long, tail: long), Resources()),
            .report(step: 1, metrics: (0..<1000).map { MetricValue("\($0)", 1) }),
            .report(step: 1, metrics: [MetricValue("a", 1), MetricValue("b", 2), MetricValue("a", 3)]),
        ]
        let sequenced = events.enumerated().map {
            SequencedEvent(fence: Fence(1), sequence: Int64($0.offset + 1), event: $0.element)
        }
        let frames = MessageCodec.encode(Envelope(session: "", epoch: 0, message: WorkerMessage.events(sequenced)))
        let message = try MessageCodec.decodeWorkerMessage(frames).message
        guard case .events(let decoded) = message else {
            Issue.record("no events came back")
            return
        }
        #expect(decoded[0].event == .warning(String(repeating: "ä", count: 500)))
        let failure = AttemptFailure(
            cause: .user, message: String(repeating: "ä", count: 500), tail: String(repeating: "ä", count: 4096))
        #expect(decoded[1].event == .failed(failure, Resources()))
        #expect(decoded[2].event == .report(step: 1, metrics: (0..<256).map { MetricValue("\($0)", 1) }))
        #expect(decoded[3].event == .report(step: 1, metrics: [MetricValue("b", 2), MetricValue("a", 3)]))
    }

    @Test func aWholeFloatStaysAFloat() {
        let text = String(decoding: MessageCodec.encode(Samples.coordinatorEnvelopes[1].1)[1], as: UTF8.self)
        #expect(text.contains(#""whole":1.0"#))
        #expect(text.contains(#""seed":"18446744073709551615""#))
    }

    @Test func unknownMembersAreIgnoredAndOptionalOnesMayBeNull() throws {
        let text = """
            {"t":"events","s":"x","e":1,"new":{"a":[1]},"events":[
             {"fence":"9007199254740993","seq":1.0,"kind":"started","resumed_from":null,"new":1}]}
            """
        let event = SequencedEvent(
            fence: Fence(9_007_199_254_740_993), sequence: 1, event: .started(resumedFrom: nil))
        #expect(
            try MessageCodec.decodeWorkerMessage(frames(text))
                == Envelope(session: "x", epoch: 1, message: .events([event])))
    }

    /// As the release before `fallbacks` and `checkpoint_directory` wrote it.
    @Test func aLeaseOfTheReleaseBeforeIsRead() throws {
        let text = String(decoding: MessageCodec.encode(Samples.coordinatorEnvelopes[1].1)[1], as: UTF8.self)
        let members = try #require(text.range(of: #","fallbacks":"#)?.lowerBound)
        let end = try #require(text.range(of: #"a7"},{"fence":8"#, options: .backwards)?.lowerBound)
        let old = text[..<members] + "}" + text[text.index(end, offsetBy: 4)...]
        guard case .leases(let leases) = try MessageCodec.decodeCoordinatorMessage(frames(String(old))).message else {
            Issue.record("no leases came back")
            return
        }
        var expected = Samples.fullLease
        expected.fallbacks = []
        expected.checkpointDirectory = ""
        #expect(leases == [expected, Samples.plainLease])
    }

    @Test func moreFallbacksThanALeaseMayHaveAreLeftOut() throws {
        var lease = Samples.plainLease
        lease.fallbacks = (1...9).map { Checkpoint(step: 10 - $0, location: "/c/\(10 - $0)", digest: "", bytes: 0) }
        let envelope = Envelope(session: "s", epoch: 1, message: CoordinatorMessage.leases([lease]))
        lease.fallbacks.removeLast()
        #expect(
            try MessageCodec.decodeCoordinatorMessage(MessageCodec.encode(envelope)).message == .leases([lease]))
    }

    @Test func anUnknownTypeIsAnErrorOfItsOwn() {
        #expect(throws: CodecError.unknownType("resync")) {
            try MessageCodec.decodeWorkerMessage(frames(#"{"t":"resync","s":"","e":0}"#))
        }
        #expect(throws: CodecError.unknownType("hello")) {
            try MessageCodec.decodeCoordinatorMessage(frames(#"{"t":"hello","s":"","e":0}"#))
        }
        // It is known before anything else is looked at: a newer release may have other members.
        #expect(throws: CodecError.unknownType("x")) {
            try MessageCodec.decodeWorkerMessage(frames(#"{"t":"x"}"#))
        }
    }
}

func frames(_ text: String) -> [[UInt8]] {
    [Array(ProtocolLimits.magic.utf8), Array(text.utf8)]
}
