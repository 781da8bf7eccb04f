// SPDX-License-Identifier: MIT

import Foundation
import SweepModel
import Testing

@testable import sweepd

/// `optimize --stdio`: one answer a request, and no request that ends the conversation.
@Suite struct OptimizeTests {
    private static let start = """
        {"op":"init","space":[{"name":"lr","type":"float","low":1e-5,"high":0.1,"log":true},\
        {"name":"kind","type":"categorical","choices":["a","b"]},\
        {"name":"n","type":"int","low":1,"high":9,"step":2,"condition":{"param":"kind","in":["b"]}},\
        {"name":"w","distribution":"q_normal","mu":0,"sigma":2,"q":0.5}],"seed":3,"direction":"maximize"}
        """

    private func talk(_ lines: [String], method: String? = nil) -> [String] {
        var session = OptimizeSession(method: method)
        return lines.map { session.answer($0) }
    }

    private func trials(_ answer: String) throws -> [JSONValue] {
        guard case .array(let trials)? = try JSONValue.parse(answer)["trials"] else { return [] }
        return trials
    }

    @Test func aConversation() throws {
        let answers = talk([
            Self.start, #"{"op":"ask","n":4}"#, #"{"op":"tell","id":2,"value":1.5}"#,
            #"{"op":"tell","id":0,"failed":true}"#, #"{"op":"tell","id":1,"value":NaN}"#, #"{"op":"ask"}"#,
            #"{"op":"load","trials":[{"params":{"lr":0.01,"kind":"a","w":1.5},"value":2},{"params":{"lr":0.02,"kind":"b","n":3.0,"w":0},"failed":true}]}"#,
            #"{"op":"ask","n":30}"#,
        ])
        #expect([0, 2, 3, 4, 6].allSatisfy { answers[$0] == #"{"ok":true}"# }, "\(answers)")
        let all = try trials(answers[1]) + trials(answers[5]) + trials(answers[7])
        #expect(all.map { $0["id"]?.integerValue } == (0..<35).map { Int64($0) })
        for trial in all {
            let params = try #require(trial["params"])
            // An inactive parameter is left out; integers are JSON integers.
            #expect((params["n"] == nil) == (params["kind"]?.stringValue == "a"))
            if let n = params["n"] { #expect(n.integerValue.map { [1, 3, 5, 7, 9].contains($0) } == true) }
        }
        #expect(Set(all.map { $0["params"]?.text }).count == all.count)
    }

    @Test(arguments: ["bayes", "tpe", "auto", "random", "sobol"]) func everyMethodAnswersTheSameAgain(method: String) {
        let lines =
            [Self.start]
            + (0..<30).flatMap { [#"{"op":"ask"}"#, "{\"op\":\"tell\",\"id\":\($0),\"value\":\($0 * 7 % 11)}"] }
        let first = talk(lines, method: method)
        #expect(first == talk(lines, method: method))
        #expect(!first.contains { $0.contains("error") }, "\(first)")
    }

    /// Ranges of one point are constants, and conditional as any other parameter.
    @Test(arguments: ["bayes", "tpe", "sobol"]) func aRangeOfOnePointKeepsItsCondition(method: String) throws {
        let answers = talk(
            [
                #"{"op":"init","space":[{"name":"k","type":"categorical","choices":["a","b"]},{"name":"x","type":"float","low":0,"high":1},{"name":"n","type":"int","low":2,"high":2.0,"condition":{"param":"k","in":["b"]}},{"name":"f","type":"float","low":0.5,"high":0.5,"condition":{"param":"k","in":["b"]}}]}"#,
                #"{"op":"ask","n":20}"#,
            ], method: method)
        #expect(answers[0] == #"{"ok":true}"#)
        let asked = try trials(answers[1]).compactMap { $0["params"] }
        #expect(Set(asked.compactMap { $0["k"]?.stringValue }) == ["a", "b"])
        for params in asked {
            let isActive = params["k"]?.stringValue == "b"
            #expect(params["n"] == (isActive ? .integer(2) : nil) && params["f"] == (isActive ? .number(0.5) : nil))
        }
    }

    /// What is misspelt is used for nothing, and told; what `auto` picks too.
    @Test func theStartIsAnsweredWithWhatIsWorthAWord() throws {
        let answers = talk([
            #"{"op":"init","trails":5,"space":[{"name":"lr","type":"float","low":0.1,"high":1,"lgo":true}]}"#,
            #"{"op":"init","method":"auto","trials":50,"space":[{"name":"lr","type":"float","low":0.1,"high":1}]}"#,
        ])
        let warnings = try JSONValue.parse(answers[0])["warnings"]?.arrayValue?.compactMap(\.stringValue) ?? []
        #expect(warnings.count == 2, "\(answers[0])")
        #expect(warnings.first == #"init has no "trails"; did you mean 'trials'?"#)
        #expect(warnings.last?.contains("lgo") == true && warnings.last?.contains("'log'") == true)
        let chosen = try JSONValue.parse(answers[1])
        #expect(chosen["method"] == .string("bayes") && chosen["reason"]?.stringValue?.isEmpty == false)
    }

    @Test func aFiniteSpaceEnds() throws {
        let answers = talk([
            #"{"op":"init","space":[{"name":"a","type":"int","low":1,"high":3}],"method":"bayes"}"#,
            #"{"op":"ask","n":5}"#, #"{"op":"ask"}"#,
        ])
        #expect(try trials(answers[1]).count == 3)
        #expect(answers[2] == #"{"trials":[]}"#)
    }

    @Test(arguments: [
        ("", "not one line of JSON"), ("{", "not one line of JSON"), ("[]", "\"op\" must be one of"),
        (#"{"op":"aks"}"#, "did you mean 'ask'?"), (#"{"op":"ask"}"#, "begin with"),
        (#"{"op":"tell","id":0,"value":1}"#, "begin with"), (#"{"op":"load","trials":[]}"#, "begin with"),
        (#"{"op":"init"}"#, "needs \"space\""), (#"{"op":"init","space":[{}]}"#, "space[0] needs a \"name\""),
        (#"{"op":"init","space":[{"name":"a","type":"flaot","low":0,"high":1}]}"#, "did you mean 'float'?"),
        (#"{"op":"init","space":[{"name":"a","type":"float","low":2,"high":1}]}"#, "a.min: must be less than max"),
        (#"{"op":"init","space":[{"name":"a","value":1},{"name":"a","value":2}]}"#, "two parameters named 'a'"),
        (#"{"op":"init","space":[],"direction":"up"}"#, "\"direction\" must be"),
        (#"{"op":"init","space":[{"name":"a","value":1}],"method":"bays"}"#, "did you mean 'bayes'?"),
        (#"{"op":"init","space":[{"name":"a","value":1}],"seed":-1}"#, "\"seed\" must be a whole number"),
        (#"{"op":"init","space":[{"name":"a","value":1,"condition":{"in":[1]}}]}"#, "the condition of 'a'"),
        (#"{"op":"init","space":[{"name":"a","type":"int","low":2,"high":2,"condition":5}]}"#, "the condition of 'a'"),
        (#"{"op":"init","space":[{"name":"a","type":"int","low":1.5,"high":1.5}]}"#, "'a' is an integer"),
        (#"{"op":"init","space":[{"name":"a","type":"float","low":-1,"high":-1,"log":true}]}"#, "logarithmic scale"),
        (#"{"op":"init","space":[{"name":"a","type":"float","low":null,"high":null}]}"#, "a"),
        (#"{"op":"init","space":[{"name":"a","type":"float","min":0,"high":1}]}"#, "\"min\" is written \"low\""),
        (#"{"op":"init","space":[{"name":"a","type":5}]}"#, "the type of 'a'"),
        (#"{"op":"init","space":[{"name":"a","type":"int","distribution":"normal"}]}"#, "write one of them"),
        (#"{"op":"init","space":[{"name":"a","value":1}],"method":["bayes"]}"#, "\"method\" must be a name"),
    ])
    func mistakesBeforeTheStart(_ line: String, _ expected: String) throws {
        let answer = talk([line])[0]
        #expect(try JSONValue.parse(answer)["error"]?.stringValue?.contains(expected) == true, "\(answer)")
    }

    @Test(arguments: [
        (#"{"op":"tell","id":7,"value":1}"#, "trial 7 was never asked"),
        (#"{"op":"tell","value":1}"#, "needs an \"id\""),
        (#"{"op":"tell","id":0}"#, "needs a \"value\""), (#"{"op":"tell","id":0,"value":"high"}"#, "needs a \"value\""),
        (#"{"op":"tell","id":0,"value":1,"failed":true}"#, "a failed trial has no"),
        (#"{"op":"tell","id":0,"failed":1}"#, "must be true or false"), (#"{"op":"ask","n":0}"#, "from 1 to 10000"),
        (#"{"op":"tell","id":-1,"value":1}"#, "\"id\" must be a whole number"),
        (#"{"op":"load","trials":[{"params":{"lr":0.01,"kind":"a","w":0},"value":1},{"params":{}}]}"#, "trials[1]"),
        (#"{"op":"load","trials":[{"value":1}]}"#, "trials[0]: params must be an object"),
    ])
    func mistakesLeaveTheConversationAsItWas(_ line: String, _ expected: String) throws {
        let plain = talk([Self.start, #"{"op":"ask","n":2}"#, #"{"op":"tell","id":0,"value":1}"#, #"{"op":"ask"}"#])
        let answers = talk([
            Self.start, #"{"op":"ask","n":2}"#, line, #"{"op":"tell","id":0,"value":1}"#, line, #"{"op":"ask"}"#,
        ])
        #expect(try JSONValue.parse(answers[2])["error"]?.stringValue?.contains(expected) == true, "\(answers[2])")
        #expect([0, 1, 3, 5].map { answers[$0] } == plain)
    }

    /// What the manual shows is what the program prints; a model's numbers may be another processor's.
    @Test func theManualsConversationsAreReal() throws {
        let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().appending(path: "../..").standardized
        let manual = try String(contentsOf: root.appending(path: "Docs/search.md"), encoding: .utf8)
        let lines = manual.split(separator: "\n").map(String.init)
        var exchanges: [(request: String, answer: String)] = []
        for (line, next) in zip(lines, lines.dropFirst()) where line.hasPrefix("> {") {
            exchanges.append((String(line.dropFirst(2)), next))
        }
        let answers = talk(exchanges.map(\.request))
        #expect(exchanges.count >= 17)
        for (exchange, answer) in zip(exchanges, answers) where !exchange.answer.hasPrefix(#"{"trials""#) {
            #expect(answer == exchange.answer, "\(exchange.request)")
        }
        let rows = lines.filter { $0.hasPrefix("| `") }
        for operation in ["init", "ask", "tell", "load", "begin", "report"] {
            #expect(rows.contains { $0.hasPrefix("| `\(operation)` |") }, "\(operation)")
        }
    }

    @Test func aTellIsFinal() {
        let answers = talk([
            Self.start, #"{"op":"ask"}"#, #"{"op":"tell","id":0,"value":1}"#, #"{"op":"tell","id":0,"value":2}"#,
        ])
        #expect(answers[3].contains("a tell is final"))
    }

    @Test func aStopperJudgesReports() throws {
        let start =
            #"{"op":"init","space":[{"name":"x","type":"float","low":0,"high":1}],"seed":1,"method":"bayes","stopper":"asha","max_steps":27}"#
        var lines = [start]
        // .50 goes on, .60 stops, .40 goes on, .45 stops: the reference's vector.
        for (id, loss) in [0.5, 0.6, 0.4, 0.45].enumerated() {
            lines += [
                #"{"op":"begin","params":{"x":0.\#(id + 1)}}"#,
                #"{"op":"report","id":\#(id),"step":1,"value":\#(loss)}"#,
            ]
        }
        lines += [#"{"op":"tell","id":1,"value":0.6}"#, #"{"op":"ask"}"#]
        let answers = talk(lines)
        #expect(answers[1] == #"{"id":0}"# && answers[7] == #"{"id":3}"#)
        let stops = [2, 4, 6, 8].map { answers[$0].hasPrefix(#"{"stop":true,"reason":"asha"#) }
        #expect(stops == [false, true, false, true], "\(answers)")
        #expect(answers[2] == #"{"stop":false}"# && answers[9] == #"{"ok":true}"#)
        #expect(try trials(answers[10]).first?["id"]?.integerValue == 4)
    }

    @Test func autoBeginsAtTheStepThatIsNamed() {
        let start =
            #"{"op":"init","space":[{"name":"x","type":"float","low":0,"high":1}],"stopper":{"type":"auto","min_step":5},"max_steps":50}"#
        let reports = [(1, 4, 0.1), (0, 1, 0.5), (1, 5, 9), (0, 5, 0.4)]
        let answers = talk(
            [start] + (0..<2).map { #"{"op":"begin","params":{"x":0.\#($0 + 1)}}"# }
                + reports.map { #"{"op":"report","id":\#($0.0),"step":\#($0.1),"value":\#($0.2)}"# }
                + [#"{"op":"begin","params":{"x":0.3}}"#, #"{"op":"report","id":2,"step":5,"value":8}"#])
        #expect(answers[3...6].allSatisfy { $0 == #"{"stop":false}"# }, "\(answers)")
        #expect(answers[8].contains("at step 5 is worse than 0.4"), "\(answers)")
    }

    @Test(arguments: [
        (#"{"op":"report","id":0,"step":1,"value":0.5}"#, "step 1 of trial 0 comes after step 2"),
        (#"{"op":"report","id":7,"step":1,"value":0.5}"#, "never asked"),
        (#"{"op":"report","id":0,"value":0.5}"#, "needs a \"step\""),
        (#"{"op":"report","id":0,"step":3}"#, "needs a \"value\""),
        (#"{"op":"begin","params":{"y":1}}"#, "y"),
    ])
    func aWrongReportIsRefusedAndTheConversationGoesOn(request: String, part: String) throws {
        let start =
            #"{"op":"init","space":[{"name":"x","type":"float","low":0,"high":1}],"stopper":"median","max_steps":9}"#
        let answers = talk([
            start, #"{"op":"begin","params":{"x":0.5}}"#, #"{"op":"report","id":0,"step":2,"value":1}"#, request,
            #"{"op":"report","id":0,"step":3,"value":NaN}"#, #"{"op":"tell","id":0,"failed":true}"#,
        ])
        let error = try #require(try JSONValue.parse(answers[3])["error"]?.stringValue)
        #expect(error.contains(part), "\(error)")
        #expect(answers[4].hasPrefix(#"{"stop":true"#) && answers[5] == #"{"ok":true}"#, "\(answers)")
    }

    @Test(arguments: [
        (#""stopper":"ashaa""#, "did you mean 'asha'"), (#""stopper":"curve""#, "max_step"), (#""stopper":3"#, "name"),
        (#""stopper":{"type":"asha","control":0.1}"#, "stopper.control: only a sweep has controls"),
        (#""stopper":{"type":"asha","variant":"promotion"}"#, #"use "variant":"stopping""#),
    ])
    func aWrongStopperIsRefused(member: String, part: String) throws {
        let answers = talk([#"{"op":"init","space":[{"name":"x","type":"float","low":0,"high":1}],\#(member)}"#])
        let error = try #require(try JSONValue.parse(answers[0])["error"]?.stringValue)
        #expect(error.contains(part), "\(error)")
    }
}
