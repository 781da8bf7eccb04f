// SPDX-License-Identifier: MIT

import LinearAlgebra
import Randomness

/// Finds the point of a domain where an acquisition is largest: screens many points, then climbs from the best of them,
/// by quasi-Newton steps in the continuous coordinates and by trying values in the others, in turn.
///
/// All climbs advance together, so that one product and one solve serve the points of all. The result depends on the
/// arguments and the seed alone.
package struct AcquisitionMaximiser: Sendable {
    package struct Options: Hashable, Sendable {
        /// Sobol points over the whole domain: when few are observed, and when so many are that the shortlist is made
        /// roughly, for peaks that are narrow and few by then.
        package var (screened, screenedRoughly) = (1024, 2048)
        /// Best observed points, and perturbations of each.
        package var (sprayed, sprays) = (10, 18)
        /// The deviations of the perturbations, in turn: peaks are the narrower the longer the search.
        package var sprayDeviations = [0.1, 0.03, 0.01]
        /// How many of the screened are evaluated in full, the others roughly.
        package var shortlisted = 128
        /// With more observations than this the shortlist is made without exact variances.
        package var roughLimit = 100
        package var starts = 10
        /// How far apart they are at least, in x/ℓ.
        package var spacing = 0.15
        /// Of one round of a climb, and how many rounds it may have.
        package var iterations = 50
        package var rounds = 10
        /// On the gradient in x/ℓ, and on what an iteration gains, in nats.
        package var (gradient, gain) = (1e-2, 1e-3)
        /// After so many evaluations a climb goes on only while it is no more nats than this below the best.
        package var (trial, lag) = (8, 3.0)
        /// Discrete coordinates with more values than this are searched coarse to fine instead of one by one.
        package var exhaustive = 16

        package init() {}
    }

    package struct Candidate: Hashable, Sendable {
        /// As the model sees it.
        package let point: [Double]
        package let value: Double
    }

    let acquisition: Acquisition
    let domain: SearchDomain
    let box: SearchBox?
    let options: Options
    let seed: UInt64
    /// One a coordinate.
    let allowed: [AllowedValues]

    /// - Parameters:
    ///   - box: where to look; everywhere when nil.
    ///   - excluded: a category of a coordinate with more than one that is not to be proposed where that coordinate
    ///     counts.
    package init(
        _ acquisition: Acquisition, domain: SearchDomain, box: SearchBox? = nil, excluded: ExcludedCategory? = nil,
        seed: UInt64, options: Options = Options()
    ) {
        let count = domain.coordinates.count
        precondition(acquisition.model.observations.features.count == count, "a coordinate a feature")
        precondition(box.map { $0.centre.count == count } ?? true, "two bounds a coordinate")
        self.acquisition = acquisition
        self.domain = domain
        self.box = box
        self.options = options
        self.seed = seed
        allowed = domain.coordinates.indices.map { index in
            AllowedValues(
                domain.coordinates[index], bounds: box.map { $0.lower[index]...$0.upper[index] },
                excluded: excluded?.coordinate == index ? excluded?.category : nil)
        }
    }

    /// The best point found that is none of `taken` (points as the model sees them); nil when all points found are
    /// taken, which for a domain, or box, of at most `screened` points means that none is left.
    ///
    /// - Parameter isWanted: what else a point has to meet.
    package func maximise(
        excluding taken: [[Double]] = [], where isWanted: ([Double]) -> Bool = { _ in true }
    ) -> Candidate? {
        let screened = screen()
        let order = screened.values.indices.sorted {
            (screened.values[$0], $1) > (screened.values[$1], $0)
        }
        if !screened.isComplete {
            var climbs = chooseStarts(order, screened)
            climb(&climbs)
            climbs.sort { $0.value > $1.value }
            for climb in climbs {
                let point = domain.encoded(climb.point)
                if isFree(point, taken), isWanted(point) { return Candidate(point: point, value: climb.value) }
            }
        }
        for index in order {
            let point = domain.encoded(row(screened.points, index))
            if isFree(point, taken), isWanted(point) {
                return Candidate(point: point, value: screened.values[index])
            }
        }
        return nil
    }

    /// Within 10^-6 in every coordinate is the same point.
    private func isFree(_ point: [Double], _ taken: [[Double]]) -> Bool {
        !taken.contains { other in point.indices.allSatisfy { (point[$0] - other[$0]).magnitude <= 1e-6 } }
    }

    /// The values of points (rows) that have values for all coordinates.
    func evaluate(_ points: Matrix, gradients: Bool) -> Acquisition.Values {
        acquisition.evaluate(encoded(points), gradients: gradients)
    }

    func encoded(_ points: Matrix) -> Matrix {
        if !domain.isConditional { return points }
        var encoded = points
        for index in 0..<points.rows {
            for (coordinate, value) in domain.encoded(row(points, index)).enumerated() {
                encoded[index, coordinate] = value
            }
        }
        return encoded
    }

    func row(_ matrix: Matrix, _ index: Int) -> [Double] {
        (0..<matrix.columns).map { matrix.elements[index + $0 * matrix.rows] }
    }
}
