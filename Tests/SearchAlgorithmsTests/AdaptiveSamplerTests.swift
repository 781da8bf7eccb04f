// SPDX-License-Identifier: MIT

import Randomness
import RealModule
import SearchAlgorithms
import SweepModel
import TestSupport
import Testing

/// What every sampler that learns must do, for every sample space.
struct AdaptiveSamplerTests {
    struct Case: Sendable, CustomTestStringConvertible {
        let method: SweepDefinition.Method
        let sample: SampleSpaces.Sample
        var testDescription: String { "\(method), \(sample.name)" }
    }

    static let cases = [SweepDefinition.Method.bayes, .tpe].flatMap { method in
        (SampleSpaces.finite + SampleSpaces.endless).map { Case(method: method, sample: $0) }
    }

    static func sampler(
        _ method: SweepDefinition.Method, _ space: SearchSpace, seed: UInt64 = 7, goal: Objective.Goal = .minimize,
        trials: Int = 60
    ) throws -> any AdaptiveSampler {
        let definition = SweepDefinition(
            name: "t", method: method, objective: Objective(metric: "loss", goal: goal), space: space, trials: trials,
            seed: seed)
        guard case .adaptive(let sampler) = try SweepSampler(for: definition) else { throw NotAdaptive() }
        return sampler
    }

    private struct NotAdaptive: Error {}

    /// A search with a few trials pending at any time. One of seven fails, the others have what `value` says.
    struct Search {
        var history = SearchHistory()
        var fits: [ModelFit] = []
        var proposed: [AdaptiveProposal] = []
        var learned: [SearchHistory] = []

        init(
            _ sampler: any AdaptiveSampler, limit: Int, pending: Int = 3, value: (Configuration, Int) -> Double?
        ) {
            for index in 0..<limit {
                let look = sampler.learn(history, fits: fits, mayFit: true)
                fits = look.fits
                learned.append(history)
                guard let proposal = look.proposals(from: index, count: 1).first else { break }
                proposed.append(proposal)
                history.seen.insert(proposal.configuration)
                history.pending.append(proposal.configuration)
                guard history.pending.count >= pending else { continue }
                let ended = history.pending.removeFirst()
                history.results.append(.init(ended, value: value(ended, index)))
            }
        }
    }

    /// Something that depends on every parameter: the digits of the text.
    static func value(_ configuration: Configuration, _ index: Int) -> Double? {
        if index % 7 == 3 { return nil }
        return configuration.json.text.utf8.reduce(0) {
            Double(($0 * 31 + Double($1)).truncatingRemainder(dividingBy: 997))
        }
    }

    @Test(arguments: cases) func legalFreeOfDuplicatesAndExhausting(_ item: Case) throws {
        let limit = item.sample.cardinality.map { $0 + 3 } ?? 40
        let search = Search(try Self.sampler(item.method, item.sample.space), limit: min(limit, 90), value: Self.value)
        for proposal in search.proposed {
            #expect(isLegal(proposal.configuration, in: item.sample.space), "\(proposal.configuration.json.text)")
        }
        #expect(Set(search.proposed.map { $0.configuration.json.canonical }).count == search.proposed.count)
        #expect(search.proposed.map(\.index) == Array(0..<search.proposed.count))
        #expect(search.proposed.count == min(item.sample.cardinality ?? 40, 90))
    }

    @Test(arguments: cases) func aFunctionOfItsArgumentsAlone(_ item: Case) throws {
        let sampler = try Self.sampler(item.method, item.sample.space)
        let search = Search(sampler, limit: 24, value: Self.value)
        let again = Search(try Self.sampler(item.method, item.sample.space), limit: 24, value: Self.value)
        #expect(search.proposed == again.proposed)
        // From the basis alone, in any order.
        for (proposal, history) in zip(search.proposed, search.learned).reversed() {
            let look = sampler.learn(history, fits: proposal.basis.fits, mayFit: false)
            let made = look.configuration(at: proposal.index, pending: history.pending, excluding: history.seen)
            #expect(made?.configuration == proposal.configuration && made?.origin == proposal.basis.origin)
        }
    }

    /// A fit is a function of what it records.
    @Test func fitsAreRepeated() throws {
        let sampler = try Self.sampler(.bayes, TestFunction.braninSpace)
        let search = Search(sampler, limit: 30, value: Self.value)
        var checked = 0
        for (proposal, history) in zip(search.proposed, search.learned) {
            for fit in proposal.basis.fits where fit.results == history.results.count {
                #expect(sampler.repeated(fit, history) == fit)
                checked += 1
            }
        }
        #expect(checked > 10)
    }

