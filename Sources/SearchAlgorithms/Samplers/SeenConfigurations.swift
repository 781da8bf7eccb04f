// SPDX-License-Identifier: MIT

import Randomness
package import SweepModel

/// The configurations a sweep has already proposed, by canonical value: 3e6 and 3000000 are one, and the order of a
/// configuration's entries does not count. It keeps 16 bytes for each, a digest; two of a million configurations share
/// one by accident with a probability of 10^-27.
package struct SeenConfigurations: Sendable {
    private var digests: Set<Fingerprint> = []

    package init() {}

    package var count: Int { digests.count }

    package mutating func insert(_ configuration: Configuration) {
        digests.insert(digest(configuration))
    }

    package mutating func remove(_ configuration: Configuration) {
        digests.remove(digest(configuration))
    }

    package func contains(_ configuration: Configuration) -> Bool {
        digests.contains(digest(configuration))
    }

    private func digest(_ configuration: Configuration) -> Fingerprint {
        configuration.entries.reduce(into: Fingerprint()) { sum, entry in
            var digest = Fingerprint()
            digest.combine(entry.name)
            digest.combine(value: entry.value)
            sum.add(digest)
        }
    }
}
