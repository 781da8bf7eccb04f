// SPDX-License-Identifier: MIT

import GaussianProcess

/// Which failures their place explains, and which look like chance: most of the results next to them failed as well, or did
/// not (the nearest-neighbour rule: Cover and Hart, "Nearest neighbor pattern classification", 1967).
struct FailurePlaces {
    private let points: [[Double]]
    private let failed: [Bool]
    private let categorical: Set<Int>
    /// How many are asked, of those that are nearest in the model's coordinates.
    private static let neighbours = 7

    /// - Parameter points: of all results, with values; `failed`: which of them.
    init(points: [[Double]], failed: [Bool], features: Features) {
        self.points = points
        self.failed = failed
        categorical = Set(features.categorical)
    }

    /// Whether most of the results nearest to it failed too.
    func explain(_ result: Int) -> Bool {
        var nearest: [(distance: Double, failed: Bool)] = []
        for other in points.indices where other != result {
            let distance = distance(points[result], points[other])
            if nearest.count == Self.neighbours, let last = nearest.last, distance >= last.distance { continue }
            let place = nearest.firstIndex { $0.distance > distance } ?? nearest.count
            nearest.insert((distance, failed[other]), at: place)
            if nearest.count > Self.neighbours { nearest.removeLast() }
        }
        return 2 * nearest.count(where: \.failed) > nearest.count
    }

    private func distance(_ one: [Double], _ other: [Double]) -> Double {
        var sum = 0.0
        for index in one.indices {
            let step = one[index] - other[index]
            sum += categorical.contains(index) ? (step == 0 ? 0 : 1) : step * step
        }
        return sum
    }
}
