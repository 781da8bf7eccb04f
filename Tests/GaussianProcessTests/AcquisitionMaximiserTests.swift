// SPDX-License-Identifier: MIT

import LinearAlgebra
import Randomness
import RealModule
import Testing

@testable import GaussianProcess

struct AcquisitionMaximiserTests {
    private func acquisition(
        _ domain: SearchDomain, count: Int, seed: UInt64, pending: [[Double]] = [],
        _ function: ([Double]) -> Double
    ) throws -> Acquisition {
        let sobol = Sobol(dimensions: domain.coordinates.count, seed: seed)
        let points = (0..<count).map { domain.encoded(domain.point(unit: sobol.point(at: UInt32($0)))) }
        let observations = Observations(
            features: domain.features, points: points, values: OutputTransform(points.map(function)).values)
        let (model, _) = try GaussianProcess.fitted(
            observations, priors: Priors(features: domain.coordinates.count, noiseDeviation: 1), seed: seed)
        let incumbent = model.incumbentValue
        return Acquisition(
            model,
            fantasies: try Fantasies(
                model, pending: matrix(pending, columns: domain.coordinates.count), incumbent: incumbent, seed: seed))
    }

    private func grid(_ count: Int) -> SearchDomain.Coordinate {
        .grid(count: count) { (Double($0) + 0.5) / Double(count) }
    }

    /// A parent of three categories; the second coordinate counts with the first of them, the third with the others.
    private var conditional: SearchDomain {
        SearchDomain([.categories(count: 3), .continuous, grid(40), .continuous]) { point in
            [true, point[0] == 0, point[0] != 0, true]
        }
    }

