// SPDX-License-Identifier: MIT

import LinearAlgebra
import Randomness
import RealModule
import Testing

@testable import GaussianProcess

struct TrustRegionTests {
    /// Up to four features on one worker: four failures shrink.
    @Test(arguments: [
        ([Double](), 0.8), ([5], 0.8), ([1, 2, 3], 0.8), ([1, 2, 3, 4], 1.6), ([1, 2, 3, 4, 5, 6, 7], 1.6),
        ([1, 0, 0, 0], 0.8), ([1, 0, 0, 0, 0], 0.4), ([1, 0, 0, 0, 2, 0, 0, 0], 0.8), ([1, 2, 3, 0, 4, 5], 0.8),
        ([1, 2, 3, 0, 4, 5, 6], 1.6), ([1, 0, 0, 0, 0, 0, 0, 0, 0], 0.2), ([1, 0, 0, 0, 0, 2, 3, 4], 0.8),
        ([Double.nan, 1, Double.nan, 0, -Double.infinity, Double.nan], 0.4),
    ])
    func sides(values: [Double], expected: Double) {
        #expect(TrustRegion(values: values, features: 2).side == expected)
    }

    /// More than a thousandth of the best, of either sign; what is less still raises the best.
    @Test func improvements() {
        func side(_ values: [Double]) -> Double { TrustRegion(values: values, features: 1).side }
        #expect(side([1000, 1001.5, 1003, 1004.5]) == 1.6)
        #expect(side([1000, 1000.5, 1001.4, 1002.3, 1003.2]) == 0.4)
        #expect(side([-10, -9.98, -9.96, -9.94]) == 1.6)
        #expect(side([-10, -9.995, -9.99, -9.985, -9.98]) == 0.4)
    }

    @Test(arguments: [(30, 30), (5, 5), (3, 4), (1, 4)])
    func failuresUntilItShrinks(features: Int, failures: Int) {
        let (before, after) = (
            TrustRegion(values: [1] + Array(repeating: 0, count: failures - 1), features: features),
            TrustRegion(values: [1] + Array(repeating: 0, count: failures), features: features)
        )
        #expect(before.side == 0.8 && after.side == 0.4)
    }

    /// 0.8/2⁷ = 0.00625 is below 2⁻⁷.
    @Test func startsAgain() {
        func region(_ failures: Int) -> TrustRegion {
            TrustRegion(values: [1] + Array(repeating: 0, count: failures), features: 4)
        }
        #expect(region(24).side == 0.0125 && region(24).restarts == 0)
        #expect(region(28).side == 0.8 && region(28).restarts == 1)
        #expect(region(32).side == 0.4 && region(56).restarts == 2)
    }

    /// ℓ = 1, 4 have the geometric mean 2: sides 0.4 and 1.6; the category's ℓ does not count.
    @Test func box() {
        let region = TrustRegion(values: [], features: 3)
        let box = region.box(
            centre: [0.5, 2, 0.1], features: Features([.continuous, .categorical, .continuous]),
            lengthScales: [1, 100, 4])
        #expect(difference(box.lower, [0.3, 0, 0]) < 1e-15 && difference(box.upper, [0.7, 1, 0.9]) < 1e-15)
        #expect(box.centre == [0.5, 2, 0.1] && box.perturbation == 1)
        let wide = region.box(
            centre: Array(repeating: 0.5, count: 80), features: Features(Array(repeating: .continuous, count: 80)),
            lengthScales: Array(repeating: 2, count: 80))
        #expect(wide.perturbation == 0.25 && difference(wide.lower, Array(repeating: 0.1, count: 80)) < 1e-14)
    }
}

/// Maximisations in a box; the argument is the seed.
struct SearchBoxTests {
    /// Twelve values at 1/24, 3/24, …: from 0.3 to 0.62 there are those with the indices 4 to 6.
    private let domain = SearchDomain([
        .continuous, .grid(count: 12) { (Double($0) + 0.5) / 12 }, .categories(count: 3), .continuous,
        .grid(count: 50) { (Double($0) + 0.5) / 50 },
    ])
    private let box = SearchBox(
        lower: [0.2, 0.3, 0, 0.55, 0.5], upper: [0.35, 0.62, 1, 0.6, 0.501], centre: [0.3, 0.375, 1, 0.58, 0.51],
        perturbation: 0.5)

