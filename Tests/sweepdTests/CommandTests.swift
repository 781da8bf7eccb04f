// SPDX-License-Identifier: MIT

import ArgumentParser
import Foundation
import SweepEngine
import SweepModel
import Testing
import WorkerProtocol

@testable import sweepd

@Suite struct CommandTests {
    @Test func `the help of each command has an example and says what it does`() {
        for command in Sweepd.configuration.subcommands {
            let help = Sweepd.helpMessage(for: command, columns: 100)
            #expect(help.contains("Example"), "\(command)")
            #expect(!command.configuration.abstract.isEmpty, "\(command)")
            #expect(help.contains("sweepd \(command._commandName)"), "\(command)")
        }
    }

    @Test(arguments: [
        ["trials", "--state", "fialed"], ["trials", "--limit", "0"], ["trials", "--sort", "size"], ["logs"],
        ["logs", "x"],
        ["logs", "1", "--json", "--follow"], ["logs", "1", "--tail", "-1"], ["best", "--json", "--args"], ["cancel"],
        ["export", "--format", "xml"], ["export", "--json"], ["report"], ["report", "a=1", "--step", "-1"],
        ["nonsense"], ["extend", "s", "--trials", "5", "--remote", "--workers", "2"],
        ["continue", "1", "--steps", "2", "--remote", "--workers", "2"],
        ["promote", "--top", "1", "--steps", "2", "--connection", "f", "-w", "2"],
    ])
    func `wrong arguments are refused before anything is done`(arguments: [String]) {
        #expect(throws: (any Error).self) { _ = try Sweepd.parseAsRoot(arguments) }
    }

    @Test(arguments: [
        ["trials", "--state", "failed", "--state", "stopped", "--sort", "value"],
        ["logs", "17", "-f", "--attempt", "2"],
        ["show", "digits", "--json"], ["export", "digits", "--format", "jsonl", "--reports", "-o", "x"],
        ["cancel", "--trial", "3"], ["report", "loss=0.3", "acc=-1", "--step", "4"], ["verify", "--data", "d"],
        ["extend", "s", "--trials", "+5", "--remote"], ["watch", "s", "--connection", "f", "--plain"],
        ["launch", "sweep.yaml", "--watch", "--remote"], ["ask", "s", "--remote"],
        ["tell", "s", "3", "--failed", "--connection", "f"], ["continue", "1", "--steps", "2", "--remote"],
        ["promote", "s", "--top", "1", "--steps", "2", "--remote"],
    ])
    func `right arguments are taken`(arguments: [String]) throws {
        _ = try Sweepd.parseAsRoot(arguments)
    }

    @Test func `reported metrics`() throws {
        let values = try Report.parse(["loss=0.31", "acc=-2e-5", "a=inf", "b=-Infinity", "c=1"])
        #expect(values.map(\.value) == [0.31, -2e-5, .infinity, -.infinity, 1])
        #expect(try Report.parse(["x=nan"])[0].value.isNaN)
        #expect(
            Report.message([MetricValue("loss", .nan)], step: 4).text
                == #"{"type":"report","id":1,"step":4,"metrics":{"loss":"NaN"}}"#)
        #expect(Report.message([MetricValue("a", 1)], step: nil)["step"] == nil)
    }

    @Test(arguments: [
        ["loss"], ["=1"], ["loss="], ["loss=1x"], ["loss=1e"], ["loss= 1"], ["a=1", "a=2"], ["a\u{1B}=1"],
    ])
    func `malformed metrics are refused`(words: [String]) {
        #expect(throws: UserError.self) { _ = try Report.parse(words) }
    }

    @Test func `the sweep is found by name, else the latest that is preferred`() throws {
        let names = ["one", "two", "three"], all = [true, true, true]
        #expect(try Lookup.index(of: "two", among: names, preferred: all, verb: "x") == 1)
        #expect(try Lookup.index(of: nil, among: names, preferred: all, verb: "x") == 2)
        #expect(try Lookup.index(of: nil, among: names, preferred: [true, false, false], verb: "x") == 0)
        #expect(try Lookup.index(of: nil, among: names, preferred: [false, false, false], verb: "x") == 2)
    }

    @Test(arguments: [("thre", "did you mean three?"), ("zzzzzz", "there is one, two, three")])
    func `an unknown name is answered with the nearest`(name: String, expected: String) {
        let error = #expect(throws: UserError.self) {
            _ = try Lookup.index(of: name, among: ["one", "two", "three"], preferred: [true, true, true], verb: "x")
        }
        #expect(error?.message.contains(expected) == true && error?.status == .badInput)
    }

    @Test func `trials are ordered and cut`() {
        var records = [3.0, 1, 2].enumerated().map { Synthetic.trial($0.offset, $0.element) }
        records.append(Synthetic.trial(3, nil, state: .running))
        records[1].seconds = 9
        func numbers(_ sort: Trials.Order, _ limit: Int, _ goal: Objective.Goal = .minimize) -> [Int] {
            Trials.arranged(records, sort: sort, limit: limit, objective: Objective(metric: "m", goal: goal)).map(
                \.number)
        }
        #expect(numbers(.value, 10) == [1, 2, 0, 3])
        #expect(numbers(.value, 2, .maximize) == [0, 2])
        #expect(numbers(.number, 2) == [2, 3])
        #expect(numbers(.seconds, 1) == [1])
    }

    @Test func `the table of trials`() {
        var record = Synthetic.trial(7, 0.123456, lr: 0.5)
        record.lastStep = 30
        record.attempts = 2
        let lines = Trials.lines([record], definition: Synthetic.definition(), width: nil)
        #expect(
            lines == [
                "trial  state                      loss  step  time  a step   memory   lr  units",
                "    7  completed (2 attempts)  0.12346    30  2.0s    0.1s  200 MiB  0.5     64",
            ])
    }

    @Test(arguments: [(Trial.State.running, false), (.leased, false), (.running, true), (.queued, false)])
    func `nothing runs without a coordinator`(_ state: Trial.State, _ isLive: Bool) {
        var record = Synthetic.trial(7, 1)
        record.state = state
        let lines = Trials.lines([record], definition: Synthetic.definition(), isLive: isLive, width: nil)
        let expected = isLive || state == .queued ? state.rawValue : "interrupted"
        #expect(lines[1].contains("  \(expected)  "), "\(lines)")
    }

    @Test func `the best configuration as words for a shell`() {
        let configuration = Configuration([
            .init("lr", .number(0.5)), .init("flag", .bool(true)), .init("name", .string("it's a b")),
        ])
        #expect(Best.arguments(configuration) == #"--lr=0.5 --flag=True '--name=it'\''s a b'"#)
    }

    @Test func `a parameter with one value gets no column`() {
        let space = SearchSpace(Synthetic.space.parameters + [Parameter("epochs", .constant(.integer(20)))])
        let lines = Trials.lines([Synthetic.trial(0, 1)], definition: Synthetic.definition(space: space), width: nil)
        #expect(lines[0].hasSuffix("units"))
    }
}
