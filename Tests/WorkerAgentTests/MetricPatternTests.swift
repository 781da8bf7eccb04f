// SPDX-License-Identifier: MIT

import Testing
import WorkerAgent
import WorkerProtocol

@Suite struct MetricPatternTests {
    static let pair = #"(?:step=(?<step>\d+)\s+)?(?<name>[\w/]+)=(?<value>\S+)"#
    static let named = #"epoch (?P<step>[\d.]+): loss (?P<loss>\S+) acc (?P<val_acc>\S+)"#

    @Test(
        arguments: [
            (pair, "step=4 loss=0.31", 4, "loss", 0.31), (pair, "val/loss=1e-3", nil, "val/loss", 1e-3),
            (pair, "loss=-inf", nil, "loss", -Double.infinity), (pair, "loss=Infinity", nil, "loss", .infinity),
            (named, "epoch 3: loss 0.5 acc 0.9", 3, "val_acc", 0.9),
            (named, "epoch 3.0: loss 1 acc .5", 3, "val_acc", 0.5),
        ] as [(String, String, Int64?, String, Double)])
    func findsMetrics(expression: String, line: String, step: Int64?, name: String, value: Double) throws {
        var fault: String?
        var pattern = try MetricPattern(expression)
        let match = pattern.match(Array(line.utf8), fault: &fault)
        #expect(match?.step == step)
        #expect(match?.metrics.first { $0.name == name }?.value == value)
        #expect(fault == nil)
    }

    @Test func aLineMayHoldSeveralPairs() throws {
        var fault: String?
        var pattern = try MetricPattern(Self.pair)
        let match = pattern.match(Array("loss=1 acc=2 loss=3 x=nan".utf8), fault: &fault)
        #expect(match?.metrics.map(\.name) == ["acc", "loss", "x"])
        #expect(match?.metrics[1].value == 3)
        #expect(match?.metrics[2].value.isNaN == true)
    }

    @Test(arguments: [("nothing here", false), ("loss=fast", true), ("loss=0x10", false), ("loss=1e999x", true)])
    func refusesWhatIsNoNumber(line: String, isFault: Bool) throws {
        var fault: String?
        var pattern = try MetricPattern(Self.pair)
        _ = pattern.match(Array(line.utf8), fault: &fault)
        #expect((fault != nil) == isFault)
    }

    @Test func longLinesAndBrokenTextCostNothing() throws {
        var pattern = try MetricPattern(Self.pair)
        var fault: String?
        #expect(pattern.match([UInt8](repeating: 0x61, count: 65 << 10), fault: &fault) == nil)
        #expect(
            pattern.match([0xFF, 0xFE] + Array(" loss=2".utf8), fault: &fault)?.metrics == [MetricValue("loss", 2)])
    }

    @Test func longTextIsSearched() throws {
        var pattern = try MetricPattern(#"loss=(?<loss>\S+)"#)
        var fault: String?
        let line = String(repeating: "some words, ", count: 4000) + "loss=3"
        #expect(pattern.match(Array(line.utf8), fault: &fault)?.metrics == [MetricValue("loss", 3)])
        #expect(fault == nil)
    }

    /// Swift's engine took exponential time, and with it the worker's heartbeats.
    @Test(arguments: [60, 600, 60_000], [#"^(\w+\s?)+: loss=(?<loss>\S+)$"#, #"(\w+\s?)+: loss=(?<loss>\S+)$"#])
    func aPatternThatBacktracksWithoutEndIsGivenUp(bytes: Int, expression: String) throws {
        var pattern = try MetricPattern(expression)
        // All that the pattern needs is there, so nothing tells beforehand that no match is.
        let line = Array((String(repeating: "a", count: bytes) + ": loss= ").utf8)
        for _ in 0..<5 {
            var fault: String?
            let seconds = ContinuousClock().measure { #expect(pattern.match(line, fault: &fault) == nil) }
            #expect(seconds < .seconds(5))
            #expect(fault?.contains("takes too long for a printed line of \(line.count) bytes") == true)
        }
    }

    @Test func afterManySlowLinesNoneThatLongIsSearched() throws {
        var pattern = try MetricPattern(#"(\w+\s?)+: loss=(?<loss>\S+)$"#)
        let slow = Array((String(repeating: "a", count: 60) + ": loss= ").utf8)
        let long = Array((String(repeating: "- ", count: 60) + "a: loss=2").utf8)
        let short = Array("a: loss=3".utf8)
        var fault: String?
        for _ in 1..<MetricPattern.maximumSlowLines { _ = pattern.match(slow, fault: &fault) }
        fault = nil
        // A line as long that is searched to its end, and they are counted anew.
        #expect(pattern.match(long, fault: &fault)?.metrics == [MetricValue("loss", 2)])
        for _ in 0..<MetricPattern.maximumSlowLines { _ = pattern.match(slow, fault: &fault) }
        fault = nil
        #expect(pattern.match(long, fault: &fault) == nil)
        #expect(fault?.contains("not searched") == true)
        fault = nil
        #expect(pattern.match(short, fault: &fault)?.metrics == [MetricValue("loss", 3)])
        #expect(fault == nil)
        let seconds = ContinuousClock().measure { for _ in 0..<10_000 { _ = pattern.match(slow, fault: &fault) } }
        #expect(seconds < .seconds(5))
    }

    @Test(
        arguments: [
            (#"größe=(?<loss>\d+)"#, "größe=3", 3), (#"^\w+: (?<loss>\d)$"#, "Verlustgröße: 4", 4),
            (#"(?<=loss=)(?<loss>\S+)"#, "loss=5", 5), (#"^loss=(?<loss>.+)$"#, "loss=6\r", 6),
            (#"loss.(?<loss>\d)"#, "loss→7", 7), (#"(?i)LOSS (?P<loss>\d)(?#a comment)"#, "loss 8", 8),
        ] as [(String, String, Double)])
    func readsUnicodeAndWhatPerlReads(expression: String, line: String, value: Double) throws {
        var pattern = try MetricPattern(expression)
        var fault: String?
        #expect(pattern.match(Array(line.utf8), fault: &fault)?.metrics == [MetricValue("loss", value)])
        #expect(fault == nil)
    }

    @Test func brokenTextIsReplacedWhereItStands() throws {
        var pattern = try MetricPattern(#"^.(?<loss>\d).$"#)
        var fault: String?
        #expect(pattern.match([0xFF, 0x31, 0xC3], fault: &fault)?.metrics == [MetricValue("loss", 1)])
    }

    @Test func aBrokenExpressionIsSaid() {
        let failure = #expect(throws: MetricPattern.Failure.self) { try MetricPattern("(?<loss>") }
        #expect(failure?.description.contains("(?<loss>") == true)
    }

    @Test func theTailIsFitForATerminal() {
        var tail = OutputTail()
        tail.append(([0xFF, 0x1B] + Array("[31mred\u{1B}[0m\r\n10%\r20%\n\u{07}\tend".utf8))[...])
        #expect(tail.text == "\u{FFFD}red\n10%\n20%\n\tend")
        for _ in 0..<100 { tail.append([UInt8](repeating: 0xC3, count: 5000)[...]) }
        tail.append(Array("last".utf8)[...])
        #expect(tail.text.utf8.count <= ProtocolLimits.tailBytes)
        #expect(tail.text.hasSuffix("last"))
    }
}
