// SPDX-License-Identifier: MIT

import Randomness
import RealModule
package import SweepModel

extension Distribution {
    /// The value at u in [0, 1): the distribution's quantile, rounded where it has a quantum or a step. Always finite
    /// and always one of `levels`, where there are any. u outside [0, 1) is moved to its nearest end.
    package func value(at u: Double) -> JSONValue {
        let u = min(max(u, 0), 1 - 0x1p-53)
        switch self {
        case .constant(let value):
            return value
        case .categorical(let values, let probabilities, _):
            return probabilities.isEmpty
                ? values[Int(u * Double(values.count))] : weighted(values, probabilities, at: u)
        case .integer(let low, let high, _, let log):
            guard let levels, low < high else { return .integer(low) }
            guard log else { return levels.value(levels.index(at: u)) }
            return levels.value(logarithmic(u, low: Double(low), step: Double(stepOrOne), count: levels.count))
        case .real(let law, let quantum):
            guard let quantum else { return .number(law.value(at: u)) }
            return rounded(law, quantum, at: u)
        }
    }

    private var stepOrOne: Int64 {
        if case .integer(_, _, let step, _) = self { max(step, 1) } else { 1 }
    }

    private func weighted(_ values: [JSONValue], _ probabilities: [Double], at u: Double) -> JSONValue {
        // Probabilities sum to 1 only nearly, so their own sum is the whole.
        let target = u * probabilities.reduce(0, +)
        var sum = 0.0
        var last = 0
        for (index, probability) in probabilities.enumerated() where probability > 0 {
            sum += probability
            last = index
            if target < sum { break }
        }
        return values[last]
    }

    private func rounded(_ law: Law, _ quantum: Quantum, at u: Double) -> JSONValue {
        switch (quantum, law) {
        case (.step, .uniform):
            guard let levels else { break }
            return levels.value(levels.index(at: u))
        case (.step(let step), .logUniform(let low, _)):
            guard let levels else { break }
            return levels.value(logarithmic(u, low: low, step: step, count: levels.count))
        case (.step(let step), .inverseLogUniform(let low, _)):
            guard let levels else { break }
            return levels.value(logarithmic(1 - 0x1p-53 - u, low: low, step: step, count: levels.count))
        case (.step, .normal), (.step, .logNormal), (.step, .beta), (.wandb, _):
            break
        }
        return quantum.rounded(law.value(at: u), within: levels)
    }

    /// The level whose cell [value, value + step) holds the log-uniform law's value between the lowest cell's lower and
    /// the highest cell's upper end: for 1 to 9, Benford's law of first digits.
    private func logarithmic(_ u: Double, low: Double, step: Double, count: UInt64) -> UInt64 {
        let end = low + Double(count) * step
        let place = (Double.exp(Double.log(low) + u * (Double.log(end) - Double.log(low))) - low) / step
        return place < 1 ? 0 : place >= Double(count - 1) ? count - 1 : UInt64(place)
    }
}

extension Distribution.Law {
    /// Finite for every u in [0, 1).
    func value(at u: Double) -> Double {
        switch self {
        case .uniform(let low, let high):
            let span = high - low
            return clamped(span.isFinite ? low + u * span : low * (1 - u) + high * u, low, high)
        case .logUniform(let low, let high):
            return clamped(.exp(Double.log(low) + u * (Double.log(high) - Double.log(low))), low, high)
        case .inverseLogUniform(let low, let high):
            return clamped(.exp(Double.log(high) - u * (Double.log(high) - Double.log(low))), low, high)
        case .normal(let mean, let deviation):
            return finite(mean + deviation * normalQuantile(max(u, 0x1p-54)))
        case .logNormal(let mean, let deviation):
            return finite(.exp(mean + deviation * normalQuantile(max(u, 0x1p-54))))
        case .beta(let a, let b):
            return clamped(betaQuantile(u, a: a, b: b), 0, 1)
        }
    }

    private func clamped(_ value: Double, _ low: Double, _ high: Double) -> Double {
        min(max(value, low), high)
    }

    private func finite(_ value: Double) -> Double {
        clamped(value, -.greatestFiniteMagnitude, .greatestFiniteMagnitude)
    }
}

extension Distribution.Quantum {
    /// numpy's rounding, half to even, kept within the levels where these are finitely many.
    func rounded(_ value: Double, within levels: Levels?) -> JSONValue {
        switch self {
        case .wandb(let q, let integers):
            var multiple = (value / q).rounded(.toNearestOrEven)
            if case .multiples(let first, _, let count, _) = levels {
                multiple = min(max(multiple, first), first + Double(count - 1))
            }
            let result = multiple * q
            return number(result.isFinite ? result : value, integers: integers)
        case .step(let step):
            if case .lattice(let lattice, let count) = levels {
                let place = ((value - lattice.low) / step).rounded(.toNearestOrEven)
                return .number(lattice.value(min(max(place, 0), Double(count - 1))))
            }
            let result = Lattice(low: 0, step: step).value((value / step).rounded(.toNearestOrEven))
            return .number(result.isFinite ? result + 0 : value)
        }
    }
}
