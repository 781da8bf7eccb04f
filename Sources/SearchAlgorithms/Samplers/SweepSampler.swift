// SPDX-License-Identifier: MIT

package import SweepModel

/// The sampler of a sweep.
package enum SweepSampler: Sendable {
    /// Its proposals are known from the beginning.
    case fixed(any Sampler)
    /// Its proposals depend on results.
    case adaptive(any AdaptiveSampler)

    /// - Throws: `SamplerError` when the method cannot search the space.
    package init(for definition: SweepDefinition) throws(SamplerError) {
        let (space, seed) = (definition.space, definition.seed)
        switch MethodChoice(definition).method {
        case .grid: self = .fixed(try GridSampler(space: space, seed: seed, order: definition.gridOrder))
        case .random: self = .fixed(RandomSampler(space: space, seed: seed))
        case .sobol: self = .fixed(try SobolSampler(space: space, seed: seed))
        case .bayes: self = .adaptive(try BayesSampler(definition))
        case .tpe: self = .adaptive(try TPESampler(definition))
        case .auto: preconditionFailure("auto chooses one of the others")
        }
    }
}
