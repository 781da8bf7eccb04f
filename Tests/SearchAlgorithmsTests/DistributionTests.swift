// SPDX-License-Identifier: MIT

import Randomness
import SearchAlgorithms
import SweepModel
import Testing

struct DistributionTests {
    private func number(_ law: Distribution.Law, _ u: Double) -> Double {
        Distribution.real(law: law, quantum: nil).value(at: u).doubleValue ?? .nan
    }

    @Test func quantilesAgreeWithScipy() {
        for (a, b, u, value) in betaFixture {
            let got = number(.beta(a: a, b: b), u)
            #expect((got - value).magnitude <= 1e-9 * value + 1e-300, "beta \(a) \(b) \(u): \(got), scipy \(value)")
        }
        for (mean, deviation, u, value) in normalFixture {
            #expect((number(.normal(mean: mean, deviation: deviation), u) - value).magnitude <= 1e-12)
        }
        for (mean, deviation, u, value) in logNormalFixture {
            #expect((number(.logNormal(mean: mean, deviation: deviation), u) - value).magnitude <= 1e-11 * value)
        }
    }

    @Test func quantaAgreeWithNumpy() {
        for (low, high, q, u, value) in quantumFixture {
            let distribution = Distribution.real(
                law: .uniform(low: low, high: high), quantum: .wandb(q: q, integers: false))
            let got = distribution.value(at: u)
            // Where x / q is a tie at the very end of the range, numpy steps out of the levels that have any
            // likelihood.
            let isTieAtTheEnd = u == 0 && (low / q).truncatingRemainder(dividingBy: 1).magnitude == 0.5
            #expect(got == .number(value) || isTieAtTheEnd, "\(low) \(high) \(q) \(u)")
        }
    }

    @Test(arguments: [
        (Distribution.integer(low: 0, high: 1, step: 1, log: false), 0.49, JSONValue.integer(0)),
        (.integer(low: 0, high: 1, step: 1, log: false), 0.5, .integer(1)),
        (.integer(low: .min, high: .max, step: 1, log: false), 0, .integer(.min)),
        (.integer(low: .min, high: .max, step: 1, log: false), 0.5, .integer(0)),
        (.integer(low: .min, high: .max, step: 1, log: false), 1, .integer(.max - 2047)),
        (.integer(low: 8, high: 30, step: 8, log: false), 0.99, .integer(24)),
        (.integer(low: 1, high: 9, step: 1, log: true), 0.301, .integer(1)),
        (.integer(low: 1, high: 9, step: 1, log: true), 0.302, .integer(2)),
        (.integer(low: 1, high: .max, step: 1, log: true), 0, .integer(1)),
        (.integer(low: 5, high: 5, step: 1, log: true), 0.7, .integer(5)),
        (.real(law: .uniform(low: -1e308, high: 1e308), quantum: nil), 0.5, .number(0)),
        (.real(law: .logUniform(low: 1, high: 100), quantum: nil), 0, .number(1)),
        (.real(law: .inverseLogUniform(low: 1e-4, high: 1), quantum: nil), 0, .number(1)),
        (.real(law: .uniform(low: 0.1, high: 0.5), quantum: .step(0.1)), 0.5, .number(0.3)),
        (.real(law: .uniform(low: 0, high: 20), quantum: .wandb(q: 8, integers: true)), 0.9, .integer(16)),
        (.real(law: .uniform(low: 0, high: 20), quantum: .wandb(q: 8, integers: false)), 0.9, .number(16)),
        (.real(law: .normal(mean: 0, deviation: 0), quantum: nil), 0.9, .number(0)),
        (.real(law: .logNormal(mean: 800, deviation: 1), quantum: .wandb(q: 1, integers: true)), 0.9, .integer(.max)),
        (.real(law: .normal(mean: 0, deviation: 1), quantum: .wandb(q: 1, integers: false)), 0.4, .number(0)),
    ])
    func values(distribution: Distribution, u: Double, value: JSONValue) {
        #expect(distribution.value(at: u) == value)
    }

