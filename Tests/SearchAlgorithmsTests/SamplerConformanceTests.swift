// SPDX-License-Identifier: MIT

import SearchAlgorithms
import SweepModel
import Testing

/// What every sampler must do, for every sample space it can search.
struct SamplerConformanceTests {
    struct Case: Sendable, CustomTestStringConvertible {
        let method: SweepDefinition.Method
        let order: SweepDefinition.GridOrder
        let sample: SampleSpaces.Sample
        var testDescription: String { "\(method), \(order), \(sample.name)" }

        func sampler(seed: UInt64) throws -> any Sampler {
            try fixedSampler(
                for: SweepDefinition(
                    name: "t", method: method, objective: Objective(metric: "loss"), space: sample.space, seed: seed,
                    gridOrder: order))
        }
    }

    static let finite: [Case] = SampleSpaces.finite.flatMap { sample in
        [
            Case(method: .grid, order: .coarse, sample: sample),
            Case(method: .random, order: .coarse, sample: sample),
            Case(method: .sobol, order: .coarse, sample: sample),
        ]
            // W&B's grid refuses these two, and its q_uniform has fewer levels.
            + (["quantised", "weighted"].contains(sample.name)
                ? [] : [Case(method: .grid, order: .wandb, sample: sample)])
    }

    static let endless: [Case] = SampleSpaces.endless.flatMap { sample in
        [
            Case(method: .random, order: .coarse, sample: sample), Case(method: .sobol, order: .coarse, sample: sample),
        ]
    }

    /// Up to `limit` proposals, one after the other.
    static func proposals(_ sampler: any Sampler, limit: Int, seen: SeenConfigurations = SeenConfigurations())
        -> [Proposal]
    {
        var seen = seen
        var proposals: [Proposal] = []
        var index = 0
        while proposals.count < limit, let proposal = sampler.proposal(at: index, excluding: seen) {
            proposals.append(proposal)
            seen.insert(proposal.configuration)
            index = proposal.index + 1
        }
        return proposals
    }

    @Test(arguments: finite + endless)
    func deterministicLegalAndFreeOfDuplicates(_ item: Case) throws {
        let sampler = try item.sampler(seed: 7)
        let proposals = Self.proposals(sampler, limit: 300)
        #expect(Self.proposals(try item.sampler(seed: 7), limit: 300) == proposals)
        for proposal in proposals {
            #expect(isLegal(proposal.configuration, in: item.sample.space), "\(proposal)")
        }
        #expect(Set(proposals.map { $0.configuration.json.canonical }).count == proposals.count)
        #expect(zip(proposals, proposals.dropFirst()).allSatisfy { $0.index < $1.index })
        if item.sample.cardinality == nil { #expect(proposals.count == 300) }
    }

    @Test(arguments: finite, [7, 8] as [UInt64])
    func finiteSpacesAreExhaustedExactly(_ item: Case, seed: UInt64) throws {
        let proposals = Self.proposals(try item.sampler(seed: seed), limit: 10_000)
        #expect(proposals.count == item.sample.cardinality, "seed \(seed)")
    }

    /// A baseline that was run first is not proposed again, even where it is written another way.
    @Test(arguments: finite)
    func seenConfigurationsStayOut(_ item: Case) throws {
        let all = Self.proposals(try item.sampler(seed: 7), limit: 10_000)
        var seen = SeenConfigurations()
        for proposal in all.prefix(all.count / 2) {
            seen.insert(
                Configuration(
                    proposal.configuration.entries.reversed().map { entry in
                        guard case .integer(let integer) = entry.value else { return entry }
                        return Configuration.Entry(entry.name, .number(Double(integer)))
                    }))
        }
        let rest = Self.proposals(try item.sampler(seed: 7), limit: 10_000, seen: seen)
        #expect(rest.count == all.count - all.count / 2)
        #expect(rest.allSatisfy { !seen.contains($0.configuration) })
    }

    @Test(arguments: endless)
    func proposalsDependOnTheirIndexOnly(_ item: Case) throws {
        let sampler = try item.sampler(seed: 7)
        let indices = [5, 0, 90, 17, 3]
        let alone = indices.map { sampler.proposal(at: $0, excluding: SeenConfigurations()) }
        let proposals = Self.proposals(sampler, limit: 91)
        #expect(alone == indices.map { proposals[$0] })
        #expect(alone.compactMap { $0?.index } == indices)
    }

    @Test(arguments: endless)
    func seedsDiffer(_ item: Case) throws {
        let first = try (0..<20).map { try item.sampler(seed: $0).proposal(at: 0, excluding: SeenConfigurations()) }
        #expect(Set(first.map { $0?.configuration.json }).count == 20)
    }

    @Test(arguments: SampleSpaces.finite + SampleSpaces.endless)
    func cardinality(_ sample: SampleSpaces.Sample) {
        #expect(sample.space.cardinality == sample.cardinality)
    }
}
