// SPDX-License-Identifier: MIT

import SweepModel
import Testing
import WorkerProtocol

@testable import SweepEngine

@Suite struct EventCodecTests {
    static let definition = SweepDefinition(
        name: "digits \"quoted\"", method: .random, objective: Objective(metric: "val/loss", goal: .maximize),
        space: SearchSpace([
            Parameter("lr", .real(law: .logUniform(low: 1e-4, high: 1), quantum: nil)),
            Parameter("layers", .integer(low: 1, high: 3, step: 1, log: false)),
        ]), trials: 60, seed: .max, command: ["python3", "train.py", "${args}"], retries: 2)

    static let trial = TrialID(sweep: SweepID(3), number: 17)
    static let fence = Fence(.max)
    static let configuration = Configuration([
        .init("lr", .number(0.1)), .init("layers", .integer(-3)), .init("a.b", .string("é\n\"\\\u{1F600},}")),
        .init("flag", .bool(false)), .init("none", .null),
        .init("deep", .array([.object([.init("x", .string("]"))]), .number(1e300), .array([])])),
    ])

    static let attemptEvents: [AttemptEvent] = [
        .started(resumedFrom: nil), .started(resumedFrom: 12),
        .report(step: 3, metrics: []),
        .report(
            step: -3,
            metrics: [
                MetricValue("loss", 0.1 + 0.2), MetricValue("a \"b\"", .infinity), MetricValue("c", -.infinity),
                MetricValue("d", -0.0), MetricValue("e", .leastNonzeroMagnitude), MetricValue("f", 1),
            ]),
        .checkpoint(Checkpoint(step: 4, location: "/a b/\u{7F}é", digest: "00ff", bytes: 1 << 40)),
        .warning("line 12 of the output is not UTF-8: \u{FFFD}\u{0}"),
    ]

    static let ends: [AttemptEvent] = [
        .finished(.completed, Resources()),
        .finished(.stopped, Resources(seconds: 1.5, secondsPerStep: 0.25, peakMemoryBytes: 123)),
        .failed(AttemptFailure(cause: .user, message: "exit code 3", exitCode: 3, tail: "a\r\nb\tc"), Resources()),
        .failed(AttemptFailure(cause: .signal, message: "", tail: ""), Resources(seconds: .infinity)),
    ]

    /// Numbers whose every bit has to come back.
    static let basis = ProposalBasis(
        origin: .model, position: 1 << 40, place: 1,
        fits: [
            ModelFit(
                subject: .objective, position: 77, ordinal: 3, results: 40, start: [0.1 + 0.2, -1e-300, 1.0 / 3],
                found: [-0.0, .leastNonzeroMagnitude, .greatestFiniteMagnitude]),
            ModelFit(subject: .success, position: 78, ordinal: 0, results: 41, start: [], found: [1]),
        ])

    static let events: [Event] =
        [
            .coordinatorStarted(epoch: 2, version: "0.1"),
            .sweepCreated(SweepID(3), definition, directory: "/home/ä"),
            .sweepRedefined(SweepID(3), definition), .sweepPaused(SweepID(3), .user),
            .sweepPaused(SweepID(3), .failures(message: "exit code 1", tail: "Traceback\n")),
            .sweepUnpaused(SweepID(3)), .spaceExhausted(SweepID(3)),
            .workerJoined(
                WorkerID("a-1"), WorkerFacts(agent: "x", host: "h", processID: 9, slots: 2, isLocal: true)),
            .workerLeft(WorkerID("a-1"), reason: "bye"), .proposed(trial, .sampler(index: 5), configuration),
            .proposed(trial, .baseline(0), Configuration([])), .proposed(trial, .repetition(of: 1), configuration),
            .leased(fence, trial, WorkerID("a-1"), attempt: 1), .accepted(fence),
            .stopRequested(fence, reason: "worse"), .trialCancelled(trial), .trialRetried(trial),
            .proposed(trial, .sampler(index: 6), configuration, basis: basis),
            .proposed(
                trial, .sampler(index: 7), Configuration([]),
                basis: ProposalBasis(origin: .design, position: 0, place: 3, fits: [])),
            .asked(trial), .told(trial, Settlement(state: .completed, value: 0.1 + 0.2)),
            .told(trial, Settlement(state: .failed, isInfeasible: true)),
            .released(fence, .lost, .requeued(charged: true)),
            .readopted(fence), .released(fence, .unstarted, .requeued(charged: false)),
            .ended(
                fence, sequence: 4, .finished(.stopped, Resources()), .paused(value: 0.25, step: 3)),
            .ended(fence, sequence: 4, .finished(.stopped, Resources()), .paused(value: nil, step: nil)),
            .released(fence, .left, .settled(Settlement(state: .cancelled))),
        ] + FinishReason.allCases.map { .sweepFinished(SweepID(3), $0) }
        + attemptEvents.map { .observed(fence, sequence: 1, $0) }
        + ends.flatMap { end in
            [
                .ended(fence, sequence: 9, end, .requeued(charged: false)),
                .ended(
                    fence, sequence: 9, end,
                    .settled(Settlement(state: .completed, value: 0.3, step: 7, isInfeasible: true))),
            ]
        }

