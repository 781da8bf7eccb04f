// SPDX-License-Identifier: MIT

package import SweepModel

/// Where a search begins that knows nothing yet: the middle of the space, then scrambled Sobol points; and what is left
/// of a finite space when there is nothing better to go by.
struct InitialDesign: Sendable {
    private let space: SearchSpace
    private let sobol: SobolSampler
    private let random: RandomSampler
    /// How many proposals belong to it.
    let size: Int

    /// - Parameter trials: the sweep's total, of which the design takes a quarter at most.
    init(space: SearchSpace, seed: UInt64, trials: Int?, hasBaseline: Bool) throws(SamplerError) {
        self.space = space
        sobol = try SobolSampler(space: space, seed: seed)
        random = RandomSampler(space: space, seed: seed)
        startsInTheMiddle = !hasBaseline
        size = Self.size(dimensions: space.varied.count, trials: trials)
    }

    private let startsInTheMiddle: Bool

    /// Beyond, a model of many parameters learns more from points of its own choice (decision 11).
    private static let largestSize = 20

    /// 2(d + 1), at least 8, at most 20 and a quarter of the total.
    static func size(dimensions: Int, trials: Int?) -> Int {
        let wanted = min(max(8, 2 * (dimensions + 1)), largestSize)
        return trials.map { min(wanted, max(2, $0 / 4)) } ?? wanted
    }

    func configuration(at index: Int, excluding seen: SeenConfigurations) -> Configuration? {
        if index == 0, startsInTheMiddle {
            let middle = space.configuration { _ in 0.5 }
            if !seen.contains(middle) { return middle }
        }
        return sobol.proposal(at: index, excluding: seen)?.configuration
    }

    /// Anything new; nil when the space is exhausted.
    func remainder(at index: Int, excluding seen: SeenConfigurations) -> Configuration? {
        random.proposal(at: index, excluding: seen)?.configuration
    }
}

extension SearchSpace {
    /// The parameters that can differ between configurations.
    package var varied: [Parameter] {
        parameters.filter { parameter in
            if case .constant = parameter.distribution { false } else { parameter.distribution.levels?.count != 1 }
        }
    }
}
