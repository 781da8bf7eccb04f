// SPDX-License-Identifier: MIT

import LinearAlgebra
import Randomness
import RealModule
import Testing

@testable import GaussianProcess

struct FitTests {
    /// Values of a function of the first feature alone.
    private func observations(_ count: Int, noise: Double) -> Observations {
        let sobol = Sobol(dimensions: 3, seed: 9)
        var stream = RandomStream(seed: 9, index: 0, purpose: .tests)
        let points = (0..<count).map { sobol.point(at: UInt32($0)) }
        let results = points.map { Double.sin(7 * $0[0]) + noise * stream.nextNormal() }
        return Observations(
            features: Features([.continuous, .continuous, .continuous]), points: points,
            values: OutputTransform(results).values)
    }

    @Test func findsWhatMatters() throws {
        let (model, fit) = try GaussianProcess.fitted(observations(60, noise: 0.01), priors: Priors(features: 3))
        let scales = model.hyperparameters.lengthScales
        #expect(scales[0] < 0.7 && scales[1] > 3 * scales[0] && scales[2] > 3 * scales[0], "\(scales)")
        #expect(model.hyperparameters.noiseVariance < 0.01 && fit.evaluations > 0)
        let noisy = Fit(observations(120, noise: 0.5), priors: Priors(features: 3))
        #expect(noisy.hyperparameters.noiseVariance > 0.1, "\(noisy)")
    }

    @Test func isRepeatableAndNoWorseForAWarmStart() throws {
        let data = observations(40, noise: 0.1)
        let (first, second) = (
            Fit(data, priors: Priors(features: 3), ordinal: 3, seed: 8),
            Fit(data, priors: Priors(features: 3), ordinal: 3, seed: 8)
        )
        #expect(first == second)
        let warm = Fit(data, priors: Priors(features: 3), previous: first.hyperparameters, ordinal: 3, seed: 8)
        #expect(warm.objective >= first.objective)
    }

    @Test func deterministicObjectivesHaveTheLeastNoise() {
        let fit = Fit(observations(30, noise: 0), priors: Priors(features: 3, isDeterministic: true))
        #expect(difference(fit.hyperparameters.noiseVariance, 1e-6) < 1e-12)
    }

    @Test(arguments: 0...3)
    func fewObservationsDo(count: Int) throws {
        let (model, fit) = try GaussianProcess.fitted(observations(count, noise: 0), priors: Priors(features: 3))
        #expect(fit.objective.isFinite)
        let prediction = model.predict(Matrix(rows: 1, columns: 3, filledWith: 0.5))
        #expect(prediction.means[0].isFinite && prediction.variances[0] >= 0)
    }

    /// Points a rounding apart: no factor without jitter, should the noise be as small as it may.
    @Test func pointsOnTopOfEachOther() throws {
        let points = (0..<30).map { [0.5 + 1e-13 * Double($0)] }
        let data = Observations(
            features: Features([.continuous]), points: points,
            values: points.indices.map { $0 % 2 == 0 ? 1 : -1 })
        let (model, _) = try GaussianProcess.fitted(data, priors: Priors(features: 1))
        #expect(model.hyperparameters.noiseVariance > 0.1)
        let sharp = try GaussianProcess(
            data, hyperparameters: Hyperparameters(lengthScales: [1], signalVariance: 1, noiseVariance: 1e-30))
        #expect(sharp.jitter > 0 && sharp.predict(Matrix(rows: 1, columns: 1)).variances[0].isFinite)
    }

    @Test(arguments: [
        (10, 9, 0.0, true), (10, 10, 9, false), (200, 199, 0, true), (201, 200, 0, false), (210, 200, 0, true),
        (201, 200, 3.1, true), (1000, 960, 0, false),
    ])
    func rule(rows: Int, last: Int, surprise: Double, expected: Bool) {
        #expect(Fit.isDue(rows: rows, rowsAtLastFit: last, surprise: surprise) == expected)
    }

    @Test func starts() {
        let rules = Fit.Rules()
        func fits(_ rows: Int) -> [Int] { (0...10).filter { rules.triesPriorStart(rows: rows, ordinal: $0) } }
        #expect(fits(49) == Array(0...10) && fits(50) == [0, 5, 10] && fits(500) == [0, 10])
    }

    @Test func surprises() throws {
        let (model, _) = try GaussianProcess.fitted(observations(60, noise: 0.01), priors: Priors(features: 3))
        let mean = model.means(at: Matrix(rows: 1, columns: 3, filledWith: 0.3))[0]
        #expect(model.surprise(at: [0.3, 0.3, 0.3], value: mean) == 0)
        #expect(model.surprise(at: [0.3, 0.3, 0.3], value: mean + 3) > 3)
    }
}
