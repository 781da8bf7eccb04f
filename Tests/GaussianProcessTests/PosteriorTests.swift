// SPDX-License-Identifier: MIT

import LinearAlgebra
import Randomness
import RealModule
import Testing

@testable import GaussianProcess

/// What holds for every model; the argument is the random case's seed.
struct PosteriorTests {
    @Test(arguments: 0..<60)
    func appendingEqualsFactoringAnew(seed: Int) throws {
        var random = RandomCase(seed: seed, repeats: false)
        let whole = random.observations
        let split = random.points.count / 2
        let (first, second) = (
            Observations(
                features: random.features, points: Array(random.points[..<split]),
                values: Array(random.values[..<split])),
            Observations(
                features: random.features, points: Array(random.points[split...]),
                values: Array(random.values[split...]))
        )
        let anew = try GaussianProcess(whole, hyperparameters: random.hyperparameters)
        let grown = try GaussianProcess(first, hyperparameters: random.hyperparameters).appending(second)
        #expect(difference(grown.cholesky.factor.elements, anew.cholesky.factor.elements) < 1e-10, "seed \(seed)")
        let queries = random.randomPoints(5)
        let (left, right) = (grown.predict(queries), anew.predict(queries))
        #expect(difference(left.means, right.means) < 1e-10, "seed \(seed)")
        #expect(difference(left.variances, right.variances) < 1e-10, "seed \(seed)")
    }

    @Test(arguments: 0..<60)
    func orderDoesNotMatter(seed: Int) throws {
        var random = RandomCase(seed: seed)
        let order = random.points.indices.shuffled(using: &random.stream)
        let shuffled = Observations(
            features: random.features, points: order.map { random.points[$0] }, values: order.map { random.values[$0] })
        let left = try GaussianProcess(random.observations, hyperparameters: random.hyperparameters)
        let right = try GaussianProcess(shuffled, hyperparameters: random.hyperparameters)
        let queries = random.randomPoints(5)
        #expect(difference(left.predict(queries).means, right.predict(queries).means) < 1e-10, "seed \(seed)")
        #expect(difference(left.predict(queries).variances, right.predict(queries).variances) < 1e-10, "seed \(seed)")
        let theta = random.hyperparameters.logarithms
        let values = try [random.observations, shuffled].map { try MarginalLikelihood($0, priors: nil).evaluate(theta) }
        #expect(difference(values[0].value, values[1].value) < 1e-11, "seed \(seed)")
        #expect(difference(values[0].gradient, values[1].gradient) < 1e-9, "seed \(seed)")
    }

