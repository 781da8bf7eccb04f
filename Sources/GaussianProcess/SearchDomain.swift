// SPDX-License-Identifier: MIT

/// The points that may be proposed: what each coordinate may be, and which coordinates count where.
package struct SearchDomain: Sendable {
    package enum Coordinate: Sendable {
        /// Any number in [0, 1].
        case continuous
        /// Numbers in [0, 1] that ascend with their index.
        case grid(count: Int, value: @Sendable (_ index: Int) -> Double)
        /// 0, 1, …, count - 1, in no order.
        case categories(count: Int)

        /// How many values there are; nil: endlessly many.
        package var choices: Int? {
            switch self {
            case .continuous: nil
            case .grid(let count, _), .categories(let count): count
            }
        }

        func choice(_ index: Int) -> Double {
            switch self {
            case .continuous: Double(index)
            case .grid(_, let value): value(index)
            case .categories: Double(index)
            }
        }
    }

    /// What a coordinate that does not count is set to: points that differ in nothing else are the same.
    package static let inactive = 0.5

    package let coordinates: [Coordinate]
    /// Nil when all coordinates always count.
    private let activity: (@Sendable (_ point: [Double]) -> [Bool])?

    /// `activity` tells which coordinates count at a point. It may read coordinates that do not count (they hold what
    /// they would be if they did), so it has to see for itself that a child of a child of an inactive parent is inactive.
    package init(_ coordinates: [Coordinate], activity: (@Sendable (_ point: [Double]) -> [Bool])? = nil) {
        self.coordinates = coordinates
        self.activity = activity
    }

    package var features: Features {
        Features(
            coordinates.map {
                switch $0 {
                case .continuous, .grid: .continuous
                case .categories: .categorical
                }
            })
    }

    /// Whether which coordinates count depends on the point.
    var isConditional: Bool { activity != nil }

    func isActive(_ point: [Double]) -> [Bool] {
        activity?(point) ?? point.map { _ in true }
    }

    /// The point as the model sees it, from one that has values for all coordinates.
    package func encoded(_ point: [Double]) -> [Double] {
        guard let activity else { return point }
        return zip(point, activity(point)).map { $1 ? $0 : Self.inactive }
    }

    /// The point, with values for all coordinates, that a point of the unit cube stands for.
    func point(unit: [Double]) -> [Double] {
        zip(coordinates, unit).map { coordinate, unit in
            guard let count = coordinate.choices else { return unit }
            return coordinate.choice(min(Int(unit * Double(count)), count - 1))
        }
    }

    /// The index of the grid's value closest to `value`.
    static func nearest(_ value: Double, count: Int, values: (Int) -> Double) -> Int {
        var (low, high) = (0, count - 1)
        while high - low > 1 {
            let middle = (low + high) / 2
            if values(middle) <= value { low = middle } else { high = middle }
        }
        return value - values(low) <= values(high) - value ? low : high
    }

    /// All points, each with values for all coordinates, when there are at most `limit`; nil when there are more, or
    /// infinitely many.
    func enumerated(limit: Int) -> [[Double]]? {
        var points: [[Double]] = [[]]
        for coordinate in coordinates {
            guard let count = coordinate.choices, count <= limit, points.count * count <= limit else { return nil }
            points = points.flatMap { point in (0..<count).map { point + [coordinate.choice($0)] } }
        }
        return points
    }
}