    /// No point of 4,000 at random is better than the one found, by much.
    @Test(arguments: 0..<6)
    func beatsManyRandomPoints(seed: Int) throws {
        let domains = [
            SearchDomain([.continuous, .continuous, .continuous]),
            SearchDomain([.continuous, grid(7), .categories(count: 4)]), conditional,
        ]
        for (kind, domain) in domains.enumerated() {
            let dimensions = domain.coordinates.count
            let acquisition = try acquisition(domain, count: 20, seed: UInt64(seed), pending: []) { point in
                Double.sin(5 * point[0]) - (point[1] - 0.3) * (point[1] - 0.3) + point[2] / 3
            }
            let found = try #require(
                AcquisitionMaximiser(acquisition, domain: domain, seed: UInt64(seed)).maximise())
            let sobol = Sobol(dimensions: dimensions, seed: 1000 + UInt64(seed))
            let others = matrix(
                (0..<4000).map { domain.encoded(domain.point(unit: sobol.point(at: UInt32($0)))) },
                columns: dimensions)
            let best = acquisition.evaluate(others, gradients: false).values.reduce(-.infinity, max)
            #expect(found.value >= best - 1e-3, "seed \(seed), domain \(kind)")
            let again = acquisition.evaluate(matrix([found.point], columns: dimensions), gradients: false).values[0]
            #expect(difference(found.value, again) < 1e-9, "seed \(seed), domain \(kind)")
            #expect(domain.encoded(found.point) == found.point, "seed \(seed), domain \(kind)")
        }
    }

    @Test func proposesPointsOfTheDomainOnly() throws {
        let domain = conditional
        let acquisition = try acquisition(domain, count: 15, seed: 3) { $0[3] + ($0[0] == 1 ? $0[2] : 0) }
        for seed in 0..<10 {
            let point = try #require(
                AcquisitionMaximiser(acquisition, domain: domain, seed: UInt64(seed)).maximise()
            ).point
            #expect([0, 1, 2].contains(point[0]), "seed \(seed)")
            if point[0] == 0 {
                #expect(point[2] == SearchDomain.inactive && point[1] >= 0 && point[1] <= 1, "seed \(seed)")
            } else {
                let index = point[2] * 40 - 0.5
                #expect(point[1] == SearchDomain.inactive && difference(index, index.rounded()) < 1e-9, "seed \(seed)")
            }
        }
    }

    /// The best point would have category 1 of the first coordinate.
    @Test(arguments: 0..<10) func excludedCategoriesAreNotProposed(seed: Int) throws {
        for domain in [
            SearchDomain([.categories(count: 3), .continuous]), SearchDomain([.categories(count: 3), grid(4)]),
        ] {
            let acquisition = try acquisition(domain, count: 10, seed: 3) { ($0[0] == 1 ? 1 : 0) + $0[1] / 5 }
            func category(_ excluded: ExcludedCategory?) -> Double? {
                AcquisitionMaximiser(acquisition, domain: domain, excluded: excluded, seed: UInt64(seed))
                    .maximise()?.point[0]
            }
            #expect(category(nil) == 1)
            #expect([0, 2].contains(category(ExcludedCategory(coordinate: 0, category: 1))))
        }
    }

    @Test func isRepeatable() throws {
        let acquisition = try acquisition(conditional, count: 15, seed: 3, pending: [[0, 0.2, 0.5, 0.7]]) { $0[3] }
        let (first, second) = (
            AcquisitionMaximiser(acquisition, domain: conditional, seed: 5).maximise(),
            AcquisitionMaximiser(acquisition, domain: conditional, seed: 5).maximise()
        )
        #expect(first == second && first != nil)
    }

    @Test func takesTheLastPointLeftAndThenNone() throws {
        let domain = SearchDomain([grid(3), .categories(count: 2)])
        let acquisition = try acquisition(domain, count: 4, seed: 1) { $0[0] + $0[1] }
        let all = try #require(domain.enumerated(limit: 6))
        #expect(all.count == 6)
        let maximiser = AcquisitionMaximiser(acquisition, domain: domain, seed: 1)
        for left in all {
            #expect(maximiser.maximise(excluding: all.filter { $0 != left })?.point == left)
        }
        #expect(maximiser.maximise(excluding: all) == nil)
    }

    @Test func longGridsAreSearchedToTheLastStep() throws {
        let domain = SearchDomain([grid(100_000), grid(5000)])
        let acquisition = try acquisition(domain, count: 15, seed: 2) { point in
            -(point[0] - 0.37) * (point[0] - 0.37) - (point[1] - 0.61) * (point[1] - 0.61)
        }
        let found = try #require(AcquisitionMaximiser(acquisition, domain: domain, seed: 2).maximise())
        let free = SearchDomain([.continuous, .continuous])
        let bound = try #require(AcquisitionMaximiser(acquisition, domain: free, seed: 2).maximise())
        #expect(found.value > bound.value - 0.02, "\(found), \(bound)")
    }

    /// Cells' centres: 0.05, 0.15, 0.25, …
    @Test(arguments: [(0.19, 10, 1), (0.21, 10, 2), (0.26, 10, 2), (-1, 10, 0), (7, 10, 9), (0.3, 1, 0)])
    func nearest(value: Double, count: Int, expected: Int) {
        #expect(SearchDomain.nearest(value, count: count) { (Double($0) + 0.5) / Double(count) } == expected)
    }

    /// Proposals in a loop find a smooth function's maximum.
    @Test func loopFindsTheMaximum() throws {
        let domain = SearchDomain([.continuous, .continuous, .categories(count: 2)])
        func function(_ point: [Double]) -> Double {
            let (x, y) = (15 * point[0] - 5, 15 * point[1])
            let term = y - 5.1 / (4 * .pi * .pi) * x * x + 5 / .pi * x - 6
            return -(term * term + 10 * (1 - 1 / (8 * .pi)) * Double.cos(x) + 10) - (point[2] == 0 ? 5 : 0)
        }
        let sobol = Sobol(dimensions: 3, seed: 11)
        var points = (0..<8).map { domain.point(unit: sobol.point(at: UInt32($0))) }
        var previous: Hyperparameters?
        for step in 0..<30 {
            let observations = Observations(
                features: domain.features, points: points, values: OutputTransform(points.map(function)).values)
            let (model, fit) = try GaussianProcess.fitted(
                observations, priors: Priors(features: 3), previous: previous, ordinal: step, seed: 11)
            previous = fit.hyperparameters
            let acquisition = Acquisition(model, fantasies: .none(model, incumbent: model.incumbentValue))
            let maximiser = AcquisitionMaximiser(acquisition, domain: domain, seed: UInt64(step))
            points.append(try #require(maximiser.maximise(excluding: points)).point)
        }
        let best = points.map(function).reduce(-.infinity, max)
        #expect(best > -0.397887 - 0.02, "\(best)")
    }
}
