// SPDX-License-Identifier: MIT

import LinearAlgebra
import Randomness
import RealModule

/// Finds the point of a domain where an acquisition is largest: screens many points, then climbs from the best of them,
/// by quasi-Newton steps in the continuous coordinates and by trying values in the others, in turn.
///
/// All climbs advance together, so that one product and one solve serve the points of all. The result depends on the
/// arguments and the seed alone.
package struct AcquisitionMaximiser: Sendable {
    package struct Options: Hashable, Sendable {
        /// Scrambled Sobol points over the whole domain.
        package var screened = 1024
        /// Best observed points, and perturbations of each.
        package var (sprayed, sprays) = (5, 16)
        /// The deviation of a perturbation.
        package var sprayDeviation = 0.1
        /// How many of the screened are evaluated in full, the others in their mean only.
        package var shortlisted = 256
        /// With more observations than this the shortlist is made by the mean alone.
        package var roughLimit = 800
        package var starts = 10
        /// Of one round of a climb, and how many rounds it may have.
        package var iterations = 50
        package var rounds = 10
        package var gradient = 1e-2
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
    let options: Options
    let stream: RandomStream
    let seed: UInt64

    package init(
        _ acquisition: Acquisition, domain: SearchDomain, seed: UInt64, options: Options = Options()
    ) {
        precondition(
            acquisition.model.observations.features.count == domain.coordinates.count, "a coordinate a feature")
        self.acquisition = acquisition
        self.domain = domain
        self.options = options
        self.seed = seed
        stream = RandomStream(seed: seed, index: 0, name: "maximiser", purpose: .acquisition)
    }

    /// The best point found that is none of `taken` (points as the model sees them); nil when all points found are
    /// taken, which for a domain of at most `screened` points means that none is left.
    package func maximise(excluding taken: [[Double]] = []) -> Candidate? {
        let (points, values, isComplete) = screen()
        let order = points.indices.sorted { (values[$0], $1) > (values[$1], $0) }
        if isComplete {
            return candidates(order.lazy.map { points[$0] }, order.map { values[$0] }).first { isFree($0, taken) }
        }
        var climbs = chooseStarts(order, values).map { Climb(point: points[$0], value: values[$0]) }
        climb(&climbs)
        climbs.sort { $0.value > $1.value }
        let found = candidates(climbs.lazy.map(\.point), climbs.map(\.value))
        if let best = found.first(where: { isFree($0, taken) }) { return best }
        return candidates(order.lazy.map { points[$0] }, order.map { values[$0] }).first { isFree($0, taken) }
    }

    private func candidates(
        _ points: some Sequence<[Double]>, _ values: [Double]
    ) -> [Candidate] {
        zip(points, values).map { Candidate(point: domain.encoded($0), value: $1) }
    }

    /// Within 10^-6 in every coordinate is the same point.
    private func isFree(_ candidate: Candidate, _ taken: [[Double]]) -> Bool {
        !taken.contains { other in zip(candidate.point, other).allSatisfy { ($0 - $1).magnitude <= 1e-6 } }
    }

    /// The values of points that have values for all coordinates.
    func evaluate(_ points: [[Double]], gradients: Bool) -> Acquisition.Values {
        acquisition.evaluate(encoded(points), gradients: gradients)
    }

    private func encoded(_ points: [[Double]]) -> Matrix {
        let encoded = points.map { domain.encoded($0) }
        return Matrix(rows: points.count, columns: domain.coordinates.count) { encoded[$0][$1] }
    }

    /// Points all over the domain and around the best observed, with their values: exact for the `shortlisted` most
    /// promising, below all of those for the others.
    private func screen() -> (points: [[Double]], values: [Double], isComplete: Bool) {
        if let all = domain.enumerated(limit: options.screened) {
            return (all, evaluate(all, gradients: false).values, true)
        }
        let sobol = Sobol(dimensions: domain.coordinates.count, seed: seed)
        let points = (0..<options.screened).map { domain.point(unit: sobol.point(at: UInt32($0))) } + sprays()
        let matrix = encoded(points)
        // With many observations n² flops a point are too many for all, nd are not.
        let isLarge = acquisition.model.observations.count > options.roughLimit
        let rough = isLarge ? acquisition.model.means(at: matrix) : acquisition.screen(matrix)
        var values = [Double](repeating: -.infinity, count: points.count)
        let shortlist = points.indices.sorted { (rough[$0], $1) > (rough[$1], $0) }.prefix(options.shortlisted)
        let exact = acquisition.evaluate(
            Matrix(rows: shortlist.count, columns: matrix.columns) { matrix[shortlist[$0], $1] }, gradients: false)
        for (position, index) in shortlist.enumerated() { values[index] = exact.values[position] }
        return (points, values, false)
    }

    /// The best observed points, and each of them moved a little, with one category changed.
    private func sprays() -> [[Double]] {
        let observations = acquisition.model.observations
        let means = acquisition.model.meansAtObservations
        let best = means.indices.sorted { (means[$0], $1) > (means[$1], $0) }.prefix(options.sprayed)
        var stream = stream
        let categories = observations.features.categorical
        return best.flatMap { row -> [[Double]] in
            let centre = observations.point(row)
            return [valid(centre, moved: 0, &stream)]
                + (0..<options.sprays).map { _ in
                    var point = valid(centre, moved: options.sprayDeviation, &stream)
                    if !categories.isEmpty {
                        let index = categories[Int(stream.nextInteger(below: UInt64(categories.count)))]
                        let count = UInt64(domain.coordinates[index].choices ?? 1)
                        point[index] = Double(stream.nextInteger(below: count))
                    }
                    return point
                }
        }
    }

    /// A point of the domain near `point`; what does not count there, or is no longer allowed, is drawn at random.
    private func valid(_ point: [Double], moved deviation: Double, _ stream: inout RandomStream) -> [Double] {
        zip(domain.coordinates, point).map { coordinate, value in
            let (shift, draw) = (deviation * stream.nextNormal(), stream.nextUniform())
            switch coordinate {
            case .continuous:
                return min(max(value + shift, 0), 1)
            case .grid(let count, let values):
                return values(SearchDomain.nearest(value + shift, count: count, values: values))
            case .categories(let count):
                let isAllowed = value >= 0 && value < Double(count) && value == value.rounded(.down)
                return isAllowed ? value : Double(Int(draw * Double(count)))
            }
        }
    }

    /// The best, and others with probability proportional to exp(value), without replacement: the largest of the values
    /// with Gumbel noise added.
    private func chooseStarts(_ order: [Int], _ values: [Double]) -> [Int] {
        guard let best = order.first else { return [] }
        var stream = RandomStream(seed: seed, index: 1, name: "maximiser", purpose: .acquisition)
        let others = order.dropFirst().map { index in
            (index: index, key: values[index] - Double.log(-Double.log(stream.nextUniform() + 0x1p-54)))
        }
        return [best]
            + others.filter { $0.key > -.infinity }
            .sorted { ($0.key, $1.index) > ($1.key, $0.index) }.prefix(options.starts - 1).map(\.index)
    }
}
