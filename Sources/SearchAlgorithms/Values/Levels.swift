// SPDX-License-Identifier: MIT

package import SweepModel

/// The values of a distribution that has finitely many, in order and by number, without listing them.
package enum Levels: Hashable, Sendable {
    case listed([JSONValue])
    case integers(low: Int64, step: Int64, count: UInt64)
    case lattice(Lattice, count: UInt64)
    /// first·q, (first + 1)·q, …
    case multiples(first: Double, q: Double, count: UInt64, integers: Bool)
    /// What numpy's `arange(low, …, q)` holds.
    case progression(low: Double, q: Double, count: UInt64, integers: Bool)

    package var count: UInt64 {
        switch self {
        case .listed(let values): UInt64(values.count)
        case .integers(_, _, let count), .lattice(_, let count), .multiples(_, _, let count, _),
            .progression(_, _, let count, _):
            count
        }
    }

    /// - Precondition: index < count.
    package func value(_ index: UInt64) -> JSONValue {
        switch self {
        case .listed(let values):
            values[Int(index)]
        case .integers(let low, let step, _):
            // Modulo 2^64 on purpose: the result is in range, the product alone need not be.
            .integer(low &+ Int64(truncatingIfNeeded: index &* UInt64(bitPattern: step)))
        case .lattice(let lattice, _):
            .number(lattice.value(Double(index)))
        case .multiples(let first, let q, _, let integers):
            number((first + Double(index)) * q, integers: integers)
        case .progression(let low, let q, _, let integers):
            number(low + Double(index) * q, integers: integers)
        }
    }

    /// Where the value stands among the levels; nil when it is none of them.
    package func index(of value: JSONValue) -> UInt64? {
        let wanted = value.canonical
        switch self {
        case .listed(let values):
            return values.firstIndex { $0.canonical == wanted }.map(UInt64.init)
        case .integers(let low, let step, let count):
            guard case .integer(let integer) = wanted, integer >= low else { return nil }
            let distance = UInt64(bitPattern: integer &- low)
            let index = distance / UInt64(step)
            return distance % UInt64(step) == 0 && index < count ? index : nil
        case .lattice(let lattice, _):
            return nearest(value, low: lattice.low, step: lattice.step)
        case .multiples(let first, let q, _, _):
            return nearest(value, low: first * q, step: q)
        case .progression(let low, let q, _, _):
            return nearest(value, low: low, step: q)
        }
    }

    /// The index of the level that u in [0, 1) falls on when all are equally likely.
    func index(at u: Double) -> UInt64 {
        // u is below 1 by at least 2^-53, so the product is below 2^64 even where the count rounds up to it.
        min(UInt64(u * Double(count)), count - 1)
    }

    private func nearest(_ value: JSONValue, low: Double, step: Double) -> UInt64? {
        guard let number = value.numericValue else { return nil }
        let place = ((number - low) / step).rounded()
        guard place >= 0, place < Double(count) else { return nil }
        let index = UInt64(place)
        return index < count && self.value(index).canonical == value.canonical ? index : nil
    }
}

/// A number, as an integer where the parameter's values are integers. Beyond 64 bits it saturates.
func number(_ value: Double, integers: Bool) -> JSONValue {
    guard integers else { return .number(value + 0) }
    if let exact = Int64(exactly: value.rounded(.toNearestOrEven)) { return .integer(exact) }
    return .integer(value < 0 ? .min : .max)
}
