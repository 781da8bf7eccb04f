// SPDX-License-Identifier: MIT

import LinearAlgebra
import Randomness
import RealModule
import Testing

@testable import GaussianProcess

/// Pending points; the argument is the random case's seed.
struct FantasiesTests {
    /// In each world the fantasised values are observations without noise.
    @Test(arguments: 0..<30)
    func worldsAreModelsWithTheFantasiesObserved(seed: Int) throws {
        var random = RandomCase(seed: seed)
        let model = try GaussianProcess(random.observations, hyperparameters: random.hyperparameters)
        let pending = random.randomPoints(3)
        let normals = Matrix(rows: 3, columns: 1, elements: (0..<3).map { _ in random.stream.nextNormal() })
        let fantasies = try Fantasies(model, points: pending, normals: normals, incumbent: 0.3)
        let query = random.randomPoints(1)
        let value = Acquisition(model, fantasies: fantasies).evaluate(query, gradients: false).values[0]

        let moved = fantasies.cholesky.factor.times(normals).elements
        let drawn = zip(model.means(at: pending), moved).map { $0 + $1 }
        // 10^-8 of noise, as on the diagonal of Σ_BB; the mean stays what the values proper make it.
        let world = try GaussianProcess(
            random.observations, hyperparameters: random.hyperparameters, mean: .fixed(model.mean)
        ).appending(
            Observations(
                features: random.features, points: pending, values: drawn,
                repeats: [1, 1, 1], weights: [1, 1, 1].map { $0 * random.hyperparameters.noiseVariance / 1e-8 },
                scatter: 0))
        let prediction = world.predict(query)
        let s = (prediction.variances[0] + 1e-12).squareRoot()
        let expected =
            logExpectedImprovement((prediction.means[0] - drawn.reduce(0.3, max)) / s).value + Double.log(s)
        #expect(difference(value, expected) < 1e-5, "seed \(seed)")
    }

    @Test func valueFallsAtPendingPoints() throws {
        var random = RandomCase(seed: 12)
        let model = try GaussianProcess(random.observations, hyperparameters: random.hyperparameters)
        let pending = random.randomPoints(4)
        let incumbent = model.incumbentValue
        let plain = Acquisition(model, fantasies: .none(model, incumbent: incumbent))
        let aware = Acquisition(
            model, fantasies: try Fantasies(model, pending: pending, incumbent: incumbent, seed: 1))
        let (before, after) = (
            plain.evaluate(pending, gradients: false).values, aware.evaluate(pending, gradients: false).values
        )
        #expect(zip(before, after).allSatisfy { $0 > $1 + 3 }, "\(before), \(after)")
    }

    /// 64 Sobol normals estimate the mean over all worlds well.
    @Test func drawsAgreeWithOthers() throws {
        var told = 0
        for seed in 0..<10 {
            var random = RandomCase(seed: seed)
            let model = try GaussianProcess(random.observations, hyperparameters: random.hyperparameters)
            let (pending, query) = (random.randomPoints(3), random.randomPoints(4))
            let values = try [UInt64(1), 2].map { seed in
                let fantasies = try Fantasies(model, pending: pending, incumbent: model.incumbentValue, seed: seed)
                return Acquisition(model, fantasies: fantasies).evaluate(query, gradients: false).values
            }
            // Where next to no world promises anything, the few that do decide, and the estimate is coarse.
            let pairs = zip(values[0], values[1]).filter { $0.0 > -12 }
            told += pairs.count
            #expect(pairs.allSatisfy { ($0 - $1).magnitude < 0.25 }, "seed \(seed): \(values)")
        }
        #expect(told >= 20, "too few to prove anything")
    }

    @Test func nothingPendingEqualsNone() throws {
        var random = RandomCase(seed: 7)
        let model = try GaussianProcess(random.observations, hyperparameters: random.hyperparameters)
        let query = random.randomPoints(6)
        let none = Acquisition(model, fantasies: .none(model, incumbent: 0.2))
        let empty = Acquisition(
            model, fantasies: try Fantasies(model, pending: random.randomPoints(0), incumbent: 0.2, seed: 3))
        #expect(
            difference(
                none.evaluate(query, gradients: false).values, empty.evaluate(query, gradients: false).values) < 1e-12)
    }
}
