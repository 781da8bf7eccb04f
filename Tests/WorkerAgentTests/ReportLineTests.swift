// SPDX-License-Identifier: MIT

import SweepModel
import Testing
import WorkerAgent
import WorkerProtocol

@Suite struct ReportLineTests {
    private func parse(_ text: String) throws(ReportLine.Failure) -> ReportLine { try ReportLine(Array(text.utf8)) }

    @Test func readsWhatScriptsSend() throws {
        #expect(try parse(#"{"type":"hello","client":"python 1.0"}"#).content == .hello)
        let report = try parse(#"{"type":"report","step":4,"metrics":{"loss":0.31,"n":2,"ok":true},"id":7}"#)
        #expect(
            report.content
                == .report(step: 4, [MetricValue("loss", 0.31), MetricValue("n", 2), MetricValue("ok", 1)]))
        #expect(report.id == .integer(7))
        #expect(
            try parse(#"{"type":"report","metrics":{"a":1},"step":null}"#).content
                == .report(step: nil, [.init("a", 1)]))
        let digest = String(repeating: "aB", count: 32)
        let checkpoint = try parse(
            #"{"type":"checkpoint","step":4,"path":"/c/4","sha256":"\#(digest)","bytes":12}"#)
        #expect(
            checkpoint.content
                == .checkpoint(Checkpoint(step: 4, location: "/c/4", digest: digest.lowercased(), bytes: 12)))
    }

    @Test(arguments: [
        ("NaN", Double.nan), ("\"NaN\"", .nan), ("Infinity", .infinity), ("-Infinity", -.infinity),
        ("\"-Infinity\"", -.infinity), ("\"inf\"", .infinity), ("\"nan\"", .nan),
    ])
    func nonFiniteNumbersSurvive(text: String, expected: Double) throws {
        let line = try parse("{\"type\":\"report\",\"step\":1,\"metrics\":{\"loss\":\(text)}}")
        guard case .report(_, let metrics) = line.content else {
            Issue.record("no report")
            return
        }
        #expect(metrics[0].value.isNaN == expected.isNaN)
        #expect(expected.isNaN || metrics[0].value == expected)
    }

