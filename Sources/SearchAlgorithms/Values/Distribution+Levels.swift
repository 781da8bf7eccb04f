// SPDX-License-Identifier: MIT

import RealModule
package import SweepModel

extension Distribution {
    /// The values this distribution can take with positive probability, if they are finitely many; doubles are listed
    /// once, by canonical value.
    package var levels: Levels? {
        switch self {
        case .constant(let value):
            return .listed([value])
        case .categorical(let values, let probabilities, _):
            return .listed(distinct(values, probabilities: probabilities))
        case .integer(let low, let high, let step, _):
            let span = UInt64(bitPattern: max(low, high) &- low) / UInt64(max(step, 1))
            return .integers(low: low, step: max(step, 1), count: span == .max ? .max : span + 1)
        case .real(let law, let quantum):
            guard let (low, high) = law.support else { return nil }
            guard let quantum else { return low == high ? .listed([.number(low)]) : nil }
            return quantum.levels(low: low, high: high, startsAtLow: law.hasBounds)
        }
    }

    /// The same as a list, or nil when there are more than `limit`.
    package func levels(limit: Int) -> [JSONValue]? {
        guard let levels, levels.count <= UInt64(max(limit, 0)) else { return nil }
        return (0..<levels.count).map(levels.value)
    }

    private func distinct(_ values: [JSONValue], probabilities: [Double]) -> [JSONValue] {
        var seen: Set<JSONValue> = []
        return values.enumerated().filter { item in
            (probabilities.isEmpty || probabilities[item.offset] > 0) && seen.insert(item.element.canonical).inserted
        }.map(\.element)
    }
}

extension Distribution.Law {
    /// The interval the law lives on; nil when it is unbounded.
    var support: (low: Double, high: Double)? {
        switch self {
        case .uniform(let low, let high), .logUniform(let low, let high), .inverseLogUniform(let low, let high):
            (low, high)
        case .normal(let mean, let deviation):
            deviation == 0 ? (mean, mean) : nil
        case .logNormal(let mean, let deviation):
            deviation == 0 ? (.exp(mean), .exp(mean)) : nil
        case .beta:
            (0, 1)
        }
    }

    /// Whether the file wrote the ends of the support, so that a step counts from the lower one and not from 0.
    var hasBounds: Bool {
        switch self {
        case .uniform, .logUniform, .inverseLogUniform: true
        case .normal, .logNormal, .beta: false
        }
    }
}

extension Distribution.Quantum {
    func levels(low: Double, high: Double, startsAtLow: Bool) -> Levels? {
        switch self {
        case .wandb(let q, let integers):
            let (first, last) = multiples(of: q, low: low, high: high)
            return levelCount(last - first).map { .multiples(first: first, q: q, count: $0, integers: integers) }
        case .step(let step) where startsAtLow:
            // The tolerance lets 0.1, 0.2, … reach 0.3, which three additions of 0.1 overshoot.
            return levelCount(((high - low) / step + 1e-9).rounded(.down))
                .map { .lattice(Lattice(low: low, step: step), count: $0) }
        case .step(let step):
            let (first, last) = multiples(of: step, low: low, high: high)
            let origin = Lattice(low: 0, step: step).value(first)
            return levelCount(last - first).map { .lattice(Lattice(low: origin, step: step), count: $0) }
        }
    }

    /// The multiples of q that an interval of positive length within [low, high] is rounded to.
    private func multiples(of q: Double, low: Double, high: Double) -> (first: Double, last: Double) {
        guard low < high else {
            let only = (low / q).rounded(.toNearestOrEven)
            return (only, only)
        }
        let first = (low / q + 0.5).rounded(.down)
        return (first, max(first, (high / q - 0.5).rounded(.up)))
    }

    /// Beyond 2^53 neighbouring levels are no longer different floats.
    private func levelCount(_ intervals: Double) -> UInt64? {
        intervals >= 0 && intervals < 0x1p53 ? UInt64(intervals) + 1 : nil
    }
}
