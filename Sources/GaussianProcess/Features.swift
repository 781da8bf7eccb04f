// SPDX-License-Identifier: MIT

/// What the coordinates of an encoded point mean. Every point of a model has one number a feature.
package struct Features: Hashable, Sendable {
    package enum Kind: Hashable, Sendable {
        /// A number in [0, 1]; differences count.
        case continuous
        /// The index of a category; only equal or not counts (Hamming distance).
        case categorical
    }

    package let kinds: [Kind]
    let continuous: [Int]
    package let categorical: [Int]

    package init(_ kinds: [Kind]) {
        self.kinds = kinds
        continuous = kinds.indices.filter { kinds[$0] == .continuous }
        categorical = kinds.indices.filter { kinds[$0] == .categorical }
    }

    /// d: how many features there are.
    package var count: Int { kinds.count }
}