    private func branin(_ configuration: Configuration) -> Double {
        TestFunction.branin(
            configuration["x"]?.doubleValue ?? .nan, configuration["y"]?.doubleValue ?? .nan)
    }

    /// The reference's target: a regret below 1e-3 within 60 evaluations for nine of ten seeds; random search comes to 1.
    @Test func bayesFindsBraninsMinimum() throws {
        let regrets = try (0..<10 as Range<UInt64>).map { seed in
            let search = Search(
                try Self.sampler(.bayes, TestFunction.braninSpace, seed: seed), limit: 60, pending: 1
            ) { configuration, _ in branin(configuration) }
            return (search.history.results.compactMap(\.value).min() ?? .infinity) - 0.397_887
        }
        #expect(regrets.count { $0 < 1e-3 } >= 9 && regrets.allSatisfy { $0 < 1e-2 }, "\(regrets)")
    }

    /// Three trials in ten fail by chance, also next to the minimum.
    @Test func bayesIsNotDrivenAwayByFailuresWithoutCause() throws {
        let regrets = try (0..<6 as Range<UInt64>).map { seed in
            var chance = RandomStream(seed: seed, index: 0, purpose: .tests)
            let search = Search(
                try Self.sampler(.bayes, TestFunction.braninSpace, seed: seed), limit: 50, pending: 1
            ) { configuration, _ in chance.nextUniform() < 0.3 ? nil : branin(configuration) }
            return (search.history.results.compactMap(\.value).min() ?? .infinity) - 0.397_887
        }
        #expect(regrets.allSatisfy { $0 < 0.05 }, "\(regrets)")
    }

    /// Where more than x = 6 fails, and the best that does not lies on the edge, not all trials are spent on the far side.
    @Test func bayesLearnsWhereTrialsFail() throws {
        let search = Search(try Self.sampler(.bayes, TestFunction.braninSpace), limit: 50, pending: 1) { item, _ in
            (item["x"]?.doubleValue ?? .nan) > 6 ? nil : -(item["x"]?.doubleValue ?? .nan)
        }
        let failures = search.history.results.suffix(30).count { $0.value == nil }
        let best = search.history.results.compactMap(\.value).min() ?? .infinity
        #expect(best < -5.9 && failures < 15, "\(best), \(failures) failures")
    }

    /// While all values are equal nothing is learned, and nothing of it shows in the proposals: they are the design's.
    @Test func bayesDoesNotModelAPlateau() throws {
        let search = Search(try Self.sampler(.bayes, TestFunction.braninSpace), limit: 40, pending: 1) { _, index in
            index < 39 ? 0.25 : nil
        }
        #expect(search.proposed.allSatisfy { $0.basis.origin == .design })
    }

    /// A category that is worse by 0.2 everywhere is left, though its best place was found first and the values are noisy.
    /// Without a change of category some of these seeds stay in it.
    @Test func bayesDoesNotStayInTheWrongCategory() throws {
        let coordinate = Distribution.real(law: .uniform(low: 0, high: 1), quantum: nil)
        let space = SearchSpace([
            Parameter("x", coordinate), Parameter("y", coordinate),
            Parameter("kind", SampleSpaces.choice(.string("a"), .string("b"))),
        ])
        let best = try (0..<30 as Range<UInt64>).map { seed in
            var noise = RandomStream(seed: seed, index: 0, purpose: .tests)
            var best = Double.infinity
            _ = Search(try Self.sampler(.bayes, space, seed: seed, trials: 30), limit: 30, pending: 1) { item, _ in
                let (x, y) = (item["x"]?.doubleValue ?? .nan, item["y"]?.doubleValue ?? .nan)
                let isWrong = item["kind"] == .string("b")
                let value = (x - 0.3) * (x - 0.3) + (y - 0.6) * (y - 0.6) + (isWrong ? 0.2 : 0)
                best = min(best, value)
                return value + 0.05 * noise.nextNormal()
            }
            return best
        }
        #expect(best.allSatisfy { $0 < 0.15 }, "\(best)")
    }

    /// In twenty-four dimensions the trust region has to find its way: random search stays above 1.2 here.
    @Test func bayesDescendsInManyDimensions() throws {
        let space = SearchSpace(
            (0..<24).map { Parameter("p\($0)", .real(law: .uniform(low: 0, high: 1), quantum: nil)) })
        let search = Search(try Self.sampler(.bayes, space), limit: 80, pending: 1) { configuration, _ in
            configuration.entries.enumerated().reduce(0) { sum, entry in
                let centred = (entry.element.value.doubleValue ?? .nan) - 0.3 - 0.01 * Double(entry.offset)
                return sum + centred * centred
            }
        }
        #expect((search.history.results.compactMap(\.value).min() ?? .infinity) < 0.6)
    }

