// SPDX-License-Identifier: MIT

/// How often what goes wrong; drawn anew for each seed, so that some worlds are calm in one way and wild in another.
package struct FaultRates: Sendable {
    package var loss = 0.0
    package var duplication = 0.0
    package var reordering = 0.0
    /// Per stimulus.
    package var coordinatorCrash = 0.0
    /// Per worker and step.
    package var workerCrash = 0.0
    package var reconnection = 0.0
    package var partition = 0.0
    package var userFailure = 0.0
    package var decline = 0.0
    /// A worker speaks of another's lease.
    package var lawlessness = 0.0
    /// Per step of the world.
    package var operatorWish = 0.0

    package static let none = FaultRates()

    package static func drawn(_ random: inout SeededRandom) -> FaultRates {
        func draw(_ highest: Double) -> Double { random.chance(0.5) ? Double(random.int(0...100)) / 100 * highest : 0 }
        return FaultRates(
            loss: draw(0.3), duplication: draw(0.2), reordering: draw(0.3), coordinatorCrash: draw(0.04),
            workerCrash: draw(0.01), reconnection: draw(0.02), partition: draw(0.005), userFailure: draw(0.4),
            decline: draw(0.2), lawlessness: draw(0.1), operatorWish: draw(0.03))
    }
}
