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
    /// The results that have a value.
    let succeeded: [Int]
    /// The results that the model of the objective learns from: those with a value, and the failures that their place
    /// explains.
    private let modelled: [Int]
    /// Of the modelled results, fit for a model: mean 0, variance 1, failures below all others.
    let transform: OutputTransform
    /// What each rung that a trial has not trained through adds to the noise of its value, as a share of the noise of a
    /// whole training: where it would have come to is known the less, the more is missing (decision 16).
    private static let noisePerRung = 4.0

    init(_ history: SearchHistory, encoding: SpaceEncoding, goal: Objective.Goal) {
        features = encoding.domain.features
        points = history.results.map { encoding.point(of: $0.configuration) }
        let values = history.results.map { result -> Double? in
            guard let value = result.value, value.isFinite else { return nil }
            return goal == .minimize ? -value : value
        }
        self.values = values
        weights = history.results.map { 1 / (1 + Self.noisePerRung * Double($0.missingRungs)) }
        succeeded = values.indices.filter { values[$0] != nil }
        let places = FailurePlaces(points: points, failed: values.map { $0 == nil }, features: features)
        modelled = values.indices.filter { values[$0] != nil || places.explain($0) }
        transform = OutputTransform(modelled.map { values[$0] })
    }

    /// Two results with different values: with fewer there is nothing to learn, and a model would look in the corners, where
    /// it knows least.
    var tellsApart: Bool {
        guard let first = succeeded.first else { return false }
        return succeeded.contains { values[$0] != values[first] }
    }

    var hasFailures: Bool { succeeded.count < values.count }

    /// The objective as the model of it has it, one a result; -infinity: failed.
    var objective: [Double] {
        var objective = [Double](repeating: -.infinity, count: values.count)
        for (result, value) in zip(modelled, transform.values) where values[result] != nil { objective[result] = value }
        return objective
    }

    /// What a surrogate of the subject learns from.
    func observations(_ subject: ModelFit.Subject) -> Observations {
        switch subject {
        case .objective: observations(transform)
        case .success: Observations(features: features, points: points, values: values.map { $0 == nil ? -1 : 1 })
        }
    }

    /// What a surrogate of the objective learns from when all values count as they are, also those below the median.
    var unrankedObservations: Observations {
        observations(OutputTransform(modelled.map { values[$0] }, isRanked: false))
    }

    private func observations(_ transform: OutputTransform) -> Observations {
        Observations(
            features: features, points: modelled.map { points[$0] }, values: transform.values,
            weights: modelled.map { weights[$0] })
    }
}
