// SPDX-License-Identifier: MIT

import SweepModel
import Testing

@Suite struct SweepFileErrorTests {
    @Test(arguments: [
        ("", "sweep.yaml:1: the file is empty; a sweep needs method, metric and parameters"),
        ("# nothing", "sweep.yaml:1: the file is empty; a sweep needs method, metric and parameters"),
        ("- a", "sweep.yaml:1: the file must be a mapping of keys such as method and parameters, found a list"),
        (
            "a: [1,\nb: 2",
            "sweep.yaml:3: not valid YAML: while parsing a flow sequence, did not find expected ',' or ']'"
        ),
        ("a: 1\n b: 2", "sweep.yaml:2: not valid YAML: mapping values are not allowed in this context"),
        (
            "a: 1\n\tb: 2",
            "sweep.yaml:2: not valid YAML: while scanning a plain scalar, found a tab character that violates indentation"
        ),
        ("a: \"x", "sweep.yaml:1: not valid YAML: while scanning a quoted scalar, found unexpected end of stream"),
        ("a: 1\na: 2", "sweep.yaml:1: the key 'a' appears twice"),
        ("a: 1\nb:\n  c: 1\n  'c': 2", "sweep.yaml:3: the key 'c' appears twice"),
        ("a: 1\n---\nb: 2", "sweep.yaml:2: a second document starts here; a sweep file has one"),
        (
            "a: !!python/object:os.system x",
            "sweep.yaml:1: a: the tag 'tag:yaml.org,2002:python/object:os.system' is not accepted; only !!float, !!int, !!str, !!bool and !!null"
        ),
        (
            "a: !custom [1]",
            "sweep.yaml:1: a: the tag '!custom' is not accepted; only !!float, !!int, !!str, !!bool and !!null"
        ),
        ("a: !!int x", "sweep.yaml:1: a: 'x' is not what its tag says"),
        ("a: *b", "sweep.yaml:1: a: the alias '*b' has no anchor '&b' before it"),
        ("a:\n  - *.py", "sweep.yaml:2: a[0]: '*.py' starts with '*', which YAML takes for an alias; quote it"),
        ("a: &a [*a]", "sweep.yaml:1: a[0]: the anchor 'a' contains itself"),
        ("[a, b]: 1", "sweep.yaml:1: a key must be a word, not a list or a mapping"),
        ("<<: 1", "sweep.yaml:1: <<: '<<' merges mappings, found 1"),
        ("a: \u{1}", "sweep.yaml:1: not valid YAML: control characters are not allowed"),
    ])
    func notYAML(_ text: String, _ expected: String) {
        #expect(errors(in: text) == [expected])
    }

