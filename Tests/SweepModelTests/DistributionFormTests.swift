// SPDX-License-Identifier: MIT

import SweepModel
import Testing

private typealias Case = (form: String, distribution: Distribution)

private func real(_ law: Distribution.Law, _ quantum: Distribution.Quantum? = nil) -> Distribution {
    .real(law: law, quantum: quantum)
}

private func values(_ values: [JSONValue], _ probabilities: [Double] = [], ordinal: Bool = false) -> Distribution {
    .categorical(values: values, probabilities: probabilities, ordinal: ordinal)
}

private let floats: Distribution.Quantum = .wandb(q: 1, integers: false)

@Suite struct DistributionFormTests {
    @Test(
        arguments: [
            ("value: 3", .constant(.integer(3))), ("value: 3.0", .constant(.number(3))),
            ("value: adam", .constant(.string("adam"))),
            ("value: null", .constant(.null)), ("value: [1, 2]", .constant(.array([.integer(1), .integer(2)]))),
            ("value: {a: 1}", .constant(.object([.init("a", .integer(1))]))),
            ("distribution: constant, value: true", .constant(.bool(true))),
            ("values: [1, 2.5, a, true, null]", values([.integer(1), .number(2.5), .string("a"), .bool(true), .null])),
            ("distribution: categorical, values: [a]", values([.string("a")])),
            ("values: [a, b], ordinal: true", values([.string("a"), .string("b")], ordinal: true)),
            ("values: [a, b], probabilities: [0.25, 0.75]", values([.string("a"), .string("b")], [0.25, 0.75])),
            (
                "distribution: categorical_w_probabilities, values: [a, b], probabilities: [1, 0]",
                values([.string("a"), .string("b")], [1, 0])
            ),
            (
                "distribution: categorical, values: [a, b], probabilities: [0.5, 0.5]",
                values([.string("a"), .string("b")], [0.5, 0.5])
            ),
            ("values: [1e-5, 1e-4]", values([.number(1e-5), .number(1e-4)])),
            ("values: ['1e-5']", values([.string("1e-5")])),
            ("min: 1, max: 8", .integer(low: 1, high: 8, step: 1, log: false)),
            ("min: 1, max: 8, step: 2", .integer(low: 1, high: 8, step: 2, log: false)),
            ("min: 8, max: 256, log: true", .integer(low: 8, high: 256, step: 1, log: true)),
            ("distribution: int_uniform, min: 1.0, max: 8", .integer(low: 1, high: 8, step: 1, log: false)),
            ("distribution: int_uniform, min: 0, max: 1", .integer(low: 0, high: 1, step: 1, log: false)),
            ("min: 0.0, max: 1", real(.uniform(low: 0, high: 1))),
            ("min: 0, max: 1.5", real(.uniform(low: 0, high: 1.5))),
            ("min: 1e-5, max: 1", real(.uniform(low: 1e-5, high: 1))),
            ("min: !!float 1e-5, max: !!float 1", real(.uniform(low: 1e-5, high: 1))),
            ("distribution: uniform, min: 0, max: 1", real(.uniform(low: 0, high: 1))),
            ("min: 0.0, max: 1.0, step: 0.25", real(.uniform(low: 0, high: 1), .step(0.25))),
            ("min: 1e-5, max: 1.0, log: true", real(.logUniform(low: 1e-5, high: 1))),
            ("min: 0.5, max: 1.0, log: false", real(.uniform(low: 0.5, high: 1))),
            ("distribution: q_uniform, min: 0, max: 10", real(.uniform(low: 0, high: 10), floats)),
            (
                "distribution: q_uniform, min: 0, max: 10, q: 2",
                real(.uniform(low: 0, high: 10), .wandb(q: 2, integers: true))
            ),
            (
                "distribution: q_uniform, min: 0, max: 10, q: 2.0",
                real(.uniform(low: 0, high: 10), .wandb(q: 2, integers: false))
            ),
            ("distribution: log_uniform, min: 0, max: 1", real(.logUniform(low: 1, high: 2.718281828459045))),
            ("distribution: log_uniform_values, min: 1e-4, max: 1", real(.logUniform(low: 1e-4, high: 1))),
            (
                "distribution: log_uniform_values, min: 1, max: 100, step: 1",
                real(.logUniform(low: 1, high: 100), .step(1))
            ),
            (
                "distribution: q_log_uniform, min: 0, max: 1, q: 1",
                real(.logUniform(low: 1, high: 2.718281828459045), .wandb(q: 1, integers: true))
            ),
            ("distribution: q_log_uniform_values, min: 1, max: 100", real(.logUniform(low: 1, high: 100), floats)),
            (
                "distribution: inv_log_uniform, min: 0, max: 1",
                real(.inverseLogUniform(low: 0.36787944117144233, high: 1))
            ),
            ("distribution: inv_log_uniform_values, min: 0.1, max: 1", real(.inverseLogUniform(low: 0.1, high: 1))),
            ("distribution: normal", real(.normal(mean: 0, deviation: 1))),
            ("distribution: normal, mu: 3, sigma: 0.5", real(.normal(mean: 3, deviation: 0.5))),
            (
                "distribution: q_normal, mu: 3, q: 0.5",
                real(.normal(mean: 3, deviation: 1), .wandb(q: 0.5, integers: false))
            ),
            ("distribution: log_normal, sigma: 2", real(.logNormal(mean: 0, deviation: 2))),
            ("distribution: q_log_normal", real(.logNormal(mean: 0, deviation: 1), floats)),
            ("distribution: beta", real(.beta(a: 1, b: 1))),
            ("distribution: beta, a: 2, b: 5.5", real(.beta(a: 2, b: 5.5))),
            ("distribution: q_beta, a: 2, q: 0.1", real(.beta(a: 2, b: 1), .wandb(q: 0.1, integers: false))),
        ] as [Case])
    func reads(_ form: String, _ distribution: Distribution) throws {
        let file = try read(oneParameter(form))
        #expect(file.definition.space.parameters == [Parameter("x", distribution)])
        let again = try read(file.definition.canonicalText)
        #expect(again.definition == file.definition)
    }

