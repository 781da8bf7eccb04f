// SPDX-License-Identifier: MIT

import Coordinator
import Foundation
import SweepEngine
import SweepModel
import SweepStore
import Testing
import WorkerProtocol

@testable import sweepd

/// Scripts depend on these shapes: a change that is no pure addition needs a new version of the schema.
@Suite struct JSONSchemaTests {
    /// Names and types, in order; an array is shown by its first element.
    private func shape(_ json: JSONValue) -> String {
        switch json {
        case .null: "null"
        case .bool: "bool"
        case .integer: "int"
        case .number: "float"
        case .string(let text): text.hasPrefix("sweepd.") ? text : "text"
        case .array(let values): "[" + (values.first.map(shape) ?? "") + "]"
        case .object(let members): "{" + members.map { "\($0.name):\(shape($0.value))" }.joined(separator: " ") + "}"
        }
    }

    private func shape(_ text: String) throws -> String { shape(try JSONValue.parse(text)) }

    private func withStore(_ body: (DataDirectory, ResultReader) throws -> Void) throws {
        let small = try SmallStore()
        defer { small.remove() }
        try body(small.location, try ResultReader(small.location))
    }

    private static let sweep =
        "{id:int name:text method:text state:text metric:text goal:text trials:int seed:text created_at_ms:int "
        + "elapsed_seconds:float}"
    private static let trial =
        "{trial:int state:text value:float value_step:int infeasible:bool source:text attempts:int last_step:int "
        + "seconds:float seconds_per_step:float peak_memory_bytes:int failure:null stop_reason:null "
        + "parameters:{lr:float units:int} verdict:null parent:null until_step:null}"

    @Test func `list`() throws {
        try withStore { location, reader in
            let text = List.document(try reader.overviews(), data: location.path)
            let sweep = Self.sweep.dropLast() + " done:int best:{trial:int value:float} paused:int continued:int}"
            #expect(try shape(text) == "{schema:sweepd.list/1 data:text sweeps:[\(sweep)]}")
        }
    }

    @Test(arguments: ["show", "run"])
    func `show and the end of a run`(command: String) throws {
        try withStore { _, reader in
            let sweep = try reader.sweep(id: SweepID(1))
            let text = JSONOutput.text(command, try reader.result(of: sweep).members(Headline(sweep)))
            let spread = "{low:float median:float high:float count:int}"
            let expected =
                "{schema:sweepd.\(command)/1 sweep:\(Self.sweep) outcome:text reason:null done:int counts:{queued:int "
                + "leased:int running:int paused:int completed:int stopped:int failed:int cancelled:int infeasible:int} "
                + "best:[{trial:int value:float trials:[int] failed:int parameters:{lr:float units:int} "
                + "told_from_best:null}] noise:null baseline:{trial:int value:float gain:float more_than_noise:null} "
                + "failures:[{message:text infeasible:bool trials:[int]}] stops:[{reason:text trials:[int]}] "
                + "seconds_per_step:\(spread) trial_seconds:\(spread) peak_memory_bytes:\(spread) "
                + "total_trial_seconds:float notes:[] continued:[] early_stopping:null waits:null "
                + "forecast:{seconds:null ends_at_ms:null ended_by:text trials:null remaining:int "
                + "mean_trial_seconds:float slots:int}}"
            #expect(try shape(text) == expected)
        }
    }

