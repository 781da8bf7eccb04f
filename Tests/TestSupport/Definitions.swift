// SPDX-License-Identifier: MIT

package import SweepModel

extension SweepDefinition {
    /// A sweep over x in [0, 1] that minimises `loss`.
    package static func example(
        name: String = "example", trials: Int? = 3, retries: Int = 0, repeats: Int = 1, baselines: [Configuration] = [],
        summary: Objective.Summary = .best, target: Double? = nil, limits: Limits = Limits()
    ) -> SweepDefinition {
        SweepDefinition(
            name: name, method: .random, objective: Objective(metric: "loss", summary: summary, target: target),
            space: SearchSpace([Parameter("x", .real(law: .uniform(low: 0, high: 1), quantum: nil))]), trials: trials,
            seed: 7, baselines: baselines, command: ["train"], retries: retries, repeats: repeats, limits: limits)
    }
}

extension Configuration {
    /// What the tests' sampler proposes at an index.
    package static func proposal(_ index: Int) -> Configuration {
        Configuration([Configuration.Entry("x", .number(Double(index) / 1024))])
    }
}
