// SPDX-License-Identifier: MIT

import ArgumentParser
import Foundation
import SweepEngine
import SweepModel
import Testing

@testable import sweepd

@Suite struct ContinuedTests {
    /// Trials 0 to 2, the first two with checkpoints, and trial 3 that continues trial 0 and is better than all.
    private static func fill(_ store: inout StoppingStore) throws {
        for (value, folder) in [(0.04, "/nowhere/a"), (0.05, NSTemporaryDirectory()), (0.06, nil)] {
            let trial = try store.propose()
            let fence = try store.start(trial)
            try store.report(fence, step: 50, value)
            if let folder { try store.save(fence, step: 50, at: folder) }
            try store.end(fence, .completed, value: value, step: 50)
        }
        let continued = try store.propose(.continuation(of: 0, until: 250))
        let fence = try store.start(continued, from: 50)
        try store.report(fence, step: 250, 0.031)
        try store.end(fence, .completed, value: 0.031, step: 250)
    }

    private static func withSweep(trials: Int? = 3, _ body: (inout StoppingStore) throws -> Void) throws {
        try withStoppingStore(StoppingStore.definition(nil, trials: trials)) { store in
            try fill(&store)
            try body(&store)
        }
    }

    private static func result(_ store: StoppingStore) throws -> SweepResult {
        let subject = try store.subject()
        return try subject.reader.result(of: subject.sweep)
    }

    @Test func `they are beyond the total and ranked among none`() throws {
        try Self.withSweep { store in
            try store.add(.sweepFinished(StoppingStore.sweep, .trials))
            let result = try Self.result(store)
            #expect(result.done == 3 && result.counts.sum == 3 && result.continuedCount == 1)
            #expect(result.ranking.contenders.map(\.number) == [0, 1, 2])
            let text = Synthetic.text(result)
            #expect(text.hasPrefix("synthetic: finished (3 of 3 trials done, and 1 continued)\n"), "\(text)")
            #expect(text.contains("\n  trial 3 continues trial 0: loss 0.031 at step 250, was 0.04 at step 50\n"))
            #expect(text.contains("Trials: 3 completed\n"))
            let overview = try #require(try store.subject().reader.overviews().first)
            #expect(overview.progress == "3/3, 1 continued")
            #expect(overview.json["done"]?.integerValue == 3 && overview.json["continued"]?.integerValue == 1)
        }
    }

    @Test func `JSON names their parents`() throws {
        try Self.withSweep { store in
            let records = try store.subject().reader.records(of: StoppingStore.sweep)
            let members = JSONValue.object(records[3].members)
            #expect(members["source"] == .string("continuation") && members["parent"]?.integerValue == 0)
            #expect(members["until_step"]?.integerValue == 250 && members["verdict"] == .null)
            let json = try #require(ContinuedTrial.of(records).first?.json)
            #expect(json["parent_value"]?.doubleValue == 0.04 && json["value"]?.doubleValue == 0.031)
            let best = try #require(Ranking(records, objective: Objective(metric: "loss")).best)
            let sweep = try store.subject().sweep
            let document = try JSONValue.parse(Best.document(best, nil, ContinuedTrial.of(records), sweep: sweep))
            #expect(document["trial"]?.integerValue == 0)
            #expect(document["continued"]?.text.contains(#""trial":3"#) == true)
        }
    }

    @Test func `the table says what each continues`() throws {
        try Self.withSweep { store in
            let records = try store.subject().reader.records(of: StoppingStore.sweep).filter(\.isContinuation)
            let lines = Trials.lines(records, definition: Synthetic.definition(), width: nil, showsParents: true)
            #expect(lines[0].hasPrefix("trial  continues  to step  state"), "\(lines)")
            #expect(lines[1].hasPrefix("    3          0      250  completed"), "\(lines)")
        }
    }

    private static func objection(_ store: StoppingStore, _ trial: Int, steps: Int64 = 200) throws -> String? {
        let subject = try store.subject()
        return try Continuing.objection(
            to: try subject.trial(trial), steps: steps, among: try subject.reader.records(of: StoppingStore.sweep),
            in: subject)
    }