    @Test func `trials and best`() throws {
        try withStore { _, reader in
            let sweep = try reader.sweep(id: SweepID(1))
            let records = try reader.records(of: sweep.id)
            #expect(
                try shape(Trials.document(records, matching: 4, sweep: sweep))
                    == "{schema:sweepd.trials/1 sweep:\(Self.sweep) matching:int trials:[\(Self.trial)]}")
            let best = try #require(Ranking(records, objective: sweep.objective).best)
            #expect(
                try shape(Best.document(best, nil, sweep: sweep))
                    == "{schema:sweepd.best/1 sweep:\(Self.sweep) trial:int value:float trials:[int] failed:int "
                    + "parameters:{lr:float units:int} by_model_mean:null continued:[]}")
        }
    }

    @Test func `why, with a verdict`() throws {
        try withStoppingStore { store in
            try store.run(0.52, to: 9, state: .stopped, StoppingStore.verdict())
            let subject = try store.subject()
            let text = Why.document(try subject.reader.story(of: 0, in: subject))
            let verdict =
                "{rule:text action:text enforcement:text step:int value:float threshold:float peers:int better:int "
                + "better_trials:[int] rung:int bracket:null probability:null}"
            let trial = Self.trial.replacing("verdict:null", with: "verdict:\(verdict)")
                .replacing(
                    "seconds_per_step:float peak_memory_bytes:int", with: "seconds_per_step:null peak_memory_bytes:null"
                )
                .replacing("stop_reason:null", with: "stop_reason:text")
            let attempt =
                "{attempt:int worker:text state:text outcome:text resumed_from:null stop_reason:text failure:null "
                + "seconds:float}"
            #expect(
                try shape(text)
                    == "{schema:sweepd.why/1 sweep:\(Self.sweep) text:text trial:\(trial) rank:int ranked:int losses:int "
                    + "failures:int attempts:[\(attempt)] checkpoint:null warnings:[] origin:null continued_by:[]}")
        }
    }

    @Test func `continue, and early stopping and the forecast in show`() throws {
        let termination = EarlyTermination(
            rule: .threshold, upper: 9, isDryRun: true, controlShare: 0.5, maximumStep: 27)
        try withStoppingStore(StoppingStore.definition(termination)) { store in
            try store.run(0.4, to: 27, StoppingStore.verdict(), .dryRun)
            try store.propose(.continuation(of: 0, until: 100))
            let subject = try store.subject(isLive: true)
            let result = try subject.reader.result(of: subject.sweep)
            let continued =
                "{trial:int parent:int until_step:int state:text value:null value_step:null last_step:null "
                + "parent_value:float parent_value_step:int}"
            let skipped = [Continuing.Skipped(trial: 1, reason: "r")]
            #expect(
                try shape(ContinuedEnding.document(result.continued, skipped, sweep: "s", outcome: "finished"))
                    == "{schema:sweepd.continue/1 sweep:text outcome:text continued:[\(continued)] "
                    + "skipped:[{trial:int reason:text}]}")
            let members = JSONValue.object(result.members(.running))
            #expect(shape(members["continued"] ?? .null) == "[\(continued)]")
            #expect(
                shape(members["early_stopping"] ?? .null)
                    == "{rule:text settings:{type:text max_step:int upper:float dry_run:bool control:float} stopped:[] "
                    + "paused:[] waiting:int trained_steps:int full_steps:int dry_run:{condemned:[{rule:text rung:int "
                    + "trials:[int] action:text}] saved_steps:int best:int best_condemned_at:int} controls:{condemned:[] ended:[] "
                    + "better:[] gain:null best_of_the_rest:int too_few_to_say:bool}}")
            #expect(
                shape(members["forecast"] ?? .null)
                    == "{seconds:float ends_at_ms:int ended_by:text trials:int remaining:int mean_trial_seconds:float "
                    + "slots:int}")
        }
    }

    @Test func `logs and verify`() throws {
        try withStore { location, reader in
            let attempt = try #require(try reader.attempts(of: SweepID(1), trial: 2).last)
            #expect(
                try shape(Logs.document("x", attempt, sweep: "s", path: "p"))
                    == "{schema:sweepd.logs/1 sweep:text trial:int attempt:int path:text state:text text:text}")
            let report = try StoreReader.open(directory: location.path).verify()
            #expect(
                try shape(Verify.document(report, nil, data: "d"))
                    == "{schema:sweepd.verify/1 data:text sound:bool batches:int events:int sweeps:int trials:int "
                    + "problems:[] unlisted_problems:int recomputed:null}")
        }
    }

    @Test func `export, cancel, report and doctor`() throws {
        #expect(
            try shape(Export.document("s", "o", .csv, trials: 1, rows: 1))
                == "{schema:sweepd.export/1 sweep:text output:text format:text trials:int rows:int}")
        #expect(
            try shape(JSONOutput.text("cancel", Cancel.members(sweep: "s", trial: 1, cancelled: 1)))
                == "{schema:sweepd.cancel/1 sweep:text trial:int cancelled_trials:int}")
        #expect(
            try shape(Report.document([MetricValue("loss", 1)], step: 1, isInTrial: true))
                == "{schema:sweepd.report/1 in_trial:bool step:int metrics:{loss:float}}")
        #expect(
            try shape(Doctor.document([.warning("a", "b", remedy: "c")]))
                == "{schema:sweepd.doctor/1 version:text fit:bool checks:[{name:text verdict:text finding:text remedy:text}]}"
        )
    }

    @Test func `records read from a store are what was recorded`() throws {
        try withStore { _, reader in
            let records = try reader.records(of: SweepID(1))
            #expect(records.map(\.state) == [.completed, .stopped, .failed, .running])
            #expect(records.map(\.value) == [0.5, 0.8, nil, nil])
            #expect(records.map(\.lastStep) == [2, 1, nil, 1])
            #expect(records[0].isBaseline && records[1].stopReason == "hopeless")
            #expect(records[2].attempts == 2 && records[2].failure?.message == "exit code 3")
            #expect(try reader.record(of: SweepID(1), trial: 2)?.failure?.tail == "Traceback\nNameError: x")
            #expect(try reader.record(of: SweepID(1), trial: 4)?.number == nil)
            let sweep = try reader.sweep(id: SweepID(1))
            #expect(sweep.state == "interrupted")
            #expect(try reader.curve(of: sweep, trial: 0).map(\.value) == [0.9, 0.5])
        }
    }

    @Test(
        arguments: [
            ([(0, 10), (5, 20), (30, 40)], 30), ([(0, 10), (2, 4)], 10), ([], 0), ([(0, nil), (5, 6)], 6),
        ] as [([(Int64, Int64?)], Int64)])
    func `elapsed time is the union of the attempts`(times: [(Int64, Int64?)], expected: Int64) {
        func time(_ milliseconds: Int64) -> Timestamp { Timestamp(milliseconds: milliseconds) }
        let spans = times.map { (from: time($0.0), to: $0.1.map(time)) }
        let now: Timestamp? = times.contains { $0.1 == nil } ? time(6) : nil
        #expect(ResultReader.elapsed(spans, now: now).milliseconds == expected)
    }
}
