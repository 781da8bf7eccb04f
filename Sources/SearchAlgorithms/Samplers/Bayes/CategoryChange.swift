// SPDX-License-Identifier: MIT

import GaussianProcess
import Randomness

/// When a proposal has to leave a category of the best point, whatever the model thinks of the others.
///
/// A model that has met a category a few times only, away from the best place, can be sure and wrong that it is worse. It
/// then proposes the best point over and over, each time a little moved, and from so many values that differ by noise
/// alone it learns nothing that would tell it so.
struct CategoryChange: Sendable {
    /// After so many points in a row that have all categories of the best, another is due.
    static let patience = 4

    private let domain: SearchDomain

    init(_ domain: SearchDomain) {
        self.domain = domain
    }

    /// The category to leave: one of the best point's, at random; nil while none has to be left.
    ///
    /// - Parameter last: points in the order of their results, pending ones at the end, as the model sees them.
    func excluded(best: [Double], last: [[Double]], stream: inout RandomStream) -> ExcludedCategory? {
        let coordinates = domain.features.categorical.filter { coordinate in
            (domain.coordinates[coordinate].choices ?? 1) > 1 && best[coordinate] != SearchDomain.inactive
        }
        guard !coordinates.isEmpty, last.count >= Self.patience else { return nil }
        let isAlike = last.suffix(Self.patience).allSatisfy { point in
            coordinates.allSatisfy { point[$0] == best[$0] }
        }
        guard isAlike else { return nil }
        let coordinate = coordinates[Int(stream.nextInteger(below: UInt64(coordinates.count)))]
        return ExcludedCategory(coordinate: coordinate, category: Int(best[coordinate]))
    }
}
