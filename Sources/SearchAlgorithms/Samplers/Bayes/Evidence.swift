// SPDX-License-Identifier: MIT

import GaussianProcess
import SweepModel

/// A history as a model sees it: points, values that are larger where better, and failures.
struct Evidence: Sendable {
    let features: Features
    /// One a result, in the order they came.
    let points: [[Double]]
    /// Nil: failed.
    let values: [Double?]
    /// What each value is worth: its noise is the noise of a whole training by this.
    let weights: [Double]
    /// Fit for a model: mean 0, variance 1, failures below all others.
    let transform: OutputTransform
    let finiteCount: Int
    /// What each rung that a trial has not trained through adds to the noise of its value, as a share of the noise of a
    /// whole training: where it would have come to is known the less, the more is missing (decision 16).
    private static let noisePerRung = 4.0

    init(_ history: SearchHistory, encoding: SpaceEncoding, goal: Objective.Goal) {
        features = encoding.domain.features
        points = history.results.map { encoding.point(of: $0.configuration) }
        values = history.results.map { result in
            guard let value = result.value, value.isFinite else { return nil }
            return goal == .minimize ? -value : value
        }
        weights = history.results.map { 1 / (1 + Self.noisePerRung * Double($0.missingRungs)) }
        transform = OutputTransform(values)
        finiteCount = values.count { $0 != nil }
    }

    var failureCount: Int { values.count - finiteCount }

    /// Failures are a matter of their own once there are five, and one trial in ten is one.
    var deservesSuccessModel: Bool {
        failureCount >= 5 && 10 * failureCount >= values.count
    }

    /// What a surrogate of the subject learns from.
    func observations(_ subject: ModelFit.Subject) -> Observations {
        switch subject {
        case .objective: Observations(features: features, points: points, values: transform.values, weights: weights)
        case .success: Observations(features: features, points: points, values: values.map { $0 == nil ? -1 : 1 })
        }
    }
}