    private func acquisition() throws -> Acquisition {
        let sobol = Sobol(dimensions: 5, seed: 6)
        let points = (0..<30).map { domain.point(unit: sobol.point(at: UInt32($0))) }
        let values = OutputTransform(points.map { $0[0] - $0[1] * $0[3] + ($0[2] == 2 ? 1 : 0) }).values
        let model = try GaussianProcess(
            Observations(features: domain.features, points: points, values: values),
            hyperparameters: Priors(features: 5).start)
        let pending = matrix([[0.3, 0.375, 1, 0.58, 0.51]], columns: 5)
        return Acquisition(
            model, fantasies: try Fantasies(model, pending: pending, incumbent: model.incumbentValue, seed: 1))
    }

    private func isInside(_ point: [Double]) -> Bool {
        point[0] >= 0.2 && point[0] <= 0.35 && [4.5, 5.5, 6.5].contains { difference(12 * point[1], $0) < 1e-12 }
            && [0, 1, 2].contains(point[2]) && point[3] >= 0.55 && point[3] <= 0.6
            // None of the values is in the bounds: the one closest to their middle.
            && (difference(50 * point[4], 24.5) < 1e-12 || difference(50 * point[4], 25.5) < 1e-12)
    }

    @Test(arguments: 0..<6)
    func everythingStaysInside(seed: Int) throws {
        let maximiser = AcquisitionMaximiser(try acquisition(), domain: domain, box: box, seed: UInt64(seed))
        let screened = maximiser.screen()
        let rows = (0..<screened.points.rows).map { maximiser.row(screened.points, $0) }
        #expect(rows.allSatisfy(isInside), "seed \(seed)")
        // Half of the coordinates at random keep the centre's value.
        let kept = rows.prefix(1024).filter { $0[0] == 0.3 }.count
        #expect(kept > 300 && kept < 512, "seed \(seed): \(kept)")
        #expect(Set(rows.map { $0[2] }).count == 3, "seed \(seed)")
        var climbs = rows.prefix(8).map { Climb(point: $0, value: -.infinity) }
        maximiser.climb(&climbs)
        #expect(climbs.allSatisfy { isInside($0.point) && $0.value.isFinite }, "seed \(seed)")
        let found = try #require(maximiser.maximise())
        #expect(isInside(found.point) && found == maximiser.maximise(), "seed \(seed)")
    }

    @Test(arguments: 0..<3)
    func findsTheBestPointInside(seed: Int) throws {
        let acquisition = try acquisition()
        let all = SearchBox(
            lower: box.lower, upper: box.upper, centre: box.centre)
        let found = try #require(
            AcquisitionMaximiser(acquisition, domain: domain, box: all, seed: UInt64(seed)).maximise())
        let sobol = Sobol(dimensions: 5, seed: 1000 + UInt64(seed))
        let others = (0..<2000).map { index in
            let unit = sobol.point(at: UInt32(index))
            return unit.indices.map { coordinate in
                AllowedValues(
                    domain.coordinates[coordinate], bounds: box.lower[coordinate]...box.upper[coordinate]
                ).value(unit: unit[coordinate])
            }
        }
        #expect(others.allSatisfy(isInside))
        let best = acquisition.evaluate(matrix(others, columns: 5), gradients: false).values.reduce(-.infinity, max)
        #expect(found.value >= best - 1e-3, "seed \(seed)")
    }

    @Test func fewPointsAreAllTried() throws {
        let domain = SearchDomain([.grid(count: 5) { Double($0) / 4 }, .categories(count: 2)])
        let model = try GaussianProcess(
            Observations(features: domain.features, points: [[0, 0], [1, 1]], values: [0, 1]),
            hyperparameters: Priors(features: 2).start)
        let maximiser = AcquisitionMaximiser(
            Acquisition(model, fantasies: .none(model, incumbent: 1)), domain: domain,
            box: SearchBox(lower: [0.25, 0], upper: [0.6, 1], centre: [0.5, 0]), seed: 1)
        var taken: [[Double]] = []
        while let next = maximiser.maximise(excluding: taken) { taken.append(next.point) }
        #expect(Set(taken) == [[0.25, 0], [0.25, 1], [0.5, 0], [0.5, 1]])
    }
}
