// SPDX-License-Identifier: MIT

import Foundation
import SweepModel

/// A value at the edge of its parameter's range.
struct RangeEdge: Hashable, Sendable {
    enum Side: String, Sendable { case lower, upper }

    let parameter: String
    let side: Side
    /// The value, the range's ends, and what to try beyond: text, ready for people.
    let value: String
    let range: String
    let isLogarithmic: Bool

    /// "Within 5 %" of the range's length in its own scale.
    private static let fraction = 0.05

    /// nil where there is no edge: unordered values, too few levels, laws without bounds, and ends beyond which nothing
    /// can lie (a lower bound of 0, of 1 for an integer).
    static func at(_ parameter: Parameter, _ value: JSONValue) -> RangeEdge? {
        switch parameter.distribution {
        case .constant: return nil
        case .categorical(let values, _, let ordinal):
            guard ordinal, values.count >= 3, let index = values.firstIndex(of: value) else { return nil }
            guard index == 0 || index == values.count - 1 else { return nil }
            return RangeEdge(
                parameter: parameter.name, side: index == 0 ? .lower : .upper, value: Format.value(value),
                range: "\(Format.value(values[0])) … \(Format.value(values[values.count - 1]))", isLogarithmic: false)
        case .integer(let low, let high, let step, let log):
            guard (high - low) / max(1, step) >= 2 else { return nil }
            let isOpenBelow = low < 0 || low > 1
            return numeric(parameter, value, low: Double(low), high: Double(high), log: log, openBelow: isOpenBelow)
        case .real(let law, _):
            switch law {
            case .uniform(let low, let high):
                return numeric(parameter, value, low: low, high: high, log: false, openBelow: low != 0)
            case .logUniform(let low, let high), .inverseLogUniform(let low, let high):
                return numeric(parameter, value, low: low, high: high, log: true, openBelow: true)
            case .normal, .logNormal, .beta: return nil
            }
        }
    }

    private static func numeric(
        _ parameter: Parameter, _ value: JSONValue, low: Double, high: Double, log isLog: Bool, openBelow: Bool
    ) -> RangeEdge? {
        guard let number = value.doubleValue, number.isFinite, low < high, !isLog || (low > 0 && number > 0) else {
            return nil
        }
        let scale: (Double) -> Double = isLog ? { log($0) } : { $0 }
        let position = (scale(number) - scale(low)) / (scale(high) - scale(low))
        let side: Side
        if position >= 1 - fraction {
            side = .upper
        } else if position <= fraction, openBelow {
            side = .lower
        } else {
            return nil
        }
        return RangeEdge(
            parameter: parameter.name, side: side, value: Format.value(value),
            range: "\(Format.number(low)) … \(Format.number(high))", isLogarithmic: isLog)
    }
}