    @Test(arguments: [
        ("method: custom", "sweep.yaml:1: method: 'custom' is not available yet in this version; use bayes or auto"),
        (
            "method: soboll",
            "sweep.yaml:1: method: must be grid, random, sobol, bayes, tpe or auto, found 'soboll'; did you mean 'sobol'?"
        ),
        ("method: 3", "sweep.yaml:1: method: must be grid, random, sobol, bayes, tpe or auto, found '3'"),
        ("metric: loss", "sweep.yaml:2: metric: must be a mapping; write metric: {name: loss}"),
        ("metric: {goal: minimize}", "sweep.yaml:2: metric.name: is missing"),
        ("metric: {nam: loss}", "sweep.yaml:2: metric.name: is missing; did you mean 'name' where you wrote 'nam'?"),
        (
            "metric: {name: a, goal: minimise}",
            "sweep.yaml:2: metric.goal: must be minimize or maximize, found 'minimise'; did you mean 'minimize'?"
        ),
        ("metric: {name: a, target: low}", "sweep.yaml:2: metric.target: must be a number, found the text 'low'"),
        (
            "metric: {name: a, summary: worst}",
            "sweep.yaml:2: metric.summary: must be best, last or mean, found 'worst'"
        ),
        (
            "metric: {name: a, pattern: ''}",
            "sweep.yaml:2: metric.pattern: must be a regular expression in quotes, found the text ''"
        ),
        (
            "parameters: {}",
            "sweep.yaml:3: parameters: must be a mapping with at least one parameter, found an empty mapping"
        ),
        ("parameters: {x: 3}", "sweep.yaml:3: parameters.x: must be a mapping, found 3; write {value: 3}"),
        ("parameters: {x: [1]}", "sweep.yaml:3: parameters.x: must be a mapping, found a list; write {values: […]}"),
        (
            "parameters: {1x: {value: 1}}",
            "sweep.yaml:3: parameters.1x: a parameter's name starts with a letter or '_' and has only letters, digits, '_', '.' and '-'"
        ),
        (
            "parameters: {a.b: {value: 1}, a: {parameters: {b: {value: 1}}}}",
            "sweep.yaml:3: parameters.a.parameters.b: another parameter is named 'a.b' too"
        ),
        ("trials: 0", "sweep.yaml:4: trials: must be 1 to 1000000000, found 0"),
        ("trials: many", "sweep.yaml:4: trials: must be a whole number, found the text 'many'"),
        ("run_cap: 9", "sweep.yaml:6: run_cap: means the same as trials, and 9 is not 10; keep one of the two"),
        ("seed: -1", "sweep.yaml:6: seed: must be a whole number from 0 to 18446744073709551615, found -1"),
        ("seed: 1.5", "sweep.yaml:6: seed: must be a whole number from 0 to 18446744073709551615, found 1.5"),
        (
            "command: python train.py",
            "sweep.yaml:5: command: must be a list of words, found the text 'python train.py'; as in [\"${interpreter}\", train.py, \"${args}\"]"
        ),
        (
            "command: []",
            "sweep.yaml:5: command: must be a list of words, found an empty list; as in [\"${interpreter}\", train.py, \"${args}\"]"
        ),
        ("command: [a, [b]]", "sweep.yaml:5: command[1]: must be a word, found a list"),
        (
            "command: [\"${program}\"]",
            "sweep.yaml:5: command[0]: '${program}' needs the key program; add program: train.py, say"
        ),
        ("program: [a]", "sweep.yaml:6: program: must be a text, found a list"),
        ("name: ''", "sweep.yaml:6: name: must be a text on one line, not empty and without control characters"),
        ("workers: 0", "sweep.yaml:6: workers: must be 1 to 4096, found 0"),
        ("retries: -1", "sweep.yaml:6: retries: must be 0 to 1000, found -1"),
        ("repeats: 0", "sweep.yaml:6: repeats: must be 1 to 1000, found 0"),
        ("order: fine", "sweep.yaml:6: order: must be coarse or wandb, found 'fine'"),
        ("grace: 0", "sweep.yaml:6: grace: must be a positive duration such as 90, 90s, 10m, 2h or 1d, found 0"),
        (
            "grace: 3 fortnights",
            "sweep.yaml:6: grace: must be a positive duration such as 90, 90s, 10m, 2h or 1d, found the text '3 fortnights'"
        ),
        (
            "limits: 3",
            "sweep.yaml:6: limits: must be a mapping of trial, sweep, memory, steps and no_improvement, found 3"
        ),
        (
            "limits: {trial: -1}",
            "sweep.yaml:6: limits.trial: must be a positive duration such as 90, 90s, 10m, 2h or 1d, found -1"
        ),
        (
            "limits: {memory: 8}",
            "sweep.yaml:6: limits.memory: must be at least 1 MiB, found 8 bytes; add a unit, as in 8GiB"
        ),
        (
            "limits: {memory: 8GX}",
            "sweep.yaml:6: limits.memory: must be a size such as 8GiB, 500MB or 1.5G, found the text '8GX'"
        ),
        ("limits: {steps: 0}", "sweep.yaml:6: limits.steps: must be at least 1, found 0"),
        ("metrics: []", "sweep.yaml:6: metrics: several objectives are not available in this version; use metric"),
        (
            "early_terminate: 3",
            "sweep.yaml:6: early_terminate: must be a mapping such as {type: asha, max_step: 50}, found 3"
        ),
        ("early_terminate: {min_iter: 3}", "sweep.yaml:6: early_terminate.type: is missing"),
        (
            "early_terminate: {type: hyperbnd}",
            "sweep.yaml:6: early_terminate.type: must be hyperband, asha, median, percentile, patience, threshold, async_hyperband, wilcoxon, curve or auto, found 'hyperbnd'; did you mean 'hyperband'?"
        ),
        (
            "early_terminate: {type: asha, max_step: 0}",
            "sweep.yaml:6: early_terminate.max_step: must be at least 1, found 0"
        ),
    ])
    func oneWrongKey(_ replacement: String, _ expected: String) {
        #expect(errors(in: sweep(with: replacement)) == [expected])
    }

