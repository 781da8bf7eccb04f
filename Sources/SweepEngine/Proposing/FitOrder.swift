// SPDX-License-Identifier: MIT

package import SearchAlgorithms
package import SweepModel

/// The computation of a fit that is due, to be done on any thread.
package struct FitOrder: Sendable {
    package let sweep: SweepID
    package let sampler: any AdaptiveSampler
    package let history: SearchHistory
    /// The latest, from which the next begins.
    package let fits: [ModelFit]
    package let definition: SweepDefinition

    package func made() -> MadeFits {
        MadeFits(
            sweep: sweep, definition: definition, fits: sampler.learn(history, fits: fits, mayFit: true).fits)
    }
}

/// What came of a `FitOrder`.
package struct MadeFits: Sendable {
    package let sweep: SweepID
    package let definition: SweepDefinition
    package let fits: [ModelFit]
}
