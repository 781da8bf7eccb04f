// SPDX-License-Identifier: MIT

import Randomness
import SweepModel

/// Finds what is left of a finite space once drawing has become a search for needles: walks the cells in a keyed order
/// from a keyed start. Together all walks of a sweep cost about n ln n steps for n cells.
struct RemainingCells: Sendable {
    private let cells: Cells
    private let order: KeyedPermutation
    private let seed: UInt64

    /// Nil when the space is not finite, or too large for a sweep to exhaust.
    init?(space: SearchSpace, seed: UInt64) {
        guard let cells = Cells(space) else { return nil }
        self.cells = cells
        self.seed = seed
        order = KeyedPermutation(count: UInt64(cells.count), seed: seed, name: "remaining")
    }

    /// A configuration that `seen` does not hold; nil when it holds all.
    func configuration(at index: Int, excluding seen: SeenConfigurations) -> Configuration? {
        let count = UInt64(cells.count)
        var start = RandomStream(seed: seed, index: index, name: "remaining", purpose: .proposal)
        var place = start.nextInteger(below: count)
        for _ in 0..<count {
            let configuration = cells.configuration(Int(order[place]))
            if !seen.contains(configuration) { return configuration }
            place = place + 1 == count ? 0 : place + 1
        }
        return nil
    }
}