    /// Whatever the values are, something legal comes next.
    @Test(
        arguments: [SweepDefinition.Method.bayes, .tpe],
        [
            [0.0, 0, 0, 0], [1e308, -1e308, 1e308, 0], [.leastNonzeroMagnitude, 0, 1, 2], [1, nil, nil, nil],
            [nil, nil, nil, nil],
            [Double.infinity, 1, 2, .nan], [1e-300, 2e-300, 3e-300, 4e-300],
        ] as [[Double?]])
    func anyValuesAreBorne(method: SweepDefinition.Method, values: [Double?]) throws {
        let search = Search(try Self.sampler(method, SampleSpaces.endless[0].space), limit: 24, pending: 2) {
            _, index in
            values[index % values.count]
        }
        #expect(search.proposed.count == 24)
        #expect(search.proposed.allSatisfy { isLegal($0.configuration, in: SampleSpaces.endless[0].space) })
    }

    /// Units and origins do not matter: doubling is exact, other changes agree to rounding, and a maximisation is the
    /// minimisation of the negative.
    @Test func affineChangesOfTheObjective() throws {
        func proposals(_ goal: Objective.Goal = .minimize, _ change: (Double) -> Double) throws -> [AdaptiveProposal] {
            Search(try Self.sampler(.bayes, TestFunction.braninSpace, goal: goal), limit: 16, pending: 1) { item, _ in
                change(branin(item))
            }.proposed
        }
        let plain = try proposals { $0 }
        #expect(try proposals { 2 * $0 } == plain)
        #expect(try proposals(.maximize) { -$0 } == plain)
        let other = try proposals { 1000 - 3.7 + 3.7 * $0 }
        for (one, two) in zip(plain, other) {
            for (left, right) in zip(one.configuration.entries, two.configuration.entries) {
                let distance = ((left.value.doubleValue ?? 0) - (right.value.doubleValue ?? 9)).magnitude
                #expect(distance < 0.05, "\(one.index): \(left) \(right)")
            }
        }
    }

    /// Many pending trials, beyond what fantasies are drawn for.
    @Test func manyPendingTrials() throws {
        let search = Search(
            try Self.sampler(.bayes, TestFunction.braninSpace), limit: 100, pending: 80, value: Self.value)
        #expect(search.proposed.count == 100)
    }

    /// A pending trial keeps the next proposal away from itself.
    @Test func pendingTrialsAreAvoided() throws {
        let sampler = try Self.sampler(.bayes, TestFunction.braninSpace)
        let search = Search(sampler, limit: 25, pending: 1) { item, _ in branin(item) }
        let look = sampler.learn(search.history, fits: search.fits, mayFit: false)
        let made = look.proposals(from: 25, count: 4).map(\.configuration)
        for (index, one) in made.enumerated() {
            for other in made[..<index] {
                let x = (one["x"]?.doubleValue ?? 0) - (other["x"]?.doubleValue ?? 0)
                let y = (one["y"]?.doubleValue ?? 0) - (other["y"]?.doubleValue ?? 0)
                #expect((x * x + y * y).squareRoot() > 0.05)
            }
        }
    }

    @Test(
        arguments: [
            (3, nil, nil, SweepDefinition.Method.grid, "all 3 configurations fit"),
            (2, nil, nil, .bayes, "Gaussian process"),
            (30, 12, nil, .grid, "all 3"), (2, 1, nil, .sobol, "1 workers"),
        ] as [(Int, Int?, Int?, SweepDefinition.Method, String)])
    func autoPicks(trials: Int, workers: Int?, _: Int?, method: SweepDefinition.Method, reason: String) {
        let choice = MethodChoice(
            SweepDefinition(
                name: "t", method: .auto, objective: Objective(metric: "m"),
                space: SearchSpace([Parameter("a", .integer(low: 1, high: 3, step: 1, log: false))]), trials: trials,
                seed: 1, workers: workers))
        #expect(choice.method == method && choice.reason?.contains(reason) == true, "\(choice)")
    }

    @Test func autoPicksByConditions() {
        func choice(_ space: SearchSpace) -> MethodChoice {
            MethodChoice(
                SweepDefinition(
                    name: "t", method: .auto, objective: Objective(metric: "m"), space: space, trials: 20, seed: 1))
        }
        #expect(choice(SampleSpaces.conditional).method == .tpe)
        #expect(choice(SampleSpaces.endless[0].space).method == .bayes)
    }
}
