// SPDX-License-Identifier: MIT

import Randomness
package import SweepModel

/// Random search: every parameter of proposal k is drawn by a stream of its own, keyed by (sweep seed, k, parameter
/// name). A duplicate is drawn again, all its parameters, with the streams' next numbers.
package struct RandomSampler: Sampler {
    /// Draws before a finite space is walked instead.
    private static let draws: UInt32 = 64
    /// Draws before a space that is not finite is taken for exhausted: it has few values of any likelihood.
    private static let hopelessDraws: UInt32 = 10_000

    private let space: SearchSpace
    private let seed: UInt64
    /// One a parameter, all different.
    private let nameHashes: [UInt32]
    private let remaining: RemainingCells?

    package init(space: SearchSpace, seed: UInt64) {
        self.space = space
        self.seed = seed
        nameHashes = distinctHashes(space.parameters.map(\.name))
        remaining = RemainingCells(space: space, seed: seed)
    }

    package func proposal(at index: Int, excluding seen: SeenConfigurations) -> Proposal? {
        let streams = nameHashes.map { RandomStream(seed: seed, index: index, nameHash: $0, purpose: .proposal) }
        for draw in 0..<(remaining == nil ? Self.hopelessDraws : Self.draws) {
            let configuration = space.configuration { streams[$0].uniform(draw: draw) }
            if !seen.contains(configuration) { return Proposal(index: index, configuration: configuration) }
        }
        return remaining?.configuration(at: index, excluding: seen).map { Proposal(index: index, configuration: $0) }
    }
}

/// The names' hashes, except that a name whose hash an earlier one has is hashed with a prime behind it: otherwise the
/// two parameters would always be drawn alike.
func distinctHashes(_ names: [String]) -> [UInt32] {
    var taken: Set<UInt32> = []
    return names.map { name in
        var candidate = name
        while !taken.insert(fnv1a32(candidate)).inserted { candidate += "'" }
        return fnv1a32(candidate)
    }
}
