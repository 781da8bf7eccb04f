// SPDX-License-Identifier: MIT

import LinearAlgebra
import Testing

@testable import GaussianProcess

/// Analytic gradients against central differences; the argument is the random case's seed.
struct GradientTests {
    @Test(arguments: 0..<200)
    func likelihood(seed: Int) throws {
        let random = RandomCase(seed: seed)
        let likelihood = MarginalLikelihood(random.observations, priors: Priors(features: random.features.count))
        let theta = random.hyperparameters.logarithms
        let gradient = try likelihood.evaluate(theta).gradient
        for index in theta.indices {
            let numeric = try slope(
                { value in
                    var moved = theta
                    moved[index] = value
                    return try likelihood.evaluate(moved).value
                }, at: theta[index])
            #expect(difference(gradient[index], numeric) < 1e-6, "seed \(seed), θ \(index)")
        }
    }

    @Test(arguments: 0..<200)
    func posterior(seed: Int) throws {
        var random = RandomCase(seed: seed)
        let model = try GaussianProcess(random.observations, hyperparameters: random.hyperparameters)
        let point = random.randomPoint()
        let result = model.predictWithGradients(matrix([point], columns: point.count))
        for index in random.features.continuous {
            func moved(_ value: Double) -> GaussianProcess.Prediction {
                var moved = point
                moved[index] = value
                return model.predict(matrix([moved], columns: point.count))
            }
            let mean = slope({ moved($0).means[0] }, at: point[index])
            let variance = slope({ moved($0).variances[0] }, at: point[index])
            #expect(difference(result.meanGradients[index, 0], mean) < 1e-6, "seed \(seed)")
            #expect(difference(result.varianceGradients[index, 0], variance) < 1e-6, "seed \(seed)")
        }
    }

    @Test(arguments: 0..<200)
    func acquisition(seed: Int) throws {
        var random = RandomCase(seed: seed)
        let model = try GaussianProcess(random.observations, hyperparameters: random.hyperparameters)
        let pending = random.randomPoints(seed % 4)
        let incumbent = model.incumbentValue
        let fantasies =
            seed % 4 == 0
            ? Fantasies.none(model, incumbent: incumbent)
            : try Fantasies(model, pending: pending, incumbent: incumbent, seed: UInt64(seed))
        let success = seed % 5 == 0 ? try self.success(random) : nil
        let acquisition = Acquisition(model, fantasies: fantasies, success: success)
        for _ in 0..<2 {
            let point = random.randomPoint()
            let result = acquisition.evaluate(matrix([point], columns: point.count), gradients: true)
            for index in random.features.continuous {
                func value(_ coordinate: Double) -> Double {
                    var moved = point
                    moved[index] = coordinate
                    return acquisition.evaluate(matrix([moved], columns: point.count), gradients: false).values[0]
                }
                // Where the surface is steep a short step is exact, where its values are large a long one is.
                let error = [3e-4, 1e-4, 3e-5, 1e-5].map {
                    difference(result.gradients[index, 0], slope(value, at: point[index], step: $0))
                }
                #expect((error.min() ?? 1) < 1e-6, "seed \(seed): \(error)")
            }
        }
    }

    /// A model of where trials succeed.
    private func success(_ random: RandomCase) throws -> GaussianProcess {
        let labels = Observations(
            features: random.features, points: random.points, values: random.points.map { $0[0] > 0.4 ? 1 : -1 })
        return try GaussianProcess(labels, hyperparameters: random.hyperparameters)
    }
}