    @Test(arguments: [
        (#""path":"/c/4/""#, "/c/4"), (#""path":"//c/./4//""#, "/c/4"), (#""path":"/c/..4""#, "/c/..4"),
        (#""path":"/a b\u0301/ä""#, "/a b\u{301}/ä"), (#""uri":"s3://bucket//x/4/""#, "s3://bucket//x/4/"),
    ])
    func aCheckpointsPlaceHasOneSpelling(member: String, location: String) throws {
        let line = try parse("{\"type\":\"checkpoint\",\"step\":4,\(member)}")
        guard case .checkpoint(let checkpoint) = line.content else {
            Issue.record("no checkpoint")
            return
        }
        #expect(Array(checkpoint.location.utf8) == Array(location.utf8))
    }

    static let manyMetrics = (0...1000).map { "\"m\($0)\":1" }.joined(separator: ",")

    @Test(arguments: [
        ("", ReportLine.Failure.Kind.notJSON), ("loss=0.3", .notJSON), ("[]", .notJSON), ("{\"type\":", .notJSON),
        (#"{"type":"report","type":"x"}"#, .notJSON), (String(repeating: "[", count: 5000), .notJSON),
        ("{}", .unknownType), (#"{"type":"Report"}"#, .unknownType), (#"{"type":3}"#, .unknownType),
        (#"{"type":"report","step":1}"#, .badMetrics), (#"{"type":"report","metrics":{}}"#, .badMetrics),
        (#"{"type":"report","metrics":{"":1}}"#, .badMetrics),
        (#"{"type":"report","metrics":{"a\u0000b":1}}"#, .badMetrics),
        (#"{"type":"report","metrics":{"a":"fast"}}"#, .badMetrics),
        (#"{"type":"report","metrics":{"a":[1]}}"#, .badMetrics),
        (#"{"type":"report","metrics":{"a":null}}"#, .badMetrics),
        ("{\"type\":\"report\",\"metrics\":{\"\(String(repeating: "x", count: 257))\":1}}", .badMetrics),
        ("{\"type\":\"report\",\"metrics\":{\(manyMetrics)}}", .badMetrics),
        (#"{"type":"report","step":-1,"metrics":{"a":1}}"#, .badStep),
        (#"{"type":"report","step":1.5,"metrics":{"a":1}}"#, .badStep),
        (#"{"type":"report","step":1e300,"metrics":{"a":1}}"#, .badStep),
        (#"{"type":"report","step":"4","metrics":{"a":1}}"#, .badStep),
        (#"{"type":"checkpoint","path":"/c"}"#, .badCheckpoint),
        (#"{"type":"checkpoint","step":1,"path":"c"}"#, .badCheckpoint),
        (#"{"type":"checkpoint","step":1,"path":"/c","sha256":"zz"}"#, .badCheckpoint),
        (#"{"type":"checkpoint","step":1,"path":"/c","bytes":-5}"#, .badCheckpoint),
        (#"{"type":"checkpoint","step":1}"#, .badCheckpoint),
        (#"{"type":"checkpoint","step":1,"path":"/c","uri":"s3://b/c"}"#, .badCheckpoint),
        (#"{"type":"checkpoint","step":1,"path":"../x"}"#, .badCheckpoint),
        (#"{"type":"checkpoint","step":1,"path":"/"}"#, .badCheckpoint),
        (#"{"type":"checkpoint","step":1,"path":"/a/../b"}"#, .badCheckpoint),
        ("{\"type\":\"checkpoint\",\"step\":1,\"path\":\"/a/../\u{301}b\"}", .badCheckpoint),
        (#"{"type":"checkpoint","step":1,"path":"/a/.."}"#, .badCheckpoint),
        (#"{"type":"checkpoint","step":1,"path":"/a\u0000b"}"#, .badCheckpoint),
        ("{\"type\":\"checkpoint\",\"step\":1,\"path\":\"/\(String(repeating: "x", count: 4096))\"}", .badCheckpoint),
        (#"{"type":"checkpoint","step":1,"path":"s3://b/c"}"#, .badCheckpoint),
        (#"{"type":"checkpoint","step":1,"path":7}"#, .badCheckpoint),
        (#"{"type":"checkpoint","step":1,"uri":"/c"}"#, .badCheckpoint),
        (#"{"type":"checkpoint","step":1,"uri":"file:///etc/passwd"}"#, .badCheckpoint),
        (#"{"type":"checkpoint","step":1,"uri":"s3://b/../c"}"#, .badCheckpoint),
        (#"{"type":"checkpoint","step":1,"uri":"s3://b/c d"}"#, .badCheckpoint),
        (#"{"type":"checkpoint","step":1,"uri":"s3://b/\u0007"}"#, .badCheckpoint),
        (#"{"type":"checkpoint","step":1,"uri":"bucket/c"}"#, .badCheckpoint),
    ])
    func refusesWithAReason(text: String, kind: ReportLine.Failure.Kind) {
        let failure = #expect(throws: ReportLine.Failure.self) { try parse(text) }
        #expect(failure?.kind == kind)
        #expect(failure?.message.isEmpty == false)
    }

    @Test func refusesBytesThatAreNoText() {
        let failure = #expect(throws: ReportLine.Failure.self) {
            try ReportLine(Array("{\"type\":\"".utf8) + [0xFF, 0xC0] + Array("\"}".utf8))
        }
        #expect(failure?.kind == .notText)
    }

    @Test func aRefusedLineStillNamesItsRequest() {
        let failure = #expect(throws: ReportLine.Failure.self) { try parse(#"{"type":"nope","id":3}"#) }
        #expect(failure?.id == .integer(3))
    }

    @Test func linesAreCutAtABoundedCost() {
        var splitter = LineSplitter(limit: 10)
        #expect(splitter.feed(Array("ab\ncd".utf8)[...]) == [.complete(Array("ab".utf8))])
        #expect(splitter.feed(Array("ef\n\n".utf8)[...]) == [.complete(Array("cdef".utf8)), .complete([])])
        for round in 0..<1000 {
            let lines = splitter.feed([UInt8](repeating: 0x78, count: 10_000)[...])
            #expect(lines == (round == 0 ? [.tooLong] : []))
        }
        #expect(splitter.feed(Array("x\nok".utf8)[...]) == [])
        #expect(splitter.finish() == .complete(Array("ok".utf8)))
        #expect(splitter.finish() == nil)
    }
}
