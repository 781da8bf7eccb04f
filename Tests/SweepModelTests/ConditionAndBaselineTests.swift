// SPDX-License-Identifier: MIT

import SweepModel
import Testing

@Suite struct ConditionTests {
    @Test(arguments: [
        (
            "x: {value: 1, when: {optimiser: sgd}}\noptimizer: {values: [sgd]}", 5,
            "parameters.x.when.optimiser: names no parameter; did you mean 'optimizer'?"
        ),
        ("x: {value: 1, when: {x: 1}}", 5, "parameters.x.when.x: a parameter cannot depend on itself"),
        ("x: {value: 1, when: 3}", 5, "parameters.x.when: must be a mapping such as {optimizer: sgd}, found 3"),
        (
            "x: {value: 1, when: {y: []}}\ny: {values: [a]}", 5,
            "parameters.x.when.y: must name at least one value of 'y'"
        ),
        (
            "x: {value: 1, when: {y: sdg}}\ny: {values: [sgd, adam]}", 5,
            "parameters.x.when.y: 'y' never has the value the text 'sdg'; it has sgd or adam; did you mean 'sgd'?"
        ),
        (
            "x: {value: 1, when: {y: [a, 2]}}\ny: {values: [a, b]}", 5,
            "parameters.x.when.y[1]: 'y' never has the value 2; it has a or b"
        ),
        (
            "x: {value: 1, when: {y: 4}}\ny: {min: 1, max: 3}", 5,
            "parameters.x.when.y: 'y' is an integer from 1 to 3, never 4"
        ),
        (
            "x: {value: 1, when: {y: 2}}\ny: {min: 1, max: 9, step: 4}", 5,
            "parameters.x.when.y: 'y' is an integer from 1 to 9 in steps of 4, never 2"
        ),
        (
            "x: {value: 1, when: {y: 0.5}}\ny: {min: 0.0, max: 1.0}", 5,
            "parameters.x.when.y: 'y' is a range of floats; a condition needs a parent with values or integers"
        ),
        (
            "a: {values: [1], when: {c: 1}}\nb: {values: [1], when: {a: 1}}\nc: {values: [1], when: {b: 1}}", 5,
            "parameters.a: its conditions go round in a circle: a → c → b → a"
        ),
        (
            "b: {when: {y: 1}, parameters: {x: {value: 1, when: {y: 2}}}}\ny: {values: [1, 2]}", 5,
            "parameters.b.parameters.x.when.y: can never hold together with the condition of the block around it"
        ),
    ])
    func refuses(_ body: String, _ line: Int, _ expected: String) {
        #expect(errors(in: parameters(body)) == ["sweep.yaml:\(line): \(expected)"])
    }

    @Test func parentsComeFirst() throws {
        let body =
            "c: {value: 1, when: {b: 1.0}}\nb: {values: [1, 2], when: {a: [true]}}\na: {values: [true, false]}\nd: {value: 0}"
        let space = try read(parameters(body)).definition.space
        #expect(space.parameters.map(\.name) == ["a", "b", "c", "d"])
        #expect(space.parameters[2].conditions == [.init("b", in: [.integer(1)])])
    }

    @Test func blocksPassTheirConditionsOn() throws {
        let space = try read(Fixtures.conditions).definition.space
        let byName = Dictionary(uniqueKeysWithValues: space.parameters.map { ($0.name, $0.conditions) })
        #expect(
            byName["schedule.gamma"] == [
                .init("use_schedule", in: [.bool(true)]), .init("schedule.kind", in: [.string("step")]),
            ])
        #expect(
            byName["schedule.inner.x"] == [
                .init("use_schedule", in: [.bool(true)]), .init("schedule.inner.kind", in: [.integer(1)]),
            ])
        #expect(byName["decay"]?.map(\.parent) == ["schedule.kind", "layers"])
    }

    @Test func aLongChainIsNoProblem() throws {
        let chain = (0..<600).map { "p\($0): {values: [1], when: {p\($0 + 1): 1}}" } + ["p600: {values: [1]}"]
        let space = try read(parameters(chain.joined(separator: "\n"))).definition.space
        #expect(space.parameters.first?.name == "p600")
        #expect(space.parameters.last?.name == "p0")
    }
}

