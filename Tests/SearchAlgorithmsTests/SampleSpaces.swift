// SPDX-License-Identifier: MIT

import SearchAlgorithms
import SweepModel
import Testing

/// Spaces of every kind, with the number of their configurations.
enum SampleSpaces {
    struct Sample: Sendable, CustomTestStringConvertible {
        let name: String
        let space: SearchSpace
        let cardinality: Int?
        var testDescription: String { name }
    }

    static func choice(_ values: JSONValue...) -> Distribution {
        .categorical(values: values, probabilities: [], ordinal: false)
    }

    static let finite: [Sample] = [
        Sample(name: "empty", space: SearchSpace([]), cardinality: 1),
        Sample(name: "constant", space: SearchSpace([Parameter("a", .constant(.integer(4)))]), cardinality: 1),
        Sample(
            name: "doubled values",
            space: SearchSpace([
                Parameter(
                    "a", choice(.integer(3_000_000), .number(3e6), .string("3e6"), .null, .bool(true), .integer(1)))
            ]), cardinality: 5),
        Sample(
            name: "plain",
            space: SearchSpace([
                Parameter("layers", .integer(low: 1, high: 5, step: 2, log: false)),
                Parameter("width", .integer(low: 8, high: 64, step: 8, log: true)),
                Parameter("activation", choice(.string("relu"), .string("tanh"))),
            ]), cardinality: 3 * 8 * 2),
        Sample(
            name: "quantised",
            space: SearchSpace([
                Parameter("q", .real(law: .uniform(low: 0, high: 1), quantum: .wandb(q: 0.25, integers: false))),
                Parameter("half", .real(law: .uniform(low: 0.5, high: 3.5), quantum: .wandb(q: 1, integers: true))),
                Parameter("step", .real(law: .uniform(low: 0.1, high: 0.5), quantum: .step(0.1))),
                Parameter("beta", .real(law: .beta(a: 2, b: 2), quantum: .wandb(q: 0.5, integers: false))),
            ]), cardinality: 5 * 3 * 5 * 3),
        Sample(name: "conditional", space: conditional, cardinality: 3 * 1 + 3 * 4 + 3 * 3 + 3 * 3 * 2),
        Sample(
            name: "weighted",
            space: SearchSpace([
                Parameter(
                    "rare",
                    .categorical(
                        values: [.string("often"), .string("hardly"), .string("never")],
                        probabilities: [0.999_999, 0.000_001, 0], ordinal: false)),
                Parameter("b", .integer(low: 0, high: 4, step: 1, log: false)),
            ]), cardinality: 10),
    ]

    /// Momentum has 4 values under sgd; adam has a switch, and, when it is on, a decay of 2 values and 3 of epsilon.
    static let conditional = SearchSpace([
        Parameter("optimizer", choice(.string("none"), .string("sgd"), .string("adam"))),
        Parameter(
            "momentum", .integer(low: 0, high: 3, step: 1, log: false), when: [.init("optimizer", in: [.string("sgd")])]
        ),
        Parameter(
            "amsgrad", .integer(low: 0, high: 1, step: 1, log: false), when: [.init("optimizer", in: [.string("adam")])]
        ),
        Parameter(
            "epsilon", .integer(low: 1, high: 3, step: 1, log: false), when: [.init("optimizer", in: [.string("adam")])]
        ),
        Parameter("decay", choice(.number(0.1), .number(0.2)), when: [.init("amsgrad", in: [.number(1.0)])]),
        Parameter("depth", .integer(low: 1, high: 3, step: 1, log: false)),
    ])

    static let endless: [Sample] = [
        Sample(
            name: "mixed",
            space: SearchSpace([
                Parameter("lr", .real(law: .logUniform(low: 1e-5, high: 1e-1), quantum: nil)),
                Parameter("dropout", .real(law: .uniform(low: 0, high: 0.5), quantum: nil)),
                Parameter("width", .integer(low: 16, high: 1024, step: 1, log: true)),
                Parameter("optimizer", choice(.string("sgd"), .string("adam"))),
                Parameter(
                    "momentum", .real(law: .uniform(low: 0, high: 0.99), quantum: nil),
                    when: [.init("optimizer", in: [.string("sgd")])]),
            ]), cardinality: nil),
        Sample(
            name: "unbounded",
            space: SearchSpace([
                Parameter("normal", .real(law: .normal(mean: 0, deviation: 1), quantum: nil)),
                Parameter("log", .real(law: .logNormal(mean: 0, deviation: 1), quantum: .step(0.01))),
                Parameter("inverse", .real(law: .inverseLogUniform(low: 1, high: 100), quantum: nil)),
                Parameter(path: ["nested", "beta"], distribution: .real(law: .beta(a: 0.5, b: 2), quantum: nil)),
            ]), cardinality: nil),
        Sample(
            name: "too large",
            space: SearchSpace([
                Parameter("wide", .integer(low: .min, high: .max, step: 1, log: false)),
                Parameter("c", .constant(.string("x"))),
            ]), cardinality: nil),
    ]
}

/// The sampler of a method that does not learn.
func fixedSampler(for definition: SweepDefinition) throws -> any Sampler {
    guard case .fixed(let sampler) = try SweepSampler(for: definition) else {
        throw MethodLearns(method: definition.method)
    }
    return sampler
}

struct MethodLearns: Error {
    let method: SweepDefinition.Method
}

/// Whether the configuration holds exactly the active parameters, in the space's order, each with a value that its
/// distribution allows.
func isLegal(_ configuration: Configuration, in space: SearchSpace) -> Bool {
    var entries = configuration.entries[...]
    for parameter in space.parameters {
        let isActive = parameter.conditions.allSatisfy { condition in
            guard let value = configuration[condition.parent] else { return false }
            return condition.values.contains { $0.canonical == value.canonical }
        }
        guard isActive else { continue }
        guard let entry = entries.popFirst(), entry.name == parameter.name,
            isLegal(entry.value, of: parameter.distribution)
        else { return false }
    }
    return entries.isEmpty
}

private func isLegal(_ value: JSONValue, of distribution: Distribution) -> Bool {
    switch (distribution, value) {
    case (.constant(let constant), _):
        return value == constant
    case (.categorical(let values, let probabilities, _), _):
        return values.enumerated().contains { $1 == value && (probabilities.isEmpty || probabilities[$0] > 0) }
    case (.integer(let low, let high, let step, _), .integer(let integer)):
        return (low...high).contains(integer) && (step == 1 || (integer - low) % step == 0)
    case (.real(_, .wandb(let q, true)), .integer(let integer)):
        return (Double(integer) / q).rounded() * q == Double(integer)
    case (.real(_, .wandb(let q, false)), .number(let number)):
        return (number / q).rounded() * q == number
    case (.real(let law, _), .number(let number)):
        switch law {
        case .uniform(let low, let high), .logUniform(let low, let high), .inverseLogUniform(let low, let high):
            return (low...high).contains(number)
        case .beta:
            return (0...1).contains(number)
        case .normal, .logNormal:
            return number.isFinite
        }
    case (.integer, _), (.real, _):
        return false
    }
}
