// SPDX-License-Identifier: MIT

/// The order in which a grid takes up an axis' levels 0..<count. A level's rank is its place in that order; the levels
/// of depth 0 come first, then those of depth 1, and so on, each depth from the lowest level to the highest.
enum Refinement: Hashable, Sendable {
    /// In their own order, all at depth 0: for values that have no order, of which no few stand for the rest.
    case flat(Int)
    /// Van der Corput's: the ends and the middle, then the quarters, then the eighths, …
    case halving(Int)

    var count: Int {
        switch self {
        case .flat(let count), .halving(let count): count
        }
    }

    /// The depth at which every level has been taken up.
    var depth: Int {
        switch self {
        case .flat:
            return 0
        case .halving(let count):
            var depth = 0
            while self.count(through: depth) < count { depth += 1 }
            return depth
        }
    }

    /// How many levels have at most that depth: also the first rank of the next depth.
    func count(through depth: Int) -> Int {
        switch self {
        case .flat(let count):
            return depth < 0 ? 0 : count
        case .halving(let count):
            // 2^(depth+1) intervals; with fewer levels than fit, all are taken.
            if depth < 0 { return 0 }
            let intervals = 1 << (depth + 1)
            return intervals >= count - 1 ? count : intervals + 1
        }
    }

    /// The level of that rank.
    func level(rank: Int) -> Int {
        switch self {
        case .flat:
            return rank
        case .halving(let count):
            if count <= 3 { return rank }
            var depth = 0
            while self.count(through: depth) <= rank { depth += 1 }
            if depth == 0 { return place(rank, of: 2) }
            let offset = rank - self.count(through: depth - 1)
            let intervals = 1 << (depth + 1)
            if intervals < count - 1 { return place(2 * offset + 1, of: intervals) }
            return missing(offset, from: intervals / 2)
        }
    }

    /// The rank of that level.
    func rank(level: Int) -> Int {
        if case .flat = self { return level }
        for depth in 0...max(depth, 0) {
            // Within a depth levels ascend with their ranks.
            var low = count(through: depth - 1)
            var high = count(through: depth)
            let end = high
            while low < high {
                let middle = (low + high) / 2
                if self.level(rank: middle) < level { low = middle + 1 } else { high = middle }
            }
            if low < end, self.level(rank: low) == level { return low }
        }
        preconditionFailure("level \(level) is outside the axis")
    }

    /// Point j of the `intervals` equal intervals between the ends, rounded to a level, halves upwards.
    private func place(_ j: Int, of intervals: Int) -> Int {
        (2 * j * (count - 1) + intervals) / (2 * intervals)
    }

    /// The level number `offset` of those that no point of the `intervals` intervals hits. Intervals are at most two
    /// levels long here, so each holds at most one.
    private func missing(_ offset: Int, from intervals: Int) -> Int {
        // The last point before which at most `offset` levels are missing.
        var low = 0
        var high = intervals
        while low < high {
            let middle = (low + high + 1) / 2
            if place(middle, of: intervals) - middle <= offset { low = middle } else { high = middle - 1 }
        }
        return place(low, of: intervals) + 1
    }
}
