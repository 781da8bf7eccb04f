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
    /// Fit for a model: mean 0, variance 1, failures below all others.
    let transform: OutputTransform
    let finiteCount: Int

    init(_ history: SearchHistory, encoding: SpaceEncoding, goal: Objective.Goal) {
        features = encoding.domain.features
        points = history.results.map { encoding.point(of: $0.configuration) }
        values = history.results.map { result in
            guard let value = result.value, value.isFinite else { return nil }
            return goal == .minimize ? -value : value
        }
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
        case .objective: Observations(features: features, points: points, values: transform.values)
        case .success: Observations(features: features, points: points, values: values.map { $0 == nil ? -1 : 1 })
        }
    }
}
