// SPDX-License-Identifier: MIT

package import SweepModel

/// The configurations of a finite space, each once and each by its number, in coarse-to-fine shells: shell 0 is the
/// coarsest grid, and the shells up to any depth make up a complete grid. Nothing is listed; a number is taken apart
/// into digits.
///
/// Parameters that conditions tie together form a component; the values that conditions name split a component into
/// variants, within each of which the same parameters are active. A space is the product of its components, a component
/// the sum of its variants, a variant the product of its choices.
package struct Cells: Sendable {
    /// Enough for every space that a sweep could exhaust.
    package static let defaultLimit = 10_000_000
    /// An axis of more levels counts as infinite.
    static let axisLimit: UInt64 = 1 << 30

    let axes: [Axis]
    let components: [[Variant]]
    package let depth: Int
    /// sizes[depth + 1][component]: cells through that depth, and how they add up over the variants.
    let sizes: [[ComponentSize]]

    struct Axis: Sendable {
        let name: String
        let levels: Levels
        let refinement: Refinement
    }

    /// The cells of a component through some depth: `sums[i]` of them lie in the variants before i.
    struct ComponentSize: Sendable {
        let sums: [Int]
        var count: Int { sums[sums.count - 1] }
    }

    /// Nil when a parameter has infinitely many values, when there are more than `limit` cells, or when conditions make
    /// more than 20,000 variants.
    package init?(_ space: SearchSpace, limit: Int = defaultLimit) {
        let levels = space.parameters.compactMap(\.distribution.levels)
        guard levels.count == space.parameters.count else { return nil }
        self.init(space, levels: levels, refined: false, limit: limit)
    }

    /// The same for the given levels of each parameter; `refined`: from coarse to fine, otherwise all in one shell.
    init?(_ space: SearchSpace, levels: [Levels], refined: Bool, limit: Int) {
        guard levels.allSatisfy({ $0.count <= Self.axisLimit && $0.count > 0 }) else { return nil }
        axes = zip(space.parameters, levels).map { parameter, levels in
            let count = Int(levels.count)
            let halves = refined && parameter.distribution.hasOrder
            return Axis(name: parameter.name, levels: levels, refinement: halves ? .halving(count) : .flat(count))
        }
        guard let components = Variants(space: space, axes: axes).components() else { return nil }
        self.components = components
        depth = axes.map(\.refinement.depth).max() ?? 0
        let axes = axes
        sizes = (-1...depth).map { depth in
            components.map { variants in
                ComponentSize(
                    sums: variants.reduce(into: [0]) { sums, variant in
                        sums.append(sums[sums.count - 1].saturatingSum(variant.count(through: depth, axes: axes)))
                    })
            }
        }
        guard count <= limit else { return nil }
    }

    package var count: Int { count(through: depth) }

    /// The cells of the complete grid of that depth; 0 below depth 0.
    package func count(through depth: Int) -> Int {
        if depth < 0 { return 0 }
        return sizes[min(depth, self.depth) + 1].reduce(1) { $0.saturatingProduct($1.count) }
    }

    /// The configuration of the cell number `cell`, shell after shell.
    ///
    /// - Precondition: 0 ≤ cell < count.
    package func configuration(_ cell: Int) -> Configuration {
        var depth = 0
        while count(through: depth) <= cell { depth += 1 }
        return configuration(shell: depth, offset: cell - count(through: depth - 1))
    }

    /// The configuration number `offset` among those that the depth `shell` adds.
    func configuration(shell: Int, offset: Int) -> Configuration {
        Configuration(
            levels(shell: shell, offset: offset).enumerated().compactMap { place, level in
                level.map { Configuration.Entry(axes[place].name, axes[place].levels.value(UInt64($0))) }
            })
    }

    /// The same as each parameter's level; nil where it is inactive.
    func levels(shell: Int, offset: Int) -> [Int?] {
        var levels = [Int?](repeating: nil, count: axes.count)
        let inner = sizes[shell]
        let outer = sizes[shell + 1]
        var digits = ShellDigits(inner: inner.map(\.count), outer: outer.map(\.count), offset: offset)
        for component in components.indices {
            let digit = digits.next(component)
            if digit < inner[component].count {
                let sums = inner[component].sums
                let (variant, rest) = find(digit, parts: sums.count - 1) { sums[$0] }
                components[component][variant].decode(rest, within: shell - 1, axes: axes, into: &levels)
            } else {
                let sums = (inner[component].sums, outer[component].sums)
                let (variant, rest) = find(digit - inner[component].count, parts: sums.0.count - 1) {
                    sums.1[$0] - sums.0[$0]
                }
                components[component][variant].decode(rest, onShell: shell, axes: axes, into: &levels)
            }
        }
        return levels
    }
}

extension Distribution {
    /// Whether some of the values, spread evenly, stand for the rest. So it is for numbers, ordinals, and lists of
    /// numbers that rise or fall, and not for names.
    fileprivate var hasOrder: Bool {
        switch self {
        case .constant:
            return false
        case .integer, .real:
            return true
        case .categorical(let values, _, let ordinal):
            let numbers = values.compactMap(\.numericValue)
            if ordinal || numbers.count < values.count { return ordinal }
            let pairs = zip(numbers, numbers.dropFirst())
            return pairs.allSatisfy { $0 < $1 } || pairs.allSatisfy { $0 > $1 }
        }
    }
}

/// The part that holds `offset`, and the place within it; `sum` is how much lies before a part.
private func find(_ offset: Int, parts: Int, sum: (Int) -> Int) -> (part: Int, rest: Int) {
    var low = 0
    var high = parts - 1
    while low < high {
        let middle = (low + high + 1) / 2
        if sum(middle) <= offset { low = middle } else { high = middle - 1 }
    }
    return (low, offset - sum(low))
}
