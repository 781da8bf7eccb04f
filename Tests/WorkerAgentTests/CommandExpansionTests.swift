// SPDX-License-Identifier: MIT

import SweepModel
import Testing
import WorkerAgent

@Suite struct CommandExpansionTests {
    static let configuration = Configuration([
        .init("lr", .number(1e-05)), .init("bias", .bool(true)), .init("fast", .bool(false)),
        .init("name", .string("a b; rm")),
        .init("optimizer.kind", .string("sgd")), .init("optimizer.momentum", .number(0.9)),
    ])

    static let expansion = CommandExpansion(
        configuration: configuration, program: "train.py", interpreter: "/venv/bin/python",
        parametersFile: "/a/params.json", environment: ["HOME": "/home/u", "X_1": "one"])

    static let nested = "{'kind': 'sgd', 'momentum': 0.9}"

    @Test(arguments: [
        (["${env}", "${interpreter}", "${program}"], ["/usr/bin/env", "/venv/bin/python", "train.py"]),
        (["${args}"], ["--lr=1e-05", "--bias=True", "--fast=False", "--name=a b; rm", "--optimizer=\(nested)"]),
        (["${args_no_hyphens}"], ["lr=1e-05", "bias=True", "fast=False", "name=a b; rm", "optimizer=\(nested)"]),
        (["${args_no_boolean_flags}"], ["--lr=1e-05", "--bias", "--name=a b; rm", "--optimizer=\(nested)"]),
        (
            ["${args_no_equals}"],
            ["--lr", "1e-05", "--bias", "True", "--fast", "False", "--name", "a b; rm", "--optimizer", nested]
        ),
        (
            ["${args_json}"],
            [#"{"lr":1e-05,"bias":true,"fast":false,"name":"a b; rm","optimizer":{"kind":"sgd","momentum":0.9}}"#]
        ),
        (["${args_json_file}"], ["/a/params.json"]),
        (["--lr=${lr}", "${lr}", "x${bias}y${lr}"], ["--lr=1e-05", "1e-05", "xTruey1e-05"]),
        (["${optimizer.momentum}", "--o=${optimizer}"], ["0.9", "--o=\(nested)"]),
        (
            ["${envvar:HOME}/data", "${envvar:X_1}", "${envvar:UNSET}", "${envvar:low}x"],
            ["/home/u/data", "one", "UNSET", "${envvar:low}x"]
        ),
        (["${unknown}", "--momentum=${momentum}", "momentum=${momentum}"], []),
        (
            ["echo ${unknown} ${lr}", "a${program}", "${", "$${lr}", "${${lr}}", ""],
            ["echo ${unknown} 1e-05", "a${program}", "${", "$1e-05", "${1e-05}", ""]
        ),
        (["plain", "-x", "$(reboot)", "`id`"], ["plain", "-x", "$(reboot)", "`id`"]),
    ])
    func macros(command: [String], expected: [String]) {
        #expect(Self.expansion.words(of: command) == expected)
    }

    @Test func aCommandWithoutProgramLosesTheWord() {
        var expansion = Self.expansion
        expansion.program = nil
        #expect(expansion.words(of: ["a", "${program}"]) == ["a"])
    }

    @Test func namesThatCannotNestStayFlat() {
        let members = NestedParameters.members(
            of: Configuration([
                .init("a", .integer(1)), .init("a.b", .integer(2)), .init(".x", .integer(3)),
                .init("c.d.e", .integer(4)),
                .init("c.d.f", .integer(5)),
            ]))
        #expect(JSONValue.object(members).text == #"{"a":1,"a.b":2,".x":3,"c":{"d":{"e":4,"f":5}}}"#)
    }
}
