// SPDX-License-Identifier: MIT

package import SweepModel

/// A configuration and its place in the sampler's sequence, which is not the trial's number.
package struct Proposal: Hashable, Sendable {
    package let index: Int
    package let configuration: Configuration

    package init(index: Int, configuration: Configuration) {
        self.index = index
        self.configuration = configuration
    }
}

/// A sequence of configurations. What stands at an index depends on the sweep's definition and the index, and on `seen`
/// only so far as a duplicate is replaced or passed over.
package protocol Sampler: Sendable {
    /// The first proposal at an index ≥ `index` whose configuration `seen` does not hold; nil when the space is
    /// exhausted.
    func proposal(at index: Int, excluding seen: SeenConfigurations) -> Proposal?
}

/// The sampler of the sweep's method.
///
/// - Throws: `SamplerError` when the method cannot search the space.
package func makeSampler(for definition: SweepDefinition) throws(SamplerError) -> any Sampler {
    switch definition.method {
    case .grid: try GridSampler(space: definition.space, seed: definition.seed, order: definition.gridOrder)
    case .random: RandomSampler(space: definition.space, seed: definition.seed)
    case .sobol: try SobolSampler(space: definition.space, seed: definition.seed)
    }
}
