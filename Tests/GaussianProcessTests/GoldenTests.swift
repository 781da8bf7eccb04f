// SPDX-License-Identifier: MIT

import LinearAlgebra
import RealModule
import Testing

@testable import GaussianProcess

/// Six points, two continuous features and one of three categories, worked out with 50 digits.
struct GoldenTests {
    private let features = Features([.continuous, .continuous, .categorical])
    private let points = [
        [0.1, 0.9, 0], [0.35, 0.2, 1], [0.5, 0.5, 0], [0.75, 0.8, 2], [0.9, 0.05, 1], [0.6, 0.55, 2],
    ]
    private let values = [-1.2, 0.3, 0.9, -0.4, -0.7, 1.1]
    private let hyperparameters = Hyperparameters(
        lengthScales: [0.4, 0.7, 1.5], signalVariance: 1.3, noiseVariance: 0.01)
    private let query = [0.55, 0.45, 0]

    private var observations: Observations { Observations(features: features, points: points, values: values) }

    private func model() throws -> GaussianProcess {
        try GaussianProcess(observations, hyperparameters: hyperparameters, mean: .fixed(0))
    }

    @Test func kernelAndFactor() throws {
        let kernel = Kernel(features: features, hyperparameters: hyperparameters)
        let covariance = kernel.within(observations.points)
        #expect(difference(covariance[1, 0], 0.44557841881915894) < 1e-14)
        #expect(difference(covariance[5, 2], 0.906354333693502691) < 1e-14)
        #expect(kernel.between(observations.points, observations.points)[0, 1] == covariance[1, 0])
        let model = try model()
        let diagonal = [
            1.14455231422596, 1.076309737437492, 0.8762181214587783, 0.9804426572278865, 1.027617731794063,
            0.540533821671785,
        ]
        #expect(difference((0..<6).map { model.cholesky.factor[$0, $0] }, diagonal) < 1e-13)
        let weights = [
            -1.563823974525189, -0.435487447059748, 0.9920698301347864, -2.952563219288487, -0.9910120556500908,
            3.598464504591821,
        ]
        #expect(difference(model.weights, weights) < 1e-12)
    }

    @Test func likelihood() throws {
        let bare = MarginalLikelihood(observations, priors: nil, mean: .fixed(0))
        let (value, gradient) = try bare.evaluate(hyperparameters.logarithms)
        #expect(difference(value, -9.2182619126794475643) < 1e-13)
        let expected = [
            -3.55412944297159, -1.572003292578583, 0.5996377396856965, 1.159270054728166, 0.07665497734937054,
        ]
        #expect(difference(gradient, expected) < 1e-12)
        let profiled = try MarginalLikelihood(observations, priors: nil).evaluate(hyperparameters.logarithms)
        #expect(difference(profiled.value, -8.8855285546989530492) < 1e-13)
        let mean = try GaussianProcess(observations, hyperparameters: hyperparameters).mean
        #expect(difference(mean, -0.492080862029748741) < 1e-13)
    }

    @Test func priors() {
        // The reference's sums, with the signal variance's normal density of ln 1.3 added.
        let signal = Double.log(1.3) / 0.5
        let normal = -0.5 * signal * signal - Double.log(0.5) - 0.5 * Double.log(2 * Double.pi)
        let value = Priors(features: 3, noiseDeviation: 1).logDensity(hyperparameters.logarithms).value
        #expect(difference(value, -6.22125771678863663 + 3.50311617577898808 + normal) < 1e-14)
    }

    @Test func posterior() throws {
        let model = try model()
        let result = model.predictWithGradients(matrix([query, [0.2, 0.2, 2], points[5]], columns: 3))
        let means = [0.931795841848312961, 0.425081039311321755, 1.06401535495408179]
        let variances = [0.0410556430946998648, 0.637260289614484414, 0.00965774149156988497]
        #expect(difference(result.prediction.means, means) < 1e-12)
        #expect(zip(result.prediction.variances, variances).allSatisfy { ($0 / $1 - 1).magnitude < 1e-12 })
        let meanGradient = [-0.8019157956329482, -0.6426952926053872, 0]
        let varianceGradient = [0.8743569836459068, -0.3373387749018189, 0]
        #expect(difference((0..<3).map { result.meanGradients[$0, 0] }, meanGradient) < 1e-12)
        #expect(difference((0..<3).map { result.varianceGradients[$0, 0] }, varianceGradient) < 1e-12)
        #expect(difference(model.incumbentValue, 1.06401535495408179) < 1e-12)
    }

    @Test func improvement() throws {
        let model = try model()
        let acquisition = Acquisition(model, fantasies: .none(model, incumbent: model.incumbentValue))
        let value = acquisition.evaluate(matrix([query], columns: 3), gradients: false).values[0]
        #expect(difference(value, -3.46256639091432603) < 1e-10)
    }

    @Test func appending() throws {
        let added = Observations(features: features, points: [[0.25, 0.6, 1]], values: [0.2])
        let grown = try model().appending(added)
        let row = [
            0.67827243731687, 0.66586629501897, 0.044989860823615, 0.042697808931127, -0.076382748276185,
            0.030042695131739, 0.6292729929883367,
        ]
        #expect(difference((0..<7).map { grown.cholesky.factor[6, $0] }, row) < 1e-13)
        let value = try MarginalLikelihood(grown.observations, priors: nil, mean: .fixed(0))
            .evaluate(hyperparameters.logarithms).value
        #expect(difference(value, -9.8135270682797601535) < 1e-13)
    }

    @Test func pending() throws {
        let model = try model()
        let waiting = matrix([[0.2, 0.3, 1], [0.8, 0.6, 0]], columns: 3)
        let fantasies = try Fantasies(
            model, points: waiting, normals: Matrix(rows: 2, columns: 1, elements: [0.3, -1.1]), incumbent: 1)
        let joint = fantasies.cholesky.factor.times(fantasies.cholesky.factor, otherTransposed: true)
        let expected = [0.2385427477591704, 0.0015083450312157187, 0.0015083450312157187, 0.429885550060639]
        // The 10^-8 on the diagonal is ours.
        #expect(difference(joint.elements, expected) < 2e-8)
        #expect(difference(model.means(at: waiting), [-0.05598816696505282, -0.04243681648214803]) < 1e-12)
        // μ_m = 0.81926274469822 and s² = 0.03131119045135, of which the value is a function.
        let acquisition = Acquisition(model, fantasies: fantasies)
        let value = acquisition.evaluate(matrix([query], columns: 3), gradients: false).values[0]
        let s = 0.03131119045135.squareRoot()
        let exact = logExpectedImprovement((0.81926274469822 - 1) / s).value + Double.log(s)
        #expect(difference(value, exact) < 1e-6)
    }

    @Test func halfRank() {
        let transformed = halfRanked([0.91, 0.90, 0.10, nil, 0.88, -50, 0.93, 0.70])
        let expected = [
            0.91, 0.90, 0.8556000594056794, nil, 0.88, 0.8348384614537301, 0.93, 0.868715844237813,
        ]
        for (left, right) in zip(transformed, expected) {
            #expect((left == nil) == (right == nil) && difference(left ?? 0, right ?? 0) < 1e-13)
        }
    }
}
