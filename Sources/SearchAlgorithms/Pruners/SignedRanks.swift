// SPDX-License-Identifier: MIT

import RealModule

/// Wilcoxon's signed-rank test of paired differences against their lying symmetrically around 0.
///
/// As scipy's `wilcoxon(differences, alternative: 'greater', zero_method: 'zsplit', method: 'auto')`, version 1.17: exact
/// for up to 50 differences without ties and zeros, over all 2^n signs for up to 13 with them, else the normal
/// approximation corrected for ties.
struct SignedRanks: Sendable {
    private static let mostExact = 50
    private static let mostExactWithTies = 13

    private let count: Int
    /// Ranks of the magnitudes of differences that are not 0, and the sum of those of positive ones; mean ranks of ties,
    /// doubled so that all are integers.
    private var doubled: [Int] = []
    private var doubledPositive = 0
    /// That of the zeros, which counts half for each side.
    private var doubledZeros = 0
    /// Σ t³ − t over groups of t equal magnitudes.
    private var ties = 0.0

    init(_ differences: [Double]) {
        count = differences.count
        let order = differences.sorted { $0.magnitude < $1.magnitude }
        var start = 0
        while start < count {
            var end = start + 1
            while end < count, order[end].magnitude == order[start].magnitude { end += 1 }
            add(order[start..<end], doubledRank: start + 1 + end)
            start = end
        }
    }

    private mutating func add(_ group: ArraySlice<Double>, doubledRank: Int) {
        let size = Double(group.count)
        ties += size * (size * size - 1)
        for difference in group {
            if difference == 0 {
                doubledZeros += doubledRank
                continue
            }
            doubled.append(doubledRank)
            if difference > 0 { doubledPositive += doubledRank }
        }
    }

    /// How probable so large a sum of positive ranks is where differences are as often below 0 as above.
    var probability: Double {
        let isPlain = ties == 0 && doubledZeros == 0
        if count <= (isPlain ? Self.mostExact : Self.mostExactWithTies) { return exact }
        return approximate
    }

    /// The share of all signs that give as large a sum: by symmetry as many as leave at most the rest to the positive.
    private var exact: Double {
        let rest = doubled.reduce(0, +) - doubledPositive
        var shares = [Double](repeating: 0, count: rest + 1)
        shares[0] = 1
        for rank in doubled {
            for sum in stride(from: rest, through: 0, by: -1) {
                shares[sum] = 0.5 * (shares[sum] + (sum >= rank ? shares[sum - rank] : 0))
            }
        }
        return shares.reduce(0, +)
    }

    private var approximate: Double {
        let size = Double(count)
        let sum = 0.5 * (Double(doubledPositive) + 0.5 * Double(doubledZeros))
        let mean = size * (size + 1) / 4
        let variance = (size * (size + 1) * (2 * size + 1) - ties / 2) / 24
        return 0.5 * .erfc((sum - mean) / (2 * variance).squareRoot())
    }
}