    @Test(arguments: events) func everyEventComesBackFromOneLine(event: Event) throws {
        let entry = JournalEntry(at: Timestamp(milliseconds: -5), event: event)
        let line = EventCodec.line(entry)
        #expect(!line.contains("\n"))
        #expect(try EventCodec.decode(line) == entry)
        // Other readers of the journal see JSON.
        #expect(try JSONValue.parse(line)["at"]?.integerValue == -5)
    }

    @Test func notANumberSurvives() throws {
        let event = Event.observed(Fence(1), sequence: 1, .report(step: 1, metrics: [MetricValue("loss", .nan)]))
        let entry = try EventCodec.decode(EventCodec.line(JournalEntry(at: Timestamp(milliseconds: 0), event: event)))
        guard case .observed(_, _, .report(_, let metrics)) = entry.event else {
            Issue.record("another event came back")
            return
        }
        #expect(metrics.first?.value.isNaN == true)
    }

    @Test func theSpellingIsFixed() {
        let event = Event.observed(Fence(7), sequence: 2, .report(step: 3, metrics: [MetricValue("loss", 0.5)]))
        #expect(
            EventCodec.line(JournalEntry(at: Timestamp(milliseconds: 1_700_000_000_000), event: event))
                == #"{"at":1700000000000,"e":"observed","fence":7,"seq":2,"type":"report","step":3,"#
                + #""metrics":{"loss":0.5}}"#)
    }

    @Test(arguments: [#"{"at":1,"e":"teleported","x":1}"#, #"{"at":1,"e":"observed","fence":1,"seq":1,"type":"sang"}"#])
    func unknownKindsAreNamed(line: String) {
        let error = #expect(throws: EventCodecError.self) { try EventCodec.decode(line) }
        #expect(error?.description.contains("newer version") == true)
        #expect(error?.description.contains("teleported") == true || error?.description.contains("sang") == true)
    }

    /// Damage ends in an error or in another entry, never in a trap.
    @Test func everyPrefixAndEveryChangedByteIsSurvived() {
        for event in Self.events {
            let line = Array(EventCodec.line(JournalEntry(at: Timestamp(milliseconds: 1), event: event)).utf8)
            for end in line.indices {
                _ = line[..<end].withUnsafeBufferPointer { bytes in
                    #expect(throws: EventCodecError.self) { try EventCodec.decode(bytes) }
                }
                for byte in [UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "9"), UInt8(ascii: "{"), 0xFF, 0] {
                    var changed = line
                    changed[end] = byte
                    changed.withUnsafeBufferPointer { _ = try? EventCodec.decode($0) }
                }
            }
        }
    }

    @Test(arguments: [
        "9223372036854775808", "-9223372036854775809", "99999999999999999999", "", "-", "1.5", "\"1\"",
    ])
    func integersOutOfRangeAreRefused(number: String) {
        #expect(throws: EventCodecError.self) {
            try EventCodec.decode(#"{"at":\#(number),"e":"accepted","fence":1}"#)
        }
    }

    @Test(arguments: [Int64.min, .max, 0, -1])
    func integersAtTheEdgesComeBack(number: Int64) throws {
        let entry = JournalEntry(at: Timestamp(milliseconds: number), event: .accepted(Fence(number)))
        #expect(try EventCodec.decode(EventCodec.line(entry)) == entry)
    }
}
