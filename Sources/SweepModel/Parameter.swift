// SPDX-License-Identifier: MIT

/// One dimension of a search space.
package struct Parameter: Hashable, Sendable {
    /// The path through nested `parameters:` blocks; one component for a parameter that is not nested.
    package let path: [String]
    package let distribution: Distribution
    /// All must hold for the parameter to be active; empty means always active.
    package let conditions: [Condition]

    package init(path: [String], distribution: Distribution, conditions: [Condition] = []) {
        self.path = path
        self.distribution = distribution
        self.conditions = conditions
    }

    package init(_ name: String, _ distribution: Distribution, when conditions: [Condition] = []) {
        self.init(path: [name], distribution: distribution, conditions: conditions)
    }

    /// The path's components joined by dots: unique within a space.
    package var name: String { path.count == 1 ? path[0] : path.joined(separator: ".") }

    /// `parent` is active and has one of `values`.
    package struct Condition: Hashable, Sendable {
        package let parent: String
        package let values: [JSONValue]
        package init(_ parent: String, in values: [JSONValue]) {
            self.parent = parent
            self.values = values
        }
    }
}

/// The law a parameter's values follow. Bounds are values, never exponents: W&B's `log_uniform` is converted when the
/// file is read.
package enum Distribution: Hashable, Sendable {
    case constant(JSONValue)
    /// `probabilities` is empty (uniform) or has one entry a value and sums to 1. `ordinal` values have an order.
    case categorical(values: [JSONValue], probabilities: [Double], ordinal: Bool)
    /// Integers low, low + step, … up to high, both ends included when the step allows it; `log` spaces them evenly in
    /// the logarithm (then low ≥ 1).
    case integer(low: Int64, high: Int64, step: Int64, log: Bool)
    /// Floats. `quantum` rounds what the law gives.
    case real(law: Law, quantum: Quantum?)

    package enum Law: Hashable, Sendable {
        case uniform(low: Double, high: Double)
        case logUniform(low: Double, high: Double)
        /// log(1/X) is uniform (W&B's `inv_log_uniform_values`): the same law as `logUniform`, mirrored in u.
        case inverseLogUniform(low: Double, high: Double)
        case normal(mean: Double, deviation: Double)
        case logNormal(mean: Double, deviation: Double)
        case beta(a: Double, b: Double)
    }

    package enum Quantum: Hashable, Sendable {
        /// W&B's q: round(x / q) * q, which may leave the bounds; integer results iff q was written as an integer.
        case wandb(q: Double, integers: Bool)
        /// sweepd's step on a float: low, low + step, … ≤ high.
        case step(Double)
    }
}
