// SPDX-License-Identifier: MIT

package import SweepModel

/// Which fences this journal has granted, and which number is granted next. Numbers only grow; those between are skipped
/// where workers hold leases from a future that a restored copy of the database has not seen.
package struct GrantedFences: Sendable {
    package private(set) var next = Fence(1)
    /// Ascending, apart from each other. Never granted here, and never to be.
    private var skipped: [Range<Fence>] = []

    package init() {}

    package func contains(_ fence: Fence) -> Bool {
        Fence(1) <= fence && fence < next && !skipped.contains { $0.contains(fence) }
    }

    package mutating func grant(_ fence: Fence) {
        if fence > next { skip(to: fence) }
        next = max(next, fence.next)
    }

    /// A worker says that it holds this one: it is granted to nobody else.
    package mutating func reserve(_ fence: Fence) {
        // Nobody was ever granted one beyond 2^53: the number is the worker's invention.
        if fence >= next, fence.number < 1 << 53 { skip(to: fence.next) }
    }

    private mutating func skip(to end: Fence) {
        let start = skipped.last?.upperBound == next ? skipped.removeLast().lowerBound : next
        skipped.append(start..<end)
        next = end
    }
}
