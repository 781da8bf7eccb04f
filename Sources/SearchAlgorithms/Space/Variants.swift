// SPDX-License-Identifier: MIT

import SweepModel

/// Configurations of one component in which the same parameters are active and the same conditions hold.
struct Variant: Sendable {
    /// Some ranks of an axis: one, or all but a few.
    struct Choice: Sendable {
        enum Ranks: Sendable {
            case one(Int)
            /// Ascending.
            case allBut([Int])
        }
        let axis: Int
        let ranks: Ranks

        /// How many of the ranks lie below `bound`.
        func count(below bound: Int) -> Int {
            switch ranks {
            case .one(let rank): rank < bound ? 1 : 0
            case .allBut(let ranks): bound - ranks.count { $0 < bound }
            }
        }

        /// The rank number `place` of these, ascending.
        func rank(_ place: Int) -> Int {
            switch ranks {
            case .one(let rank): rank
            case .allBut(let ranks): ranks.reduce(place) { $1 <= $0 ? $0 + 1 : $0 }
            }
        }
    }

    let choices: [Choice]

    func count(through depth: Int, axes: [Cells.Axis]) -> Int {
        if depth < 0 { return 0 }
        return counts(through: depth, axes: axes).reduce(1) { $0.saturatingProduct($1) }
    }

    private func counts(through depth: Int, axes: [Cells.Axis]) -> [Int] {
        choices.map { $0.count(below: axes[$0.axis].refinement.count(through: depth)) }
    }

    /// Cell `offset` of those that the depth adds.
    func decode(_ offset: Int, onShell depth: Int, axes: [Cells.Axis], into levels: inout [Int?]) {
        let inner = counts(through: depth - 1, axes: axes)
        var digits = ShellDigits(inner: inner, outer: counts(through: depth, axes: axes), offset: offset)
        for (dimension, choice) in choices.enumerated() {
            levels[choice.axis] = axes[choice.axis].refinement.level(rank: choice.rank(digits.next(dimension)))
        }
    }

    /// Cell `offset` of those up to the depth.
    func decode(_ offset: Int, within depth: Int, axes: [Cells.Axis], into levels: inout [Int?]) {
        var offset = offset
        for (choice, size) in zip(choices, counts(through: depth, axes: axes)) {
            levels[choice.axis] = axes[choice.axis].refinement.level(rank: choice.rank(offset % size))
            offset /= size
        }
    }
}

/// Splits a space into components and these into variants.
struct Variants {
    static let limit = 20_000

    let space: SearchSpace
    let axes: [Cells.Axis]

    /// Nil when there are more than `limit` variants.
    func components() -> [[Variant]]? {
        let parents = space.parameters.map { $0.conditions.compactMap { space.index(of: $0.parent) } }
        var root = Array(space.parameters.indices)
        for (child, parents) in parents.enumerated() {
            for parent in parents {
                let (from, to) = (root[child], root[parent])
                root = root.map { $0 == from ? to : $0 }
            }
        }
        var total = 0
        var components: [[Variant]] = []
        for start in root.indices where !root[..<start].contains(root[start]) {
            let members = root.indices.filter { root[$0] == root[start] }
            guard let variants = variants(members, limit: Self.limit - total) else { return nil }
            total += variants.count
            components.append(variants)
        }
        return components
    }

    private func variants(_ members: [Int], limit: Int) -> [Variant]? {
        var partial: [[Variant.Choice]] = [[]]
        for member in members {
            let named = namedRanks(of: member)
            var next: [[Variant.Choice]] = []
            for choices in partial {
                guard isActive(member, given: choices) else {
                    next.append(choices)
                    continue
                }
                next += named.map { choices + [Variant.Choice(axis: member, ranks: .one($0))] }
                if named.count < axes[member].refinement.count {
                    next.append(choices + [Variant.Choice(axis: member, ranks: .allBut(named))])
                }
                if next.count > limit { return nil }
            }
            partial = next
        }
        return partial.map(Variant.init)
    }

    /// The ranks of the levels that conditions on this parameter name, ascending.
    private func namedRanks(of member: Int) -> [Int] {
        let parent = space.parameters[member].name
        let values = space.parameters.flatMap(\.conditions).filter { $0.parent == parent }.flatMap(\.values)
        let ranks = values.compactMap { axes[member].levels.index(of: $0) }
            .map { axes[member].refinement.rank(level: Int($0)) }
        return Set(ranks).sorted()
    }

    private func isActive(_ member: Int, given choices: [Variant.Choice]) -> Bool {
        space.parameters[member].conditions.allSatisfy { condition in
            guard let choice = choices.first(where: { axes[$0.axis].name == condition.parent }),
                case .one(let rank) = choice.ranks
            else { return false }
            let axis = axes[choice.axis]
            return condition.admits(axis.levels.value(UInt64(axis.refinement.level(rank: rank))))
        }
    }
}