    @Test(arguments: [
        ("method", "method: is missing"), ("metric", "metric: is missing"), ("parameters", "parameters: is missing"),
    ])
    func requiredKeys(_ key: String, _ expected: String) {
        #expect(errors(in: sweep(without: key)) == ["sweep.yaml:1: \(expected)"])
        let slip = sweep(without: key) + "\n\(key.dropLast())x: 1"
        #expect(
            errors(in: slip) == [
                "sweep.yaml:5: \(expected); did you mean '\(key)' where you wrote '\(key.dropLast())x'?"
            ])
    }

    @Test func allErrorsComeAtOnceInTheOrderOfLines() {
        let text = """
            method: custom
            metric: {name: loss, goal: up}
            trials: 0
            parameters:
              lr: {min: 1.0, max: 0.5}
              layers: {vals: [1]}
              momentum: {min: 0.0, max: 0.9, when: {optimiser: sgd}}
              optimizer: {values: [sgd, adam]}
            limits: {trial: x, memory: y}
            command: train
            """
        let found = errors(in: text).map { $0.prefix { $0 != " " } }
        #expect(found == [1, 2, 3, 5, 6, 7, 9, 9, 10].map { "sweep.yaml:\($0):" })
    }

    @Test func manyErrorsAreCapped() {
        let keys = (0..<600).map { "p\($0): {min: 2, max: 1, when: {nothing\($0): 1}}" }.joined(separator: "\n")
        #expect(errors(in: parameters(keys)).count == 100)
    }

    private func sweep(with line: String) -> String {
        let key = line.prefix { $0 != ":" }
        var lines = base
        if let index = lines.firstIndex(where: { $0.hasPrefix("\(key):") }) {
            lines[index] = line
        } else {
            lines.append(line)
        }
        return lines.joined(separator: "\n")
    }

    private func sweep(without key: String) -> String {
        base.filter { !$0.hasPrefix(key + ":") }.joined(separator: "\n")
    }

    private let base = [
        "method: random", "metric: {name: loss}", "parameters: {x: {value: 1}}", "trials: 10", "command: [a]",
    ]

    @Test(arguments: [
        (#"epoch (?<step>\d+ a=(?<a>\S+)"#, "is no regular expression: missing closing parenthesis (at byte 29)"),
        (#"a=(?:\S+)"#, #"must name a group for each metric, such as 'loss=(?<loss>\S+)'"#),
        (
            "a=(?<a>.)" + String(repeating: "(", count: 1000),
            "is no regular expression: parentheses are too deeply nested (at byte 260)"
        ),
        (String(repeating: "a|", count: 2049), "is no regular expression: it has more than 4096 bytes"),
    ])
    func `a pattern is checked where a user writes it, and taken as it is where it is stored`(
        _ pattern: String, _ expected: String
    ) {
        let text = """
            method: random
            metric: {name: a, pattern: '\(pattern)'}
            parameters: {x: {min: 0.0, max: 1.0}}
            command: [a]
            """
        #expect(
            errors(in: text, overrides: .init(checksPattern: true)) == ["sweep.yaml:2: metric.pattern: \(expected)"])
        #expect(errors(in: text).isEmpty)
    }

    @Test(arguments: [
        #"a=(?<a>\S+)"#, #"a=(?P<a>\S+)"#, #"^(?<name>\w+)=(?<value>\S+)"#, #"(?<=a=)(?<a>\S+)"#,
        // A set of brackets: Swift's engine took each for a set within it.
        "(?<a>[[[[[[])",
    ])
    func `good patterns`(_ pattern: String) {
        let text = """
            method: random
            metric: {name: a, pattern: '\(pattern)'}
            parameters: {x: {min: 0.0, max: 1.0}}
            command: [a]
            """
        #expect(errors(in: text, overrides: .init(checksPattern: true)).isEmpty)
    }
}
