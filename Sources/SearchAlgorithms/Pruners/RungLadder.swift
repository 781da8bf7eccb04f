// SPDX-License-Identifier: MIT

import SweepModel

/// The steps minimum · eta^k below the maximum, rounded down; none twice.
struct RungLadder: Hashable, Sendable {
    /// Ascending.
    let steps: [Int64]

    /// As many as W&B has bands: with an eta near 1 there is no end to them, nor to the powers that round to one step.
    private static let mostSteps = 100
    private static let mostPowers = 10_000
    /// Beyond this a double does not count every integer.
    private static let highestStep = 9e15

    init(_ rungs: EarlyTermination.Rungs) {
        let end = rungs.maximumStep.map(Double.init) ?? .infinity
        var steps: [Int64] = []
        var step = Double(rungs.minimumStep)
        for _ in 0..<Self.mostPowers where step < min(end, Self.highestStep) && steps.count < Self.mostSteps {
            let whole = Int64(step)
            if whole != steps.last { steps.append(whole) }
            step *= rungs.eta
        }
        self.steps = steps
    }
}
