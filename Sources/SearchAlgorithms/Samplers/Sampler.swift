// SPDX-License-Identifier: MIT

package import SweepModel

/// A configuration and its place in the sampler's sequence, which is not the trial's number.
package struct Proposal: Hashable, Sendable {
    package let index: Int
    package let configuration: Configuration

    package init(index: Int, configuration: Configuration) {
        self.index = index
        self.configuration = configuration
    }
}

/// A sequence of configurations. What stands at an index depends on the sweep's definition and the index, and on `seen`
/// only so far as a duplicate is replaced or passed over.
package protocol Sampler: Sendable {
    /// The first proposal at an index ≥ `index` whose configuration `seen` does not hold; nil when the space is
    /// exhausted.
    func proposal(at index: Int, excluding seen: SeenConfigurations) -> Proposal?
}
