// SPDX-License-Identifier: MIT

import LinearAlgebra
import Randomness
import RealModule

extension AcquisitionMaximiser {
    struct Screened {
        /// A row a point, with values for all coordinates.
        var points: Matrix
        /// Exact for the most promising, -infinity for the others.
        var values: [Double]
        /// These are all points there are.
        var isComplete: Bool
    }

    /// Points all over the domain and around the best observed, with their values: exact for the `shortlisted` most
    /// promising, below all of those for the others.
    func screen() -> Screened {
        if let all = enumerated(limit: options.screened) {
            return Screened(points: all, values: evaluate(all, gradients: false).values, isComplete: true)
        }
        // With many observations n² flops a point are too many for all, nd are not.
        let isRough = acquisition.model.observations.count > options.roughLimit
        let points = spread(isRough ? options.screenedRoughly : options.screened).appendingRows(sprays())
        let matrix = encoded(points)
        let rough = acquisition.screen(matrix, isRough: isRough)
        let order = rough.indices.sorted { (rough[$0], $1) > (rough[$1], $0) }
        let shortlist = Array(order.prefix(options.shortlisted))
        var values = [Double](repeating: -.infinity, count: points.rows)
        let exact = acquisition.evaluate(matrix.selecting(shortlist), gradients: false).values
        for (index, value) in zip(shortlist, exact) { values[index] = value }
        return Screened(points: points, values: values, isComplete: false)
    }

    /// All points of the domain that are in the box, when the domain has few.
    private func enumerated(limit: Int) -> Matrix? {
        guard let all = domain.enumerated(limit: limit) else { return nil }
        let inside = all.filter { point in point.indices.allSatisfy { allowed[$0].nearest(point[$0]) == point[$0] } }
        return Matrix(rows: inside.count, columns: domain.coordinates.count) { inside[$0][$1] }
    }

    /// Sobol points over the domain or box, shifted digit by digit: a net of the same quality for a tenth of the cost of
    /// scrambling it, and nothing else here needs the independence that scrambling buys.
    private func spread(_ count: Int) -> Matrix {
        let sobol = Sobol(dimensions: domain.coordinates.count, seed: nil)
        let stream = RandomStream(seed: seed, index: 2, name: "maximiser", purpose: .acquisition)
        var points = Matrix(rows: count, columns: domain.coordinates.count)
        for coordinate in domain.coordinates.indices {
            let shift = UInt32(truncatingIfNeeded: stream.bits(draw: UInt32(coordinate)))
            for index in 0..<count {
                let digits = UInt32(sobol.coordinate(coordinate, at: UInt32(index)) * 0x1p32)
                points.elements[index + coordinate * count] =
                    allowed[coordinate].value(unit: (Double(digits ^ shift) + 0.5) * 0x1p-32)
            }
        }
        guard let box, box.perturbation < 1 else { return points }
        keepMost(of: box, &points)
        return points
    }

    /// Leaves each coordinate of each point as it is with the box's probability, one at least, and sets the others to
    /// the centre's.
    private func keepMost(of box: SearchBox, _ points: inout Matrix) {
        var stream = RandomStream(seed: seed, index: 3, name: "maximiser", purpose: .acquisition)
        let centre = valid(box.centre, moved: 0, &stream)
        for index in 0..<points.rows {
            let one = Int(stream.nextInteger(below: UInt64(centre.count)))
            for coordinate in centre.indices {
                let isPerturbed = stream.nextUniform() < box.perturbation
                if !isPerturbed, coordinate != one { points[index, coordinate] = centre[coordinate] }
            }
        }
    }

    /// The best observed points, and each of them moved a little, every other time with one category changed.
    private func sprays() -> Matrix {
        let observations = acquisition.model.observations
        let means = acquisition.model.meansAtObservations
        let best = means.indices.sorted { (means[$0], $1) > (means[$1], $0) }.prefix(options.sprayed)
        var stream = RandomStream(seed: seed, index: 0, name: "maximiser", purpose: .acquisition)
        let categories = observations.features.categorical
        let points = best.flatMap { row -> [[Double]] in
            let centre = observations.point(row)
            return [valid(centre, moved: 0, &stream)]
                + (0..<options.sprays).map { index in
                    let deviation = options.sprayDeviations[index % options.sprayDeviations.count]
                    var point = valid(centre, moved: deviation, &stream)
                    if !categories.isEmpty, index % 2 == 1 {
                        let index = categories[Int(stream.nextInteger(below: UInt64(categories.count)))]
                        point[index] = allowed[index].value(unit: stream.nextUniform())
                    }
                    return point
                }
        }
        return Matrix(rows: points.count, columns: domain.coordinates.count) { points[$0][$1] }
    }

    /// An allowed point near `point`; what does not count there, or is not allowed, is put in its bounds or drawn at
    /// random.
    private func valid(_ point: [Double], moved deviation: Double, _ stream: inout RandomStream) -> [Double] {
        point.indices.map { index in
            let draw = stream.nextUniform()
            switch allowed[index] {
            case .interval, .grid:
                let shift = deviation > 0 ? deviation * stream.nextNormal() : 0
                return allowed[index].nearest(point[index] + shift) ?? point[index]
            case .categories:
                return allowed[index].nearest(point[index]) ?? allowed[index].value(unit: draw)
            }
        }
    }

    /// The best, and others with probability proportional to exp(value), without replacement (the largest of the values
    /// with Gumbel noise added), none of them close to another: they would climb to the same peak.
    func chooseStarts(_ order: [Int], _ screened: Screened) -> [Climb] {
        guard let best = order.first else { return [] }
        let values = screened.values
        var stream = RandomStream(seed: seed, index: 1, name: "maximiser", purpose: .acquisition)
        let others = order.dropFirst().filter { values[$0] > -.infinity }.map { index in
            (index: index, key: values[index] - Double.log(-Double.log(stream.nextUniform() + 0x1p-54)))
        }
        let kernel = acquisition.model.kernel
        var starts: [Climb] = []
        for index in [best] + others.sorted(by: { ($0.key, $1.index) > ($1.key, $0.index) }).map(\.index) {
            if starts.count == options.starts { break }
            let point = row(screened.points, index)
            let isClose = starts.contains {
                kernel.squaredDistance(domain.encoded($0.point), domain.encoded(point))
                    < options.spacing * options.spacing
            }
            if !isClose { starts.append(Climb(point: point, value: values[index])) }
        }
        return starts
    }
}