    @Test(arguments: [
        ("min: 2, max: 1", "parameters.x.min: must be less than max (2 is not less than 1)"),
        ("min: 1.0, max: 0.5", "parameters.x.min: must be less than max (1.0 is not less than 0.5)"),
        ("min: 1, max: 1", "parameters.x.min: must be less than max (1 is not less than 1)"),
        ("min: 1", "parameters.x.max: is missing"),
        ("min: 1, mx: 2", "parameters.x.max: is missing; did you mean 'max' where you wrote 'mx'?"),
        ("min: '1', max: 2", "parameters.x.min: must be a number, found the quoted text '1'; remove the quotes"),
        ("min: a, max: 2", "parameters.x.min: must be a number, found the text 'a'"),
        ("min: .nan, max: 2", "parameters.x.min: must be a finite number, found .nan"),
        ("min: 1, max: 1e999", "parameters.x.max: must be a finite number, found 1e999"),
        ("min: -1e308, max: 1e308", "parameters.x.min: the range from min to max is wider than a float can hold"),
        ("min: -9223372036854775808, max: 1", "parameters.x.min: the range from min to max is wider than 64 bits"),
        ("min: 0, max: 9, log: true", "parameters.x.min: must be at least 1 with log: true, found 0"),
        ("min: 0.0, max: 9.0, log: true", "parameters.x.min: must be greater than 0 on a logarithmic scale, found 0.0"),
        ("min: 1, max: 9, log: maybe", "parameters.x.log: must be true or false, found the text 'maybe'"),
        ("min: 1, max: 9, step: 0", "parameters.x.step: must be at least 1, found 0"),
        ("min: 1, max: 9, step: 0.5", "parameters.x.step: must be a whole number, found 0.5"),
        ("min: 1, max: 9, step: 20", "parameters.x.step: must be at most max - min (20 is more than 8)"),
        (
            "min: 0.0, max: 1.0, step: 2",
            "parameters.x.step: must be greater than 0 and at most max - min (1.0), found 2"
        ),
        ("min: 0.0, max: 1.0, step: 1e-300", "parameters.x.step: is too small for the range; leave it out"),
        (
            "distribution: log_uniform_values, min: -1, max: 1",
            "parameters.x.min: must be greater than 0 on a logarithmic scale, found -1.0"
        ),
        (
            "distribution: log_uniform, min: 0, max: 1000",
            "parameters.x: min and max are exponents of e here, and these are out of range; log_uniform_values takes the values themselves"
        ),
        ("distribution: q_uniform, min: 0, max: 1, q: 0", "parameters.x.q: must be greater than 0, found 0"),
        ("distribution: normal, sigma: -1", "parameters.x.sigma: must not be negative, found -1"),
        ("distribution: beta, a: 0", "parameters.x.a: must be greater than 0, found 0"),
        (
            "distribution: normal, min: 0",
            "parameters.x.min: does not apply to the distribution normal, which takes mu and sigma"
        ),
        ("mu: 0", "parameters.x.distribution: is missing; write normal, log_normal, q_normal or q_log_normal"),
        ("a: 0", "parameters.x.distribution: is missing; write beta or q_beta"),
        ("distribution: unifrom, min: 0, max: 1", "found 'unifrom'; did you mean 'uniform'?"),
        (
            "vales: [1]",
            "parameters.x.vales: the parameter has no value, values, min and max, or parameters; did you mean 'values'?"
        ),
        ("", "parameters.x: needs value, values, min and max, a distribution, or nested parameters"),
        ("values: []", "parameters.x.values: must be a list of at least one value, found an empty list"),
        ("values: 3", "parameters.x.values: must be a list of at least one value, found 3"),
        ("values: [.inf]", "parameters.x.values[0]: must be finite, found .inf; put it in quotes to pass the text"),
        (
            "values: [1, 2], probabilities: [1]",
            "parameters.x.probabilities: must have one number for each of the 2 values, found 1"
        ),
        (
            "values: [1, 2], probabilities: [0.5, 0.6]",
            "parameters.x.probabilities: must sum to 1, and these sum to 1.1"
        ),
        ("values: [1, 2], probabilities: [-1, 2]", "parameters.x.probabilities[0]: must not be negative, found -1"),
        (
            "value: 1, values: [1]",
            "parameters.x.values: does not apply to the distribution constant, which takes value"
        ),
        ("parameters: {}", "parameters.x.parameters: must be a mapping with at least one parameter, found a mapping"),
        ("parameters: {y: {value: 1}}, min: 1", "parameters.x.min: does not apply beside nested parameters"),
    ])
    func refuses(_ form: String, _ expected: String) {
        let found = errors(in: oneParameter(form))
        #expect(found.count == 1 && found[0].hasPrefix("sweep.yaml:5: ") && found[0].hasSuffix(expected), "\(found)")
    }

