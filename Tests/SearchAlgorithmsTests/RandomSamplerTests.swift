// SPDX-License-Identifier: MIT

import Randomness
import SweepModel
import Testing

@testable import SearchAlgorithms

struct RandomSamplerTests {
    private let space = SampleSpaces.endless[0].space

    /// Pinned: a recorded sweep of seed 7 must be repeatable for ever.
    @Test func goldenConfigurations() throws {
        let random = RandomSampler(space: space, seed: 7)
        let sobol = try SobolSampler(space: space, seed: 7)
        let grid = try GridSampler(space: SampleSpaces.conditional, seed: 7, order: .coarse)
        #expect(
            golden(random) == [
                "lr number(0.0032038051394540907), dropout number(0.19953967793605076), width integer(307), "
                    + "optimizer string(\"sgd\"), momentum number(0.8468872340734706)",
                "lr number(4.7358424742123366e-05), dropout number(0.31055411346130213), width integer(128), "
                    + "optimizer string(\"sgd\"), momentum number(0.7723012271444518)",
                "lr number(0.0001643780054937487), dropout number(0.04653669101353858), width integer(76), "
                    + "optimizer string(\"sgd\"), momentum number(0.7249241136790269)",
            ])
        #expect(
            golden(sobol) == [
                "lr number(0.000959656074116727), dropout number(0.4419761743267766), width integer(52), "
                    + "optimizer string(\"sgd\"), momentum number(0.28102773602541714)",
                "lr number(0.04567916857371184), dropout number(0.19583649281975452), width integer(315), "
                    + "optimizer string(\"adam\")",
                "lr number(0.002343277832057894), dropout number(0.3033142093926037), width integer(25), "
                    + "optimizer string(\"sgd\"), momentum number(0.8048290003043514)",
            ])
        #expect(
            golden(grid) == [
                "optimizer string(\"adam\"), amsgrad integer(1), epsilon integer(1), decay number(0.1), "
                    + "depth integer(2)",
                "optimizer string(\"none\"), depth integer(2)",
                "optimizer string(\"adam\"), amsgrad integer(0), epsilon integer(1), depth integer(3)",
            ])
    }

    private func golden(_ sampler: any Sampler) -> [String] {
        SamplerConformanceTests.proposals(sampler, limit: 3).map { proposal in
            proposal.configuration.entries.map { "\($0.name) \($0.value)" }.joined(separator: ", ")
        }
    }

    /// A parameter's value does not depend on which other parameters the space has.
    @Test func parametersAreIndependent() throws {
        let alone = RandomSampler(space: SearchSpace([space.parameters[1]]), seed: 7)
        let together = RandomSampler(space: space, seed: 7)
        for index in 0..<20 {
            let first = try #require(alone.proposal(at: index, excluding: SeenConfigurations()))
            let second = try #require(together.proposal(at: index, excluding: SeenConfigurations()))
            #expect(first.configuration["dropout"] == second.configuration["dropout"])
        }
    }

    /// Two words with one FNV-1a hash.
    @Test func collidingNamesAreDrawnApart() throws {
        #expect(fnv1a32("costarring") == fnv1a32("liquid"))
        let law = Distribution.real(law: .uniform(low: 0, high: 1), quantum: nil)
        let sampler = RandomSampler(
            space: SearchSpace([Parameter("costarring", law), Parameter("liquid", law)]), seed: 7)
        let proposal = try #require(sampler.proposal(at: 0, excluding: SeenConfigurations()))
        #expect(proposal.configuration["costarring"] != proposal.configuration["liquid"])
    }

    @Test func valuesAreUniformOverTrials() throws {
        let sampler = RandomSampler(space: space, seed: 33)
        let values = try (0..<20_000).map { index in
            let proposal = try #require(sampler.proposal(at: index, excluding: SeenConfigurations()))
            return (proposal.configuration["dropout"]?.doubleValue ?? .nan) / 0.5
        }.sorted()
        let count = Double(values.count)
        let distance = values.enumerated().map { ($1 - (Double($0) + 0.5) / count).magnitude }.max() ?? 1
        #expect(distance < 2.7 / count.squareRoot(), "seed 33")
    }

    /// A space that is not finite on paper, but whose rounding leaves one likely value, ends and does not hang.
    @Test(arguments: [SweepDefinition.Method.random, .sobol])
    func hopelessSpacesEnd(method: SweepDefinition.Method) throws {
        let space = SearchSpace([
            Parameter("n", .real(law: .normal(mean: 0, deviation: 1), quantum: .wandb(q: 100, integers: false)))
        ])
        let sampler = try fixedSampler(
            for: SweepDefinition(name: "t", method: method, objective: Objective(metric: "loss"), space: space, seed: 7)
        )
        #expect(SamplerConformanceTests.proposals(sampler, limit: 10).count == 1)
    }

    /// All of 2,500 cells, the last ones found by walking; much longer if finding one took time in proportion to the
    /// space.
    @Test(arguments: [SweepDefinition.Method.random, .sobol])
    func exhaustionIsQuick(method: SweepDefinition.Method) throws {
        let space = SearchSpace([
            Parameter("a", .integer(low: 1, high: 50, step: 1, log: false)),
            Parameter("b", .integer(low: 1, high: 50, step: 1, log: true)),
        ])
        let sampler = try fixedSampler(
            for: SweepDefinition(name: "t", method: method, objective: Objective(metric: "loss"), space: space, seed: 7)
        )
        #expect(SamplerConformanceTests.proposals(sampler, limit: 5000).count == 2500)
    }

    @Test func tooManyParametersForSobol() {
        let law = Distribution.real(law: .uniform(low: 0, high: 1), quantum: nil)
        let space = SearchSpace((0...1111).map { Parameter("p\($0)", law) })
        #expect(throws: SamplerError.tooManyDimensions(count: 1112, limit: 1111)) {
            try SobolSampler(space: space, seed: 7)
        }
    }

    /// The points of a Sobol sweep are spread over each parameter: one in each of 64 equal parts.
    @Test func sobolCoversEachParameter() throws {
        let law = Distribution.real(law: .uniform(low: 0, high: 64), quantum: nil)
        let space = SearchSpace([Parameter("c", .constant(.null))] + (0..<30).map { Parameter("p\($0)", law) })
        let proposals = SamplerConformanceTests.proposals(try SobolSampler(space: space, seed: 7), limit: 64)
        for place in 0..<30 {
            let cells = proposals.map { Int($0.configuration["p\(place)"]?.doubleValue ?? 0) }
            #expect(Set(cells).count == 64)
        }
    }
}
