// SPDX-License-Identifier: MIT

import Randomness
package import SweepModel

/// Quasi-random search: proposal k is point k of Sobol's sequence, scrambled with the sweep's seed, one dimension for
/// each parameter that is no constant. Points that round to a configuration already seen are passed over.
package struct SobolSampler: Sampler {
    /// Points passed over in a row before a finite space is walked instead.
    private static let points = 64
    /// Points passed over in a row before a space that is not finite is taken for exhausted.
    private static let hopelessPoints = 10_000

    private let space: SearchSpace
    private let sobol: Sobol
    /// The dimension of each parameter; 0 for constants, which ask for none.
    private let dimensions: [Int]
    private let remaining: RemainingCells?

    package init(space: SearchSpace, seed: UInt64) throws(SamplerError) {
        self.space = space
        var count = 0
        dimensions = space.parameters.map { parameter in
            if case .constant = parameter.distribution { return 0 }
            defer { count += 1 }
            return count
        }
        guard count <= Sobol.dimensionLimit else {
            throw .tooManyDimensions(count: count, limit: Sobol.dimensionLimit)
        }
        sobol = Sobol(dimensions: max(count, 1), seed: seed)
        remaining = RemainingCells(space: space, seed: seed)
    }

    package func proposal(at index: Int, excluding seen: SeenConfigurations) -> Proposal? {
        let end = index + (remaining == nil ? Self.hopelessPoints : Self.points)
        for place in index..<end {
            // The sequence has 2^32 points.
            guard let point = UInt32(exactly: place) else { return nil }
            let configuration = space.configuration { sobol.coordinate(dimensions[$0], at: point) }
            if !seen.contains(configuration) { return Proposal(index: place, configuration: configuration) }
        }
        return remaining?.configuration(at: index, excluding: seen).map { Proposal(index: end - 1, configuration: $0) }
    }
}