    @Test func everyUGivesAFiniteValue() {
        let laws: [Distribution.Law] = [
            .uniform(low: -1, high: 1e308), .logUniform(low: .leastNonzeroMagnitude, high: 1e308),
            .normal(mean: 0, deviation: 1e308),
            .logNormal(mean: 0, deviation: 1000), .beta(a: 1e-3, b: 1e-3), .beta(a: 1e6, b: 1e6),
            .beta(a: 1e-3, b: 1e6),
        ]
        let quanta: [Distribution.Quantum?] = [
            nil, .wandb(q: .leastNonzeroMagnitude, integers: false), .wandb(q: 3, integers: false), .step(0.1),
        ]
        for law in laws {
            for quantum in quanta {
                for u in [-1, 0, .leastNonzeroMagnitude, 1e-9, 0.5, 0.999, 1 - 0x1p-53, 1, 2] {
                    let value = Distribution.real(law: law, quantum: quantum).value(at: u).doubleValue
                    #expect(value?.isFinite == true, "\(law) \(String(describing: quantum)) \(u)")
                }
            }
        }
    }

    @Test func valuesAreAlwaysLevels() {
        var stream = RandomStream(seed: 31, index: 0, purpose: .tests)
        for sample in SampleSpaces.finite {
            for parameter in sample.space.parameters {
                let levels = Set((parameter.distribution.levels(limit: 1000) ?? []).map(\.canonical))
                var drawn: Set<JSONValue> = []
                for _ in 0..<2000 { drawn.insert(parameter.distribution.value(at: stream.nextUniform()).canonical) }
                #expect(drawn.isSubset(of: levels), "seed 31, \(sample.name), \(parameter.name)")
                if sample.name != "weighted" { #expect(drawn == levels, "seed 31, \(sample.name), \(parameter.name)") }
            }
        }
    }

    @Test func levels() {
        let stepped = Distribution.real(law: .uniform(low: 0.1, high: 0.7), quantum: .step(0.1))
        #expect(stepped.levels(limit: 10) == [0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7].map(JSONValue.number))
        #expect(stepped.levels(limit: 6) == nil)
        #expect(Distribution.real(law: .uniform(low: 0, high: 1), quantum: nil).levels(limit: .max) == nil)
        #expect(
            Distribution.real(law: .beta(a: 1, b: 1), quantum: .step(0.5)).levels(limit: 9)
                == [0, 0.5, 1].map(JSONValue.number))
        for distribution in SampleSpaces.finite.flatMap(\.space.parameters).map(\.distribution) {
            guard let levels = distribution.levels else { continue }
            for index in 0..<levels.count { #expect(levels.index(of: levels.value(index)) == index) }
            #expect(levels.index(of: .string("no level")) == nil)
        }
    }

    /// Weights of a categorical and of a logarithmic integer, by chi-square.
    @Test func lawsOfDiscreteValues() {
        var stream = RandomStream(seed: 32, index: 0, purpose: .tests)
        let weighted = Distribution.categorical(
            values: [.integer(0), .integer(1), .integer(2)], probabilities: [0.5, 0.2, 0.3], ordinal: false)
        let benford = Distribution.integer(low: 1, high: 9, step: 1, log: true)
        let digits = [0.30103, 0.176091, 0.124939, 0.09691, 0.0791812, 0.0669468, 0.0579919, 0.0511525, 0.0457575]
        for (distribution, first, law) in [(weighted, 0, [0.5, 0.2, 0.3]), (benford, 1, digits)] {
            var tally = [Double](repeating: 0, count: law.count)
            for _ in 0..<20_000 {
                tally[Int(distribution.value(at: stream.nextUniform()).integerValue ?? 0) - first] += 1
            }
            let chiSquare = zip(tally, law).map { ($0 - 20_000 * $1) * ($0 - 20_000 * $1) / (20_000 * $1) }.reduce(0, +)
            #expect(chiSquare < 42.7, "seed 32, 1 in 10^6 at eight degrees of freedom")
        }
    }
}