    @Test func `what cannot be continued is told why`() throws {
        try Self.withSweep { store in
            #expect(try Self.objection(store, 1) == nil)
            #expect(try Self.objection(store, 2)?.hasPrefix("it left no checkpoint to go on from") == true)
            #expect(
                try Self.objection(store, 0)
                    == "its checkpoint of step 50 no longer exists: there is no folder /nowhere/a")
            // A continued trial that has left none begins with its parent's.
            #expect(try Self.objection(store, 3)?.hasSuffix("no folder /nowhere/a") == true)
            let running = try store.propose()
            try store.start(running)
            #expect(try Self.objection(store, running)?.hasPrefix("it is interrupted") == true)
            try store.propose(.continuation(of: 1, until: 250))
            #expect(try Self.objection(store, 1)?.hasPrefix("trial 5 continues it to step 250 already") == true)
            #expect(try Self.objection(store, 1, steps: 300) == nil)
            let subject = try store.subject()
            #expect(throws: UserError.self) { _ = try subject.trial(99) }
        }
    }

    /// As `objection` and `promote` say it of a sweep whose store can be read.
    @Test func `what a daemon elsewhere cannot continue is told why`() throws {
        func trial(_ state: String, checkpoint: String = "50", _ continuations: String = "") throws -> RemoteTrial {
            try RemoteTrial(
                try JSONValue.parse(
                    """
                    {"trial":1,"state":"\(state)","value":0.1,"parameters":{"x":1},"seed":"18446744073709551615",
                     "parent":null,"until_step":null,"checkpoint_step":\(checkpoint),"continued_by":[\(continuations)]}
                    """))
        }
        #expect(try trial("completed").objection(steps: 200) == nil)
        #expect(try trial("completed").seed == .max)
        #expect(try trial("running").objection(steps: 200)?.hasPrefix("it is running") == true)
        #expect(
            try trial("completed", checkpoint: "null").objection(steps: 200)?.hasPrefix("it left no checkpoint") == true
        )
        let running = try trial("completed", #"{"trial":5,"until_step":250,"state":"running"}"#)
        #expect(running.objection(steps: 200) == "trial 5 continues it to step 250 already")
        #expect(running.objection(steps: 300) == nil && running.trained(steps: 200) == nil)
        let over = try trial("completed", #"{"trial":5,"until_step":250,"state":"completed"}"#)
        #expect(over.objection(steps: 200) == nil)
        #expect(over.trained(steps: 200) == "trial 5 has continued it to step 250 already")
        #expect(over.trained(steps: 201) == nil)
        #expect(throws: UserError.self) { try RemoteTrial(.object([.init("trial", .integer(1))])) }
    }

    @Test func `each state of a continued trial is told`() {
        var record = Synthetic.trial(9, nil, state: .running)
        record.source = .continuation(of: 1, until: 250)
        record.lastStep = 120
        var parent = Synthetic.trial(1, 0.04)
        parent.valueStep = 50
        func line(_ state: Trial.State, _ value: Double? = nil, isLive: Bool = true) -> String {
            record.state = state
            record.value = value
            return ContinuedTrial(record: record, parent: parent, until: 250)
                .line(Objective(metric: "loss"), isLive: isLive)
        }
        #expect(line(.running) == "trial 9 continues trial 1: running, at step 120 of 250, was 0.04 at step 50")
        #expect(line(.running, isLive: false).contains(": interrupted, at step 120 of 250"))
        #expect(line(.queued).contains("waits to be trained to step 250, was 0.04"))
        #expect(line(.cancelled) == "trial 9 continues trial 1: cancelled")
        #expect(line(.stopped, 0.03).hasSuffix("(stopped: by its script)"))
        record.failure = .init(cause: "user", message: "exit code 3", tail: "")
        #expect(line(.failed) == "trial 9 continues trial 1: failed: exit code 3")
    }

    @Test(arguments: [
        ["continue"], ["continue", "1"], ["continue", "x", "--steps", "1"], ["continue", "1", "--steps", "0"],
        ["promote", "--steps", "1"], ["promote", "--top", "0", "--steps", "1"], ["promote", "--top", "1"], ["why"],
    ])
    func `wrong arguments are refused before anything is done`(arguments: [String]) {
        #expect(throws: (any Error).self) { _ = try Sweepd.parseAsRoot(arguments) }
    }

    @Test(arguments: [
        ["continue", "12", "--steps", "200"], ["continue", "12", "digits", "--steps", "200", "--json"],
        ["promote", "digits", "--top", "5", "--steps", "200", "-w", "2"], ["why", "12", "digits", "--json"],
    ])
    func `right arguments are taken`(arguments: [String]) throws {
        _ = try Sweepd.parseAsRoot(arguments)
    }
}

extension StateCounts {
    fileprivate var sum: Int { Trial.State.allCases.reduce(0) { $0 + self[$1] } }
}
