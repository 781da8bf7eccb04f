// SPDX-License-Identifier: MIT

import ArgumentParser
import SweepModel

struct Optimize: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Propose configurations to a program of yours: JSON lines in, JSON lines out.",
        discussion: """
            One request a line on standard input, one answer a line on standard output, in order. What was asked and not \
            yet told is pending, and later proposals take it into account. Nothing is stored: for a sweep that survives \
            its caller see ask and tell. An error is one line {"error": "..."}, and the conversation goes on.

            Example:
              sweepd optimize --stdio <<'END'
              {"op":"init","space":[{"name":"lr","type":"float","low":1e-5,"high":0.1,"log":true}],"seed":1}
              {"op":"ask"}
              {"op":"tell","id":0,"value":0.5}
              {"op":"ask"}
              END
            """)

    @Flag(name: .customLong("stdio"), help: "Talk over standard input and output (the only way there is).")
    var isOverStandardStreams = false

    @Option(help: "The method when init names none: bayes, tpe, auto, sobol, random or grid.")
    var method: String = SweepDefinition.Method.bayes.rawValue

    func validate() throws {
        guard isOverStandardStreams else { throw ValidationError("add --stdio: requests are read from standard input") }
        let methods = SweepDefinition.Method.allCases.map(\.rawValue)
        guard methods.contains(method) else {
            let hint = nearestWord(to: method, in: methods).map { "; did you mean '\($0)'?" } ?? ""
            throw ValidationError("there is no method '\(method)'\(hint)")
        }
    }

    func run() throws {
        var session = OptimizeSession(method: method)
        while let line = readLine() {
            if line.allSatisfy(\.isWhitespace) { continue }
            Terminal.line(session.answer(line))
        }
    }
}
