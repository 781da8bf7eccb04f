// SPDX-License-Identifier: MIT

/// A part of a domain to look for a proposal in: bounds on the coordinates that have an order; categories stay free.
package struct SearchBox: Hashable, Sendable {
    /// One a coordinate, as the model sees it; those of categories are not read. A grid without a value between its
    /// bounds keeps the one that is closest to their middle.
    package let lower: [Double]
    package let upper: [Double]
    /// What screening points have in common, each differing from it in a coordinate with the probability `perturbation`
    /// (and in one at least): of many coordinates moved at once one is moved for the worse.
    package let centre: [Double]
    package let perturbation: Double

    /// - Precondition: 0 ≤ lower ≤ upper ≤ 1, and a number a coordinate.
    package init(lower: [Double], upper: [Double], centre: [Double], perturbation: Double = 1) {
        precondition(lower.count == upper.count && lower.count == centre.count, "two bounds a coordinate")
        precondition(zip(lower, upper).allSatisfy { $0 >= 0 && $0 <= $1 && $1 <= 1 }, "bounds in order")
        self.lower = lower
        self.upper = upper
        self.centre = centre
        self.perturbation = perturbation
    }
}

/// A category that is not to be proposed.
package struct ExcludedCategory: Hashable, Sendable {
    /// Of the coordinate whose category it is.
    package let coordinate: Int
    package let category: Int

    package init(coordinate: Int, category: Int) {
        self.coordinate = coordinate
        self.category = category
    }
}

/// What a coordinate may be in a maximisation.
enum AllowedValues: Sendable {
    case interval(ClosedRange<Double>)
    /// Of a grid's values those with these indices.
    case grid(indices: Range<Int>, value: @Sendable (_ index: Int) -> Double)
    /// Of the categories these, in ascending order.
    case categories([Int])

    init(_ coordinate: SearchDomain.Coordinate, bounds: ClosedRange<Double>?, excluded: Int? = nil) {
        switch coordinate {
        case .continuous:
            self = .interval(bounds ?? 0...1)
        case .categories(let count):
            self = .categories((0..<count).filter { $0 != excluded })
        case .grid(let count, let value):
            guard let bounds else {
                self = .grid(indices: 0..<count, value: value)
                return
            }
            let inside = Self.partition(count) { value($0) >= bounds.lowerBound }
            let beyond = Self.partition(count) { value($0) > bounds.upperBound }
            let middle = (bounds.lowerBound + bounds.upperBound) / 2
            let nearest = SearchDomain.nearest(middle, count: count, values: value)
            self = .grid(indices: inside < beyond ? inside..<beyond : nearest..<nearest + 1, value: value)
        }
    }

    /// The first of 0..<count for which the condition holds, which it then does for all that follow.
    private static func partition(_ count: Int, _ isReached: (Int) -> Bool) -> Int {
        var (low, high) = (0, count)
        while low < high {
            let middle = (low + high) / 2
            if isReached(middle) { high = middle } else { low = middle + 1 }
        }
        return low
    }

    /// What a number in [0, 1) stands for.
    func value(unit: Double) -> Double {
        switch self {
        case .interval(let bounds):
            bounds.lowerBound + unit * (bounds.upperBound - bounds.lowerBound)
        case .grid(let indices, let value):
            value(min(indices.lowerBound + Int(unit * Double(indices.count)), indices.upperBound - 1))
        case .categories(let categories):
            Double(categories[min(Int(unit * Double(categories.count)), categories.count - 1)])
        }
    }

    /// The value closest to `value`; nil for what is none of the categories.
    func nearest(_ value: Double) -> Double? {
        switch self {
        case .interval(let bounds):
            return min(max(value, bounds.lowerBound), bounds.upperBound)
        case .grid(let indices, let values):
            let nearest = SearchDomain.nearest(value, count: indices.count) { values(indices.lowerBound + $0) }
            return values(indices.lowerBound + nearest)
        case .categories(let categories):
            return categories.contains { Double($0) == value } ? value : nil
        }
    }
}
