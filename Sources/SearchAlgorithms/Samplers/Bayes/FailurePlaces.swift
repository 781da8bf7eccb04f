// SPDX-License-Identifier: MIT

import GaussianProcess

/// Which failures their place explains, and which look like chance: most of the results next to them failed as well, or did
/// not (the nearest-neighbour rule: Cover and Hart, "Nearest neighbor pattern classification", 1967).
struct FailurePlaces {
    /// In rows, one after the other.
    private let coordinates: [Double]
    private let failed: [Bool]
    private let isCategorical: [Bool]
    /// How many are asked, of those that are nearest in the model's coordinates.
    private static let neighbours = 7

    /// - Parameter points: of all results, with values; `failed`: which of them.
    init(points: [[Double]], failed: [Bool], features: Features) {
        coordinates = points.flatMap(\.self)
        self.failed = failed
        isCategorical = features.kinds.map { $0 == .categorical }
    }

    /// Whether most of the results nearest to it failed too.
    func explain(_ result: Int) -> Bool {
        var nearest: [(distance: Double, failed: Bool)] = []
        var farthest = Double.infinity
        for other in failed.indices where other != result {
            let distance = distance(result, other, limit: farthest)
            if distance >= farthest { continue }
            let place = nearest.firstIndex { $0.distance > distance } ?? nearest.count
            nearest.insert((distance, failed[other]), at: place)
            if nearest.count > Self.neighbours { nearest.removeLast() }
            if nearest.count == Self.neighbours { farthest = nearest[Self.neighbours - 1].distance }
        }
        return 2 * nearest.count(where: \.failed) > nearest.count
    }

    /// The squared distance, or something above the limit where that is certain early: of thousands of results and hundreds
    /// of failures most pairs are far apart.
    private func distance(_ one: Int, _ other: Int, limit: Double) -> Double {
        let count = isCategorical.count
        var sum = 0.0
        for index in 0..<count {
            let step = coordinates[one * count + index] - coordinates[other * count + index]
            sum += isCategorical[index] ? (step == 0 ? 0 : 1) : step * step
            if sum > limit { break }
        }
        return sum
    }
}