    /// A row a value, repeats and all, has the likelihood and posterior of the merged rows.
    @Test(arguments: 0..<60)
    func repeatsMayBeMerged(seed: Int) throws {
        var random = RandomCase(seed: seed)
        let merged = random.observations
        let apart = Observations(
            features: random.features, points: matrix(random.points, columns: random.features.count),
            values: random.values, repeats: random.values.map { _ in 1 }, weights: random.values.map { _ in 1 },
            scatter: 0)
        let theta = random.hyperparameters.logarithms
        let left = try MarginalLikelihood(merged, priors: nil).evaluate(theta)
        let right = try MarginalLikelihood(apart, priors: nil).evaluate(theta)
        #expect(difference(left.value, right.value) < 1e-9, "seed \(seed)")
        #expect(difference(left.gradient, right.gradient) < 1e-7, "seed \(seed)")
        let queries = random.randomPoints(5)
        let models = try [merged, apart].map { try GaussianProcess($0, hyperparameters: random.hyperparameters) }
        #expect(difference(models[0].predict(queries).means, models[1].predict(queries).means) < 1e-9, "seed \(seed)")
        #expect(
            difference(models[0].predict(queries).variances, models[1].predict(queries).variances) < 1e-9,
            "seed \(seed)")
    }

    /// Values that are worth less may be merged too: with all rows apart there is the same posterior, and a likelihood
    /// that differs by the same constant whatever the hyperparameters.
    @Test(arguments: 0..<60)
    func weightedRepeatsMayBeMerged(seed: Int) throws {
        var random = RandomCase(seed: seed)
        let weights = random.values.map { _ in 1 / Double(1 + random.stream.nextInteger(below: 4)) }
        let merged = Observations(
            features: random.features, points: random.points, values: random.values, weights: weights)
        let apart = Observations(
            features: random.features, points: matrix(random.points, columns: random.features.count),
            values: random.values, repeats: random.values.map { _ in 1 }, weights: weights, scatter: 0)
        var other = random.hyperparameters
        other.noiseVariance *= 3
        let constants = try [random.hyperparameters, other].map { hyperparameters in
            let left = try MarginalLikelihood(merged, priors: nil).evaluate(hyperparameters.logarithms)
            let right = try MarginalLikelihood(apart, priors: nil).evaluate(hyperparameters.logarithms)
            #expect(difference(left.gradient, right.gradient) < 1e-7, "seed \(seed)")
            return left.value - right.value
        }
        #expect(difference(constants[0], constants[1]) < 1e-8, "seed \(seed)")
        let queries = random.randomPoints(5)
        let models = try [merged, apart].map { try GaussianProcess($0, hyperparameters: random.hyperparameters) }
        let (left, right) = (models[0].predict(queries), models[1].predict(queries))
        #expect(difference(left.means, right.means) < 1e-9, "seed \(seed)")
        #expect(difference(left.variances, right.variances) < 1e-9, "seed \(seed)")
    }

    @Test(arguments: 0..<100)
    func variancesAreBetweenNothingAndTheSignal(seed: Int) throws {
        var random = RandomCase(seed: seed)
        var hyperparameters = random.hyperparameters
        if seed % 2 == 0 { hyperparameters.noiseVariance = 1e-10 }
        let model = try GaussianProcess(random.observations, hyperparameters: hyperparameters)
        let prediction = model.predict(random.randomPoints(20))
        let here = model.predict(model.observations.points)
        for variance in prediction.variances + here.variances {
            #expect(variance >= 0 && variance <= hyperparameters.signalVariance, "seed \(seed)")
        }
        #expect(difference(model.meansAtObservations, here.means) < 1e-6, "seed \(seed)")
    }

    @Test func believingShrinksTheVarianceAndKeepsTheMean() throws {
        var random = RandomCase(seed: 5)
        let model = try GaussianProcess(random.observations, hyperparameters: random.hyperparameters)
        let (pending, queries) = (random.randomPoints(4), random.randomPoints(6))
        let (before, after) = (model.predict(queries), try model.believing(pending).predict(queries))
        #expect(difference(before.means, after.means) < 1e-9)
        #expect(zip(before.variances, after.variances).allSatisfy { $0 >= $1 - 1e-12 })
    }

    @Test func agreesWithScikitLearn() throws {
        typealias Fixture = ScikitLearnFixture
        func rows(_ numbers: [Double]) -> [[Double]] {
            stride(from: 0, to: numbers.count, by: 4).map { Array(numbers[$0..<$0 + 4]) }
        }
        let observations = Observations(
            features: Features(Array(repeating: .continuous, count: 4)), points: rows(Fixture.points),
            values: Fixture.values)
        let hyperparameters = Hyperparameters(
            lengthScales: Fixture.lengthScales, signalVariance: Fixture.signalVariance,
            noiseVariance: Fixture.noiseVariance)
        let model = try GaussianProcess(observations, hyperparameters: hyperparameters, mean: .fixed(0))
        let prediction = model.predict(matrix(rows(Fixture.queries), columns: 4))
        #expect(difference(prediction.means, Fixture.means) < 1e-12)
        #expect(difference(prediction.variances, Fixture.variances) < 1e-12)
        let (value, gradient) = try MarginalLikelihood(observations, priors: nil, mean: .fixed(0))
            .evaluate(hyperparameters.logarithms)
        #expect(difference(value, Fixture.logMarginalLikelihood) < 1e-12)
        // Theirs is for ln σ_f², ln ℓ, ln σₙ².
        #expect(difference([gradient[4]] + gradient[..<4] + [gradient[5]], Fixture.gradient) < 1e-10)
    }
}
