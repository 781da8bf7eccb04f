// SPDX-License-Identifier: MIT

import Randomness
package import SweepModel

/// Every combination of the parameters' values, once. A proposal's index is its cell's place in the order.
package struct GridSampler: Sampler {
    /// Beyond this a cell's place would not fit an index.
    static let limit = 1 << 62

    private enum Order {
        /// Shells from coarse to fine, each shuffled by the sweep's seed.
        case coarse(Cells, shells: [Shell])
        case wandb(WandbGrid)
    }

    private struct Shell {
        let start: Int
        let order: KeyedPermutation
    }

    private let order: Order

    package init(space: SearchSpace, seed: UInt64, order: SweepDefinition.GridOrder) throws(SamplerError) {
        switch order {
        case .wandb:
            self.order = .wandb(try WandbGrid(space))
        case .coarse:
            var levels: [Levels] = []
            for parameter in space.parameters {
                guard let finite = parameter.distribution.levels else { throw .endless(parameter: parameter.name) }
                levels.append(finite)
            }
            let cells = try gridCells(space, levels: levels, refined: true, limit: Self.limit)
            let shells = (0...cells.depth).compactMap { depth -> Shell? in
                let start = cells.count(through: depth - 1)
                let size = cells.count(through: depth) - start
                guard size > 0 else { return nil }
                return Shell(start: start, order: KeyedPermutation(count: UInt64(size), seed: seed, index: depth))
            }
            self.order = .coarse(cells, shells: shells)
        }
    }

    package var count: Int {
        switch order {
        case .coarse(let cells, _): cells.count
        case .wandb(let grid): grid.count
        }
    }

    package func proposal(at index: Int, excluding seen: SeenConfigurations) -> Proposal? {
        guard index < count else { return nil }
        for place in index..<count {
            let configuration = configuration(place)
            if !seen.contains(configuration) { return Proposal(index: place, configuration: configuration) }
        }
        return nil
    }

    private func configuration(_ place: Int) -> Configuration {
        switch order {
        case .wandb(let grid):
            return grid.configuration(place)
        case .coarse(let cells, let shells):
            let shell = shells[(shells.lastIndex { $0.start <= place }) ?? 0]
            return cells.configuration(shell.start + Int(shell.order[UInt64(place - shell.start)]))
        }
    }
}

/// The cells of a grid, or which limit it exceeds.
func gridCells(
    _ space: SearchSpace, levels: [Levels], refined: Bool, limit: Int
) throws(SamplerError) -> Cells {
    if let cells = Cells(space, levels: levels, refined: refined, limit: limit) { return cells }
    let sizes = zip(space.parameters, levels).map { SamplerError.GridSize(parameter: $0.name, count: $1.count) }
    let product = sizes.reduce(1) { $0.saturatingProduct(Int(clamping: $1.count)) }
    let fits = product <= limit && sizes.allSatisfy { $0.count <= Cells.axisLimit }
    if fits { throw .gridTooBranched(limit: Variants.limit) }
    throw .gridTooLarge(sizes: sizes, limit: limit)
}
