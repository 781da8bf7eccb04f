// SPDX-License-Identifier: MIT

import SweepEngine
import SweepModel

extension Scenario.SweepPlan {
    private static let choices = ["a", "b", "c", "d", "e"]

    /// A sweep of any kind that a sweep file may describe.
    static func drawn(_ number: Int, _ random: inout SeededRandom) -> Scenario.SweepPlan {
        let method: SweepDefinition.Method = [.random, .random, .sobol, .grid, .tpe][random.int(0...4)]
        var spaceSize: Int?
        let space: SearchSpace
        if method == .grid || random.chance(0.1) {
            let (one, other) = (random.int(2...5), random.int(2...24))
            if method == .grid || method == .random { spaceSize = one * other }
            space = SearchSpace([
                Parameter(
                    "kind",
                    .categorical(
                        values: choices.prefix(one).map { .string($0) }, probabilities: [], ordinal: false)),
                Parameter("layers", .integer(low: 1, high: Int64(other), step: 1, log: false)),
            ])
        } else {
            space = SearchSpace([
                Parameter("x", .real(law: .uniform(low: 0, high: 1), quantum: nil)),
                Parameter("rate", .real(law: .logUniform(low: 1e-5, high: 1), quantum: nil)),
                Parameter("layers", .integer(low: 1, high: 9, step: 1, log: false)),
            ])
        }
        var limits = SweepDefinition.Limits()
        if random.chance(0.1) { limits.steps = Int64(random.int(20...200)) }
        if random.chance(0.1) { limits.sweep = .seconds(random.int(30...600)) }
        if random.chance(0.1) { limits.noImprovement = random.int(5...30) }
        if random.chance(0.3) { limits.trial = .seconds(random.int(20...3600)) }
        var definition = SweepDefinition(
            name: "sweep\(number)", method: method,
            objective: Objective(
                metric: "loss", goal: random.chance(0.8) ? .minimize : .maximize,
                summary: random.chance(0.7) ? .best : .last, target: random.chance(0.08) ? 0.3 : nil),
            space: space, trials: random.skewed(20...200), seed: random.next() >> 1, command: ["train"],
            retries: random.int(0...2), repeats: random.chance(0.2) ? random.int(2...3) : 1, limits: limits)
        if spaceSize != nil, random.chance(0.3) { definition.trials = nil }
        if random.chance(0.3) { definition.baselines = baselines(space, random.int(1...2), &random) }
        definition.earlyTermination = termination(&random)
        if random.chance(0.3) {
            definition.checkpoints = CheckpointPolicy(
                keep: CheckpointPolicy.Keep.allCases[random.int(0...2)], total: random.chance(0.5) ? 5 << 20 : nil)
        }
        if random.chance(0.3) { definition.placement.priority = random.int(0...2) }
        if random.chance(0.1) { definition.placement.requires = ["gpu"] }
        let isAdaptive = method == .tpe
        if isAdaptive, random.chance(0.3) { definition.deterministicPending = random.int(1...4) }
        let shortest = random.int(1...3)
        return Scenario.SweepPlan(
            definition: asRead(definition), isAdaptive: isAdaptive, steps: shortest...(shortest + random.int(0...6)),
            spaceSize: spaceSize)
    }

    /// As a sweep file's reader gives it.
    private static func asRead(_ definition: SweepDefinition) -> SweepDefinition {
        let entry = JournalEntry(
            at: Timestamp(milliseconds: 0), event: .sweepCreated(SweepID(1), definition, directory: "/"))
        let line = EventCodec.line(entry)
        guard case .sweepCreated(_, let read, _)? = try? EventCodec.decode(line).event else {
            preconditionFailure("no sweep file says \(line)")
        }
        return read
    }

    private static func baselines(
        _ space: SearchSpace, _ count: Int, _ random: inout SeededRandom
    ) -> [Configuration] {
        (0..<count).map { _ in
            Configuration(
                space.parameters.map { parameter in
                    switch parameter.name {
                    case "kind": Configuration.Entry("kind", .string("a"))
                    case "x": Configuration.Entry("x", .number(Double(random.int(0...1024)) / 1024))
                    case "rate": Configuration.Entry("rate", .number(0.5))
                    default: Configuration.Entry(parameter.name, .integer(Int64(random.int(1...2))))
                    }
                })
        }
    }

    /// Half the sweeps stop trials early, by any of the rules.
    private static func termination(_ random: inout SeededRandom) -> EarlyTermination? {
        guard random.chance(0.5) else { return nil }
        let rungs = EarlyTermination.Rungs(minimumStep: 1, maximumStep: 9, eta: random.chance(0.5) ? 2 : 3)
        let rules: [EarlyTermination.Rule] = [
            .asha(rungs, .promotion), .asha(rungs, .promotion), .asha(rungs, .stopping), .asyncHyperband(rungs),
            .hyperband(EarlyTermination.Bands(form: .from(1), eta: 2)),
            .percentile(EarlyTermination.Percentile(minimumPeers: 1)),
            .patience(EarlyTermination.Patience(reports: 2)), .threshold, .wilcoxon(EarlyTermination.Wilcoxon()),
        ]
        let rule = rules[random.int(0...rules.count - 1)]
        var upper: Double? = random.chance(0.3) ? 9 : nil
        if case .threshold = rule { upper = 9 }
        return EarlyTermination(
            rule: rule, upper: upper, isDryRun: random.chance(0.1), controlShare: random.chance(0.2) ? 0.5 : 0,
            maximumStep: 9)
    }
}
