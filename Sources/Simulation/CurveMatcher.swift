// SPDX-License-Identifier: MIT

import RealModule
import SearchAlgorithms
package import SweepModel

/// Finds the recorded training that stands for a trial's.
package struct CurveMatcher: Sendable {
    /// What was found for a trial.
    package struct Match: Hashable, Sendable {
        /// Its place in the table's rows.
        package let row: Int
        /// Its place among the row's curves.
        package let curve: Int
        /// False where the table lacks the configuration and this is the nearest.
        package let isExact: Bool
        package init(row: Int, curve: Int, isExact: Bool) {
            self.row = row
            self.curve = curve
            self.isExact = isExact
        }
    }

    /// Values that differ by less, over the parameters' whole ranges, were written with fewer digits.
    private static let rounding = 1e-9

    package let table: CurveTable
    private let axes: [Axis]
    /// By the canonical values of the table's parameters; nil is inactive.
    private var exact: [[JSONValue?]: Int] = [:]
    /// Row after row, a coordinate for each axis.
    private var points: [Coordinate] = []

    package init(_ table: CurveTable, _ space: SearchSpace) {
        self.table = table
        axes = table.parameters.compactMap { name in
            space.index(of: name).map { Axis(space.parameters[$0]) }
        }
        for (place, row) in table.rows.enumerated() {
            exact[key(row.configuration)] = place
            points += coordinates(row.configuration)
        }
    }

    /// The row with the trial's values, or else the nearest, the first of equals; of its curves the one that the trial's
    /// seed chooses.
    package func match(_ configuration: Configuration, seed: UInt64) -> Match {
        if let row = exact[key(configuration)] { return match(row, seed, isExact: true) }
        let target = coordinates(configuration)
        var nearest = (row: 0, distance: Double.infinity)
        for row in table.rows.indices {
            var distance = 0.0
            for axis in axes.indices {
                distance += target[axis].squaredDistance(to: points[row * axes.count + axis])
            }
            if distance < nearest.distance { nearest = (row, distance) }
        }
        return match(nearest.row, seed, isExact: nearest.distance.squareRoot() < Self.rounding)
    }

    private func match(_ row: Int, _ seed: UInt64, isExact: Bool) -> Match {
        Match(row: row, curve: Int(seed % UInt64(table.rows[row].curves.count)), isExact: isExact)
    }

    private func key(_ configuration: Configuration) -> [JSONValue?] {
        axes.map { configuration[$0.name]?.canonical }
    }

    private func coordinates(_ configuration: Configuration) -> [Coordinate] {
        axes.map { axis in configuration[axis.name].map { axis.coordinate(of: $0) } ?? .inactive }
    }
}

/// A parameter's value, for measuring.
private enum Coordinate: Hashable, Sendable {
    case inactive
    /// Over the parameter's range, 0 to 1.
    case place(Double)
    /// A value without a place among the others.
    case category(JSONValue)

    func squaredDistance(to other: Coordinate) -> Double {
        switch (self, other) {
        case (.inactive, .inactive): 0
        case (.place(let left), .place(let right)): (left - right) * (left - right)
        case (.category(let left), .category(let right)): left == right ? 0 : 1
        case (.inactive, _), (.place, _), (.category, _): 1
        }
    }
}

/// Where a parameter's values lie between 0 and 1.
private struct Axis: Sendable {
    private enum Form: Sendable {
        case linear(low: Double, span: Double)
        case logarithmic(low: Double, span: Double)
        case ordered([JSONValue])
        case categories
    }

    /// Unbounded laws count as so many deviations wide.
    private static let deviations = 6.0

    let name: String
    private let form: Form

    init(_ parameter: Parameter) {
        name = parameter.name
        switch parameter.distribution {
        case .constant: form = .categories
        case .categorical(let values, _, let isOrdinal):
            let numbers = values.compactMap(\.number)
            let rises = zip(numbers, numbers.dropFirst()).allSatisfy { $0 < $1 }
            let falls = zip(numbers, numbers.dropFirst()).allSatisfy { $0 > $1 }
            let hasOrder = isOrdinal || (numbers.count == values.count && numbers.count > 2 && (rises || falls))
            form = hasOrder && values.count > 1 ? .ordered(values.map(\.canonical)) : .categories
        case .integer(let low, let high, _, let isLogarithmic):
            form = Self.range(Double(low), Double(high), isLogarithmic: isLogarithmic)
        case .real(let law, _):
            switch law {
            case .uniform(let low, let high): form = Self.range(low, high, isLogarithmic: false)
            case .logUniform(let low, let high), .inverseLogUniform(let low, let high):
                form = Self.range(low, high, isLogarithmic: true)
            case .normal(let mean, let deviation):
                form = .linear(low: mean - Self.deviations / 2 * deviation, span: Self.deviations * deviation)
            case .logNormal(let mean, let deviation):
                form = .logarithmic(low: mean - Self.deviations / 2 * deviation, span: Self.deviations * deviation)
            case .beta: form = .linear(low: 0, span: 1)
            }
        }
    }

    private static func range(_ low: Double, _ high: Double, isLogarithmic: Bool) -> Form {
        guard isLogarithmic, low > 0, high > low else { return .linear(low: low, span: max(high - low, .ulpOfOne)) }
        return .logarithmic(low: .log(low), span: .log(high) - .log(low))
    }

    func coordinate(of value: JSONValue) -> Coordinate {
        switch form {
        case .linear(let low, let span):
            return place(value.number.map { ($0 - low) / span }, value)
        case .logarithmic(let low, let span):
            // What has no logarithm lies below everything that has.
            return place(value.number.map { $0 > 0 ? (.log($0) - low) / span : -1 }, value)
        case .ordered(let values):
            let index = values.firstIndex(of: value.canonical)
            return place(index.map { Double($0) / Double(values.count - 1) }, value)
        case .categories:
            return .category(value.canonical)
        }
    }

    private func place(_ place: Double?, _ value: JSONValue) -> Coordinate {
        guard let place, place.isFinite else { return .category(value.canonical) }
        return .place(place)
    }
}