    @Test(arguments: [
        ("min: 0.0, max: 1.0", false), ("distribution: log_uniform_values, min: 1, max: 2", false),
        ("values: [1, 2], probabilities: [0.5, 0.5]", false), ("distribution: normal", false),
        ("distribution: q_normal", false), ("min: 0.0, max: 1.0, step: 0.1", true),
        ("distribution: q_uniform, min: 0, max: 4", true), ("min: 1, max: 3", true), ("values: [a]", true),
        ("value: 1", true), ("distribution: q_log_uniform_values, min: 1, max: 4", false),
    ])
    func gridTakesOnlyWhatItCanExhaust(_ form: String, _ isAccepted: Bool) {
        #expect(errors(in: oneParameter(form, method: "grid")).isEmpty == isAccepted)
    }

    @Test func probabilitiesAreNormalized() throws {
        let file = try read(oneParameter("values: [1, 2, 3], probabilities: [0.333, 0.333, 0.333]"))
        guard case .categorical(_, let weights, _) = file.definition.space.parameters[0].distribution else {
            Issue.record("not categorical")
            return
        }
        #expect(abs(weights.reduce(0, +) - 1) < 1e-12)
        #expect(try read(file.definition.canonicalText).definition == file.definition)
    }

    @Test func aValueGivenTwiceCountsOnce() throws {
        let file = try read(oneParameter("values: [3e6, 3000000, 1], probabilities: [0.25, 0.25, 0.5]"))
        #expect(file.definition.space.parameters[0].distribution == values([.number(3e6), .integer(1)], [0.5, 0.5]))
        #expect(
            file.warnings.map(\.description) == [
                "sweep.yaml:5: parameters.x.values[1]: 3000000 is given twice; it counts once"
            ])
    }
}