@Suite struct BaselineTests {
    private static let space = """
        lr: {distribution: log_uniform_values, min: 1e-4, max: 1}
        opt: {values: [sgd, adam]}
        momentum: {min: 0.0, max: 0.9, when: {opt: sgd}}
        layers: {min: 1, max: 9, step: 4}
        fixed: {value: 3}
        """

    @Test(arguments: [
        ("{lr: 1, opt: adam, layers: 5}", [JSONValue.number(1), .string("adam"), .integer(5), .integer(3)]),
        (
            "{layers: 1.0, fixed: 3.0, opt: sgd, momentum: 0, lr: 1e-4}",
            [.number(1e-4), .string("sgd"), .number(0), .integer(1), .integer(3)]
        ),
    ])
    func reads(_ written: String, _ values: [JSONValue]) throws {
        for baseline in [written, "[\(written)]"] {
            let file = try read(parameters(Self.space, rest: "baseline: \(baseline)"))
            #expect(file.definition.baselines.map { $0.entries.map(\.value) } == [values])
            #expect(try read(file.definition.canonicalText).definition == file.definition)
        }
    }

    @Test(arguments: [
        ("{lr: 1, layers: 1}", "baseline.opt: is missing"),
        ("[{lr: 1, opt: sgd, layers: 1}]", "baseline[0].momentum: is missing"),
        (
            "{lr: 1, opt: adam, momentum: 0.5, layers: 1}",
            "baseline.momentum: is not active here: it applies when opt is sgd"
        ),
        ("{lr: 2, opt: adam, layers: 1}", "baseline.lr: must be 0.0001 to 1.0, found 2"),
        ("{lr: a, opt: adam, layers: 1}", "baseline.lr: must be a number, found the text 'a'"),
        (
            "{lr: 1, opt: adm, layers: 1}",
            "baseline.opt: must be sgd or adam, found the text 'adm'; did you mean 'adam'?"
        ),
        ("{lr: 1, opt: adam, layers: 2}", "baseline.layers: must be 1 plus a multiple of the step 4, found 2"),
        ("{lr: 1, opt: adam, layers: 1, fixed: 4}", "baseline.fixed: must be 3, found 4"),
        ("{lr: 1, opt: adam, layers: 1, lrr: 4}", "baseline.lrr: names no parameter; did you mean 'lr'?"),
        ("3", "baseline: must be a configuration or a list of them, such as [{lr: 0.01}], found 3"),
        ("[3]", "baseline[0]: must be a mapping of parameters to values, found 3"),
    ])
    func refuses(_ written: String, _ expected: String) {
        #expect(errors(in: parameters(Self.space, rest: "baseline: \(written)")) == ["sweep.yaml:11: \(expected)"])
    }

    @Test(arguments: [
        ("distribution: q_uniform, min: 0, max: 10, q: 4", "12", JSONValue.integer(12)),
        ("distribution: q_uniform, min: 0, max: 10", "3", .number(3)),
        ("distribution: normal", "-40", .number(-40)), ("distribution: log_normal", "0.1", .number(0.1)),
        ("distribution: beta", "1", .number(1)),
        ("values: [[1, 2], {a: 1}]", "[1, 2]", .array([.integer(1), .integer(2)])),
    ])
    func everyDistributionChecksItsOwn(_ form: String, _ written: String, _ value: JSONValue) throws {
        let file = try read(parameters("x: {\(form)}", rest: "baseline: {x: \(written)}"))
        #expect(file.definition.baselines == [Configuration([.init("x", value)])])
    }
}
