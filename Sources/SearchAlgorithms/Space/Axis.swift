// SPDX-License-Identifier: MIT

import Randomness
import RealModule
import SweepModel

/// A parameter as one coordinate of a search: its values, and where they lie between 0 and 1.
struct Axis: Sendable {
    enum Kind: Sendable {
        /// Any number in [0, 1] on the scale.
        case continuous(Scale)
        /// Ordered values; `positions` ascend, a value in the middle of its cell.
        case grid(Levels, positions: [Double])
        /// Values without an order, by index.
        case categories(Levels)
    }

    /// A grid of more values is searched as if it were continuous, and rounded.
    static let gridLimit: UInt64 = 1 << 16

    let name: String
    let distribution: Distribution
    let kind: Kind

    init(_ parameter: Parameter) {
        name = parameter.name
        distribution = parameter.distribution
        kind = Self.kind(of: parameter.distribution)
    }

    private static func kind(of distribution: Distribution) -> Kind {
        switch distribution {
        case .constant(let value):
            return .categories(.listed([value]))
        case .categorical(let values, _, let ordinal):
            let levels = distribution.levels ?? .listed(values)
            // Numbers that rise or fall have an order, whether the file says so or not.
            guard ordinal || levels.areMonotoneNumbers else { return .categories(levels) }
            let count = Double(levels.count)
            return .grid(levels, positions: (0..<Int(levels.count)).map { (Double($0) + 0.5) / count })
        case .integer(let low, let high, let step, let isLogarithmic):
            let levels = distribution.levels
            let last = levels.flatMap { $0.value($0.count - 1).numericValue } ?? Double(high)
            let scale = Scale(low: Double(low), high: last, isLogarithmic: isLogarithmic)
                .padded(by: Double(max(step, 1)) / 2)
            return grid(levels, scale) ?? .continuous(scale)
        case .real(let law, let quantum):
            let scale = Scale(law)
            guard let quantum else {
                return distribution.levels.map { .categories($0) } ?? .continuous(scale)
            }
            return grid(distribution.levels, scale.padded(by: quantum.width / 2)) ?? .continuous(scale)
        }
    }

    private static func grid(_ levels: Levels?, _ scale: Scale) -> Kind? {
        guard let levels, levels.count <= gridLimit else { return nil }
        return .grid(
            levels,
            positions: (0..<levels.count).map { scale.position(of: levels.value($0).numericValue ?? 0) })
    }

    /// The coordinate of a value. One that is not of the grid moves to the nearest that is; of categories that are not
    /// known any more no two are alike.
    func coordinate(of value: JSONValue) -> Double {
        switch kind {
        case .continuous(let scale):
            return value.numericValue.map { scale.position(of: $0) } ?? 0.5
        case .categories(let levels):
            return levels.index(of: value).map { Double($0) } ?? -1
        case .grid(let levels, let positions):
            if let index = levels.index(of: value) { return positions[Int(index)] }
            guard let number = value.numericValue else { return 0.5 }
            let nearest = positions.indices.min { left, right in
                let values = [left, right].map { levels.value(UInt64($0)).numericValue ?? .infinity }
                return (values[0] - number).magnitude < (values[1] - number).magnitude
            }
            return nearest.map { positions[$0] } ?? 0.5
        }
    }

    /// The value of the distribution that is nearest to a number on its scale.
    private func rounded(_ number: Double) -> JSONValue {
        switch distribution {
        case .real(_, let quantum):
            return quantum.map { $0.rounded(number, within: distribution.levels) } ?? .number(number)
        case .integer(let low, _, let step, _):
            guard let levels = distribution.levels else { return distribution.value(at: 0.5) }
            let place = ((number - Double(low)) / Double(max(step, 1))).rounded()
            let last = levels.count - 1
            return levels.value(place < 1 ? 0 : place >= Double(last) ? last : UInt64(place))
        case .constant, .categorical:
            return distribution.value(at: 0.5)
        }
    }

    /// The value at a coordinate; for grids the nearest.
    func value(at coordinate: Double) -> JSONValue {
        switch kind {
        case .continuous(let scale):
            return rounded(scale.value(at: coordinate))
        case .grid(let levels, let positions):
            return levels.value(UInt64(nearestIndex(coordinate, among: positions)))
        case .categories(let levels):
            return levels.value(min(UInt64(max(coordinate, 0)), levels.count - 1))
        }
    }
}

