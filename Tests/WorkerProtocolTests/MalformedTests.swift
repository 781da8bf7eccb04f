// SPDX-License-Identifier: MIT

import SweepModel
import Testing
import WorkerProtocol

@Suite struct MalformedTests {
    @Test func framesAreCounted() {
        let good = MessageCodec.encode(Envelope(session: "", epoch: 0, message: WorkerMessage.bye(reason: "")))
        for wrong in [[], [good[1]], good + [[]], [good[1], good[0]], [Array("sweepd/2".utf8), good[1]]] {
            #expect(throws: CodecError.self) { try MessageCodec.decodeWorkerMessage(wrong) }
        }
        #expect(throws: CodecError.magic) { try MessageCodec.decodeWorkerMessage([[], good[1]]) }
        #expect(throws: CodecError.frameCount(3)) { try MessageCodec.decodeWorkerMessage(good + [[]]) }
    }

    @Test func aFrameBeyondTheLimitIsRefused() throws {
        let padding = String(repeating: " ", count: ProtocolLimits.frameBytes - 34)
        let fits = #"{"t":"bye","s":"","e":0,"reason":""}"#
        #expect(throws: Never.self) {
            try MessageCodec.decodeWorkerMessage(frames(fits + padding.dropLast(2)))
        }
        #expect(throws: CodecError.self) { try MessageCodec.decodeWorkerMessage(frames(fits + padding)) }
    }

    @Test func aSeedHas64Bits() throws {
        let good = String(decoding: MessageCodec.encode(Samples.coordinatorEnvelopes[1].1)[1], as: UTF8.self)
        let seeds = [
            ("-1", false), ("1.5", false), (#""-1""#, false), (#""18446744073709551616""#, false), ("12", true),
        ]
        for (seed, isValid) in seeds {
            let text = good.replacing(#""18446744073709551615""#, with: seed)
            let decoded = try? MessageCodec.decodeCoordinatorMessage(frames(text))
            #expect((decoded != nil) == isValid, "\(seed)")
        }
    }

    @Test func fieldsHaveTheirLimits() {
        func bye(_ count: Int) -> [[UInt8]] {
            frames(#"{"t":"bye","s":"","e":0,"reason":""# + String(repeating: "a", count: count) + #""}"#)
        }
        #expect(throws: Never.self) { try MessageCodec.decodeWorkerMessage(bye(1000)) }
        #expect(throws: CodecError.field(path: "reason", problem: "must have at most 1000 bytes")) {
            try MessageCodec.decodeWorkerMessage(bye(1001))
        }
        func events(_ count: Int) -> [[UInt8]] {
            let event = #"{"fence":1,"seq":1,"kind":"started"}"#
            let list = [String](repeating: event, count: count).joined(separator: ",")
            return frames(#"{"t":"events","s":"","e":0,"events":["# + list + "]}")
        }
        #expect(throws: Never.self) { try MessageCodec.decodeWorkerMessage(events(100)) }
        #expect(throws: CodecError.field(path: "events", problem: "must have at most 100 elements")) {
            try MessageCodec.decodeWorkerMessage(events(101))
        }
    }

    @Test func anErrorNamesThePlaceAndStaysShort() {
        let good = #"{"fence":1,"seq":1,"kind":"started"}"#
        let bad = #"{"fence":1,"seq":"x","kind":"started"}"#
        let text = #"{"t":"events","s":"","e":0,"events":[\#(good),\#(bad)]}"#
        #expect(throws: CodecError.field(path: "events[1].seq", problem: "must be a whole number")) {
            try MessageCodec.decodeWorkerMessage(frames(text))
        }
        let long = String(repeating: "x", count: 500_000)
        for text in [#"{"t":"\#(long)"}"#, #"{"t":"bye","\#(long)":1,"\#(long)":2}"#] {
            do {
                _ = try MessageCodec.decodeWorkerMessage(frames(text))
                Issue.record("it was accepted")
            } catch {
                #expect(error.description.utf8.count < 300)
            }
        }
    }

    @Test func depthIsBounded() {
        func lease(_ depth: Int) -> [[UInt8]] {
            let value = String(repeating: "[", count: depth) + String(repeating: "]", count: depth)
            return frames(#"{"t":"resync","s":"","e":0,"x":"# + value + "}")
        }
        #expect(throws: Never.self) { try MessageCodec.decodeCoordinatorMessage(lease(15)) }
        #expect(throws: CodecError.self) { try MessageCodec.decodeCoordinatorMessage(lease(16)) }
        #expect(throws: CodecError.self) { try MessageCodec.decodeCoordinatorMessage(lease(100_000)) }
    }
}
