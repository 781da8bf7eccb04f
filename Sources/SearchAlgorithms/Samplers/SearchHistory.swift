// SPDX-License-Identifier: MIT

package import SweepModel

/// What an adaptive sampler learns from: one look at a sweep.
package struct SearchHistory: Sendable {
    package struct Result: Hashable, Sendable {
        package let configuration: Configuration
        /// The objective in its own unit and direction; nil for a trial that failed by what it was asked to run. Lost
        /// workers are not evidence and make no result.
        package let value: Double?
        /// How many rungs short of its end the trial was when it had this value: 0 for one that was trained to its end.
        package let missingRungs: Int

        package init(_ configuration: Configuration, value: Double?, missingRungs: Int = 0) {
            self.configuration = configuration
            self.value = value
            self.missingRungs = missingRungs
        }
    }

    /// How many events the journal held.
    package let position: Int64
    /// In the order in which they came.
    package var results: [Result]
    /// Proposed and not over, in the order of the proposals; a configuration that is repeated stands once a trial.
    package var pending: [Configuration]
    /// All configurations ever proposed.
    package var seen: SeenConfigurations

    package init(
        position: Int64 = 0, results: [Result] = [], pending: [Configuration] = [],
        seen: SeenConfigurations = SeenConfigurations()
    ) {
        self.position = position
        self.results = results
        self.pending = pending
        self.seen = seen
    }
}
