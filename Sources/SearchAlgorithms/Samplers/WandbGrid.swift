// SPDX-License-Identifier: MIT

import SweepModel

/// W&B's order: parameters sorted by name, the last varying fastest, as Python's itertools.product has it. q_uniform is
/// numpy's arange, without its upper bound.
struct WandbGrid: Sendable {
    /// Conditional grids are listed and sorted, so they are small.
    static let conditionalLimit = 1_000_000

    private let cells: Cells
    /// Axes by name.
    private let axes: [Int]
    /// The cells' numbers in order, for spaces with conditions.
    private let listed: [Int]?

    init(_ space: SearchSpace) throws(SamplerError) {
        var levels: [Levels] = []
        for parameter in space.parameters {
            guard let finite = parameter.distribution.wandbLevels else {
                throw .foreignToWandbOrder(parameter: parameter.name)
            }
            levels.append(finite)
        }
        let names = space.parameters.map(\.name)
        // Python compares strings by code point, which is how their UTF-8 bytes compare.
        let axes = names.indices.sorted { names[$0].utf8.lexicographicallyPrecedes(names[$1].utf8) }
        self.axes = axes
        let isPlain = space.parameters.allSatisfy { $0.conditions.isEmpty }
        let limit = isPlain ? GridSampler.limit : Self.conditionalLimit
        let cells = try gridCells(space, levels: levels, refined: false, limit: limit)
        self.cells = cells
        listed = isPlain ? nil : Self.sorted(cells, by: axes)
    }

    var count: Int { cells.count }

    func configuration(_ place: Int) -> Configuration {
        if let listed { return cells.configuration(listed[place]) }
        var levels = [Int](repeating: 0, count: axes.count)
        var rest = place
        for axis in axes.reversed() {
            let count = cells.axes[axis].refinement.count
            levels[axis] = rest % count
            rest /= count
        }
        return Configuration(
            zip(cells.axes, levels).map { Configuration.Entry($0.name, $0.levels.value(UInt64($1))) })
    }

    /// Inactive parameters sort first.
    private static func sorted(_ cells: Cells, by axes: [Int]) -> [Int] {
        (0..<cells.count).map { cell in
            let levels = cells.levels(shell: 0, offset: cell)
            return (cell: cell, key: axes.map { levels[$0] ?? -1 })
        }.sorted { $0.key.lexicographicallyPrecedes($1.key) }.map(\.cell)
    }
}

extension Distribution {
    /// The values W&B's grid gives the parameter; nil when it refuses it.
    fileprivate var wandbLevels: Levels? {
        switch self {
        case .constant, .integer:
            return levels
        case .categorical(_, let probabilities, _):
            return probabilities.isEmpty ? levels : nil
        case .real(.uniform(let low, let high), .wandb(let q, let integers)):
            let count = ((high - low) / q).rounded(.up)
            guard count >= 1, count < 0x1p53 else { return nil }
            // arange of integers holds integers.
            let whole = integers && low == low.rounded()
            return .progression(low: low, q: q, count: UInt64(count), integers: whole)
        case .real(.uniform, .step):
            return levels
        case .real:
            return nil
        }
    }
}
