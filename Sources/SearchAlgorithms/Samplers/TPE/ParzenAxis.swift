// SPDX-License-Identifier: MIT

import SweepModel

/// A parameter as kernels see it. A place is where a value lies: a coordinate in [0, 1] on a continuous axis, the index
/// of the value on any other.
struct ParzenAxis: Sendable {
    enum Kind: Sendable {
        case continuous
        /// Coordinates in (0, 1) that ascend; `prior` has each one's probability, or is empty for the wide normal law.
        case grid(positions: [Double], prior: [Double])
        /// `prior` has each one's probability.
        case categories(prior: [Double])
    }

    let kind: Kind
    private let axis: Axis

    init(_ parameter: Parameter) {
        axis = Axis(parameter)
        switch axis.kind {
        case .continuous: kind = .continuous
        case .grid(let levels, let positions):
            kind = .grid(positions: positions, prior: parameter.distribution.weights(of: levels) ?? [])
        case .categories(let levels):
            let count = Int(levels.count)
            kind = .categories(
                prior: parameter.distribution.weights(of: levels, uniform: true)
                    ?? Array(repeating: 1 / Double(max(count, 1)), count: count))
        }
    }

    /// Whether it has one value only, about which there is nothing to learn.
    var isFixed: Bool { count == 1 }

    /// How many values there are; nil where a place is a coordinate.
    var count: Int? {
        switch kind {
        case .continuous: nil
        case .grid(let positions, _): positions.count
        case .categories(let prior): prior.count
        }
    }

    /// Nil for a category that is not known any more. Other values move to the nearest place.
    func place(of value: JSONValue) -> Double? {
        switch axis.kind {
        case .continuous(let scale):
            value.numericValue.map { scale.position(of: $0) } ?? 0.5
        case .grid(let levels, let positions):
            levels.index(of: value).map { Double($0) }
                ?? Double(nearestIndex(axis.coordinate(of: value), among: positions))
        case .categories(let levels):
            levels.index(of: value).map { Double($0) }
        }
    }

    func value(at place: Double) -> JSONValue {
        switch kind {
        case .continuous, .categories: axis.value(at: place)
        case .grid(let positions, _): axis.value(at: positions[Int(place)])
        }
    }
}

extension Distribution {
    /// The probability of each level, where the file gives the values' probabilities, or else where `uniform` asks for
    /// those of values that may be listed twice; nil otherwise.
    fileprivate func weights(of levels: Levels, uniform: Bool = false) -> [Double]? {
        guard case .categorical(let values, let probabilities, _) = self, uniform || !probabilities.isEmpty else {
            return nil
        }
        var weights = [Double](repeating: 0, count: Int(levels.count))
        for (place, value) in values.enumerated() {
            guard let level = levels.index(of: value) else { continue }
            weights[Int(level)] += probabilities.isEmpty ? 1 : probabilities[place]
        }
        let sum = weights.reduce(0, +)
        return weights.map { $0 / sum }
    }
}
