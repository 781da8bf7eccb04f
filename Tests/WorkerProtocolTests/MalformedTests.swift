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

    @Test(arguments: [
        "", "null", "[]", "{}", "1", "\"t\"", #"{"t":1}"#, #"{"t":null,"s":"","e":0}"#, #"{"s":"","e":0}"#,
        #"{"t":"bye","s":"","e":0,"reason":"a","reason":"b"}"#,
        #"{"t":"bye","s":"","e":0,"reason":"a"} x"#, #"{"t":"bye","s":"","e":0,"reason":"#,
        #"{"t":"bye","s":"","e":0,"reason":"\ud800"}"#, #"{"t":"bye","s":"","e":0,"reason":NaN}"#,
        #"{"t":"bye","e":0,"reason":""}"#, #"{"t":"bye","s":"","reason":""}"#, #"{"t":"bye","s":"","e":-1,"reason":""}"#,
        #"{"t":"bye","s":1,"e":0,"reason":""}"#, #"{"t":"bye","s":"","e":"x","reason":""}"#,
        #"{"t":"bye","s":"","e":0.5,"reason":""}"#, #"{"t":"bye","s":"","e":true,"reason":""}"#,
        #"{"t":"bye","s":"","e":0}"#, #"{"t":"bye","s":"","e":0,"reason":7}"#,
        #"{"t":"Bye","s":"","e":0,"reason":""}"#,
        #"{"t":"beat","s":"","e":0}"#, #"{"t":"beat","s":"","e":0,"leases":{}}"#,
        #"{"t":"beat","s":"","e":0,"leases":[7]}"#, #"{"t":"beat","s":"","e":0,"leases":[{"fence":1}]}"#,
        #"{"t":"beat","s":"","e":0,"leases":[{"fence":-1,"last_seq":0,"acked":0}]}"#,
        #"{"t":"accept","s":"","e":0,"fence":1}"#, #"{"t":"accept","s":"","e":0,"fence":1e30,"digest":""}"#,
        #"{"t":"accept","s":"","e":0,"fence":9223372036854775808,"digest":""}"#,
        #"{"t":"events","s":"","e":0}"#, #"{"t":"events","s":"","e":0,"events":[{}]}"#,
        #"{"t":"events","s":"","e":0,"events":[{"fence":1,"seq":0,"kind":"started"}]}"#,
        #"{"t":"events","s":"","e":0,"events":[{"fence":1,"seq":1,"kind":"exploded"}]}"#,
        #"{"t":"events","s":"","e":0,"events":[{"fence":1,"seq":1,"kind":"report","step":1}]}"#,
        #"{"t":"events","s":"","e":0,"events":[{"fence":1,"seq":1,"kind":"report","step":1,"metrics":{"a":"1"}}]}"#,
        #"{"t":"events","s":"","e":0,"events":[{"fence":1,"seq":1,"kind":"report","step":1,"metrics":{"a":null}}]}"#,
        #"{"t":"events","s":"","e":0,"events":[{"fence":1,"seq":1,"kind":"report","step":1.5,"metrics":{}}]}"#,
        #"{"t":"events","s":"","e":0,"events":[{"fence":1,"seq":1,"kind":"finished","outcome":"won"}]}"#,
        #"{"t":"events","s":"","e":0,"events":[{"fence":1,"seq":1,"kind":"failed","failure":"x"}]}"#,
        #"{"t":"events","s":"","e":0,"events":[{"fence":1,"seq":1,"kind":"checkpoint","step":1,"location":"/a","bytes":-1}]}"#,
        #"{"t":"hello","s":"","e":0,"versions":[1],"boot":"0123456789abcdef0123456789abcdef","agent":"","host":"","pid":1,"slots":1,"prefetch":0,"running":[]}"#,
        #"{"t":"hello","s":"","e":0,"versions":[2,1],"boot":"0123456789abcdef0123456789abcdef","agent":"","host":"","pid":1,"slots":1,"prefetch":0,"running":[]}"#,
        #"{"t":"hello","s":"","e":0,"versions":[1,1],"boot":"short","agent":"","host":"","pid":1,"slots":1,"prefetch":0,"running":[]}"#,
        #"{"t":"hello","s":"","e":0,"versions":[1,1],"boot":"0123456789abcdef0123456789abcdef","agent":"","host":"","pid":1,"slots":-1,"prefetch":0,"running":[]}"#,
    ])
    func aWorkersMessageIsRefused(text: String) {
        #expect(throws: CodecError.self) { try MessageCodec.decodeWorkerMessage(frames(text)) }
    }

    @Test(arguments: [
        #"{"t":"welcome","s":"x","e":1,"version":1,"window":0,"heartbeat_ms":5000,"desired":[]}"#,
        #"{"t":"welcome","s":"x","e":1,"version":1,"window":1,"heartbeat_ms":0,"desired":[]}"#,
        #"{"t":"welcome","s":"x","e":1,"version":1,"window":1,"heartbeat_ms":5000}"#,
        #"{"t":"ack","s":"x","e":1,"sequences":[[7,1]]}"#, #"{"t":"nack","s":"x","e":1,"sequences":[{"fence":7}]}"#,
        #"{"t":"beat","s":"x","e":1,"desired":[{"fence":7,"state":"pause","acked":0}]}"#,
        #"{"t":"beat","s":"x","e":1,"desired":[],"drain":1}"#,
        #"{"t":"error","s":"","e":1,"code":"whatever","message":""}"#,
        #"{"t":"leases","s":"x","e":1,"leases":[{"fence":7}]}"#,
    ])
    func aCoordinatorsMessageIsRefused(text: String) {
        #expect(throws: CodecError.self) { try MessageCodec.decodeCoordinatorMessage(frames(text)) }
    }

    @Test func aSeedHas64Bits() throws {
        let good = String(decoding: MessageCodec.encode(Samples.coordinatorEnvelopes[1].1)[1], as: UTF8.self)
        let seeds = [("-1", false), ("1.5", false), (#""-1""#, false), (#""18446744073709551616""#, false), ("12", true)]
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
        let text =
            #"{"t":"events","s":"","e":0,"events":[{"fence":1,"seq":1,"kind":"started"},{"fence":1,"seq":"x","kind":"started"}]}"#
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