/// The index of the position closest to a coordinate.
func nearestIndex(_ coordinate: Double, among positions: [Double]) -> Int {
    var (low, high) = (0, positions.count - 1)
    while high - low > 1 {
        let middle = (low + high) / 2
        if positions[middle] <= coordinate { low = middle } else { high = middle }
    }
    return coordinate - positions[low] <= positions[high] - coordinate ? low : high
}

/// Where a law's values lie between 0 and 1: by value, by logarithm, or for laws without bounds by probability.
struct Scale: Hashable, Sendable {
    private enum Form: Hashable {
        case linear(low: Double, high: Double)
        case logarithmic(low: Double, high: Double)
        case normal(mean: Double, deviation: Double)
        case logNormal(mean: Double, deviation: Double)
    }

    private let form: Form
    /// Unbounded laws end at three deviations.
    private static let tail = 0.00135

    init(low: Double, high: Double, isLogarithmic: Bool) {
        form = isLogarithmic && low > 0 ? .logarithmic(low: low, high: high) : .linear(low: low, high: high)
    }

    init(_ law: Distribution.Law) {
        switch law {
        case .uniform(let low, let high): form = .linear(low: low, high: high)
        case .logUniform(let low, let high), .inverseLogUniform(let low, let high):
            form = .logarithmic(low: low, high: high)
        case .normal(let mean, let deviation): form = .normal(mean: mean, deviation: deviation)
        case .logNormal(let mean, let deviation): form = .logNormal(mean: mean, deviation: deviation)
        case .beta: form = .linear(low: 0, high: 1)
        }
    }

    /// With half a step of room at both ends, so that the values of a grid lie in the middle of their cells.
    func padded(by margin: Double) -> Scale {
        switch form {
        case .linear(let low, let high): Scale(low: low - margin, high: high + margin, isLogarithmic: false)
        case .logarithmic(let low, let high):
            Scale(low: max(low - margin, low / 2), high: high + margin, isLogarithmic: true)
        case .normal, .logNormal: self
        }
    }

    func position(of value: Double) -> Double {
        let position: Double
        switch form {
        case .linear(let low, let high):
            // Halved, so that no span overflows.
            position = (value / 2 - low / 2) / (high / 2 - low / 2)
        case .logarithmic(let low, let high):
            position =
                value > 0 ? (Double.log(value) - Double.log(low)) / (Double.log(high) - Double.log(low)) : 0
        case .normal(let mean, let deviation):
            position = Self.probability((value - mean) / deviation)
        case .logNormal(let mean, let deviation):
            position = value > 0 ? Self.probability((Double.log(value) - mean) / deviation) : 0
        }
        return position.isNaN ? 0.5 : min(max(position, 0), 1)
    }

    /// The inverse of `position`; always finite.
    func value(at position: Double) -> Double {
        let u = min(max(position, 0), 1)
        switch form {
        case .linear(let low, let high):
            return min(max(low * (1 - u) + high * u, low), high)
        case .logarithmic(let low, let high):
            return min(max(.exp(Double.log(low) * (1 - u) + Double.log(high) * u), low), high)
        case .normal(let mean, let deviation):
            return Self.finite(mean + deviation * Self.quantile(u))
        case .logNormal(let mean, let deviation):
            return Self.finite(.exp(mean + deviation * Self.quantile(u)))
        }
    }

    private static func probability(_ z: Double) -> Double {
        let probability = 0.5 * Double.erfc(-z * 0.5.squareRoot())
        return (probability - tail) / (1 - 2 * tail)
    }

    private static func quantile(_ u: Double) -> Double {
        normalQuantile(tail + u * (1 - 2 * tail))
    }

    private static func finite(_ value: Double) -> Double {
        min(max(value, -.greatestFiniteMagnitude), .greatestFiniteMagnitude)
    }
}

extension Distribution.Quantum {
    fileprivate var width: Double {
        switch self {
        case .wandb(let q, _): q
        case .step(let step): step
        }
    }
}

extension Levels {
    /// Whether the values are three numbers or more that rise or fall throughout.
    fileprivate var areMonotoneNumbers: Bool {
        guard case .listed(let values) = self, values.count > 2 else { return false }
        let numbers = values.compactMap(\.numericValue)
        guard numbers.count == values.count else { return false }
        let pairs = zip(numbers, numbers.dropFirst())
        return pairs.allSatisfy { $0 < $1 } || pairs.allSatisfy { $0 > $1 }
    }
}
