// SPDX-License-Identifier: MIT

import Randomness
import RealModule

/// The normal law cut off at 0 and 1. Means lie in [0, 1] and deviations in [0.01, 1], so at least a third of the uncut
/// law's mass is within, and no two points are more than 100 deviations apart.
struct TruncatedNormal: Hashable, Sendable {
    let mean: Double
    let deviation: Double
    /// The logarithm of the uncut law's mass within [0, 1].
    private let logWhole: Double
    private let logScale: Double

    init(mean: Double, deviation: Double) {
        self.mean = mean
        self.deviation = deviation
        logWhole = logNormalMass(from: -mean / deviation, to: (1 - mean) / deviation)
        logScale = -logRootOfTwoPi - Double.log(deviation) - logWhole
    }

    func logDensity(at x: Double) -> Double {
        let z = (x - mean) / deviation
        return logScale - z * z / 2
    }

    /// The logarithm of the mass within [low, high], which is not empty.
    func logMass(from low: Double, to high: Double) -> Double {
        logNormalMass(from: (low - mean) / deviation, to: (high - mean) / deviation) - logWhole
    }

    /// The same, or where it is below e^-98 an upper bound: such a kernel counts for nothing, and most kernels are such.
    func logMassOrBound(from low: Double, to high: Double) -> Double {
        let distance = max(low - mean, mean - high) / deviation
        return distance > 14 ? -distance * distance / 2 - logWhole : logMass(from: low, to: high)
    }

    func quantile(_ u: Double) -> Double {
        let low = normalProbability(-mean / deviation)
        let high = normalProbability((1 - mean) / deviation)
        return min(max(mean + deviation * normalQuantile(low + u * (high - low)), 0), 1)
    }
}

private let logRootOfTwoPi = 0.5 * Double.log(2 * .pi)
private let rootOfHalf = 0.5.squareRoot()

private func normalProbability(_ z: Double) -> Double { 0.5 * .erfc(-z * rootOfHalf) }

/// The logarithm of the standard normal law's mass within [low, high], low < high, to nine digits wherever it lies.
func logNormalMass(from low: Double, to high: Double) -> Double {
    // All of it, to the last bit.
    if low < -9, high > 9 { return 0 }
    let width = high - low
    let middle = low + width / 2
    if width * (middle.magnitude + 1) < 0.03 {
        // Differences of probabilities would cancel here; the midpoint rule with its first correction is off by 1e-9.
        return -middle * middle / 2 - logRootOfTwoPi + .log(width) + width * width * (middle * middle - 1) / 24
    }
    if low > 0 { return logTailMass(from: -high, to: -low) }
    if high < 0 { return logTailMass(from: low, to: high) }
    return .log(0.5 * (.erf(high * rootOfHalf) - .erf(low * rootOfHalf)))
}

/// The same for low < high ≤ 0.
private func logTailMass(from low: Double, to high: Double) -> Double {
    let (lower, upper) = (logNormalProbability(low), logNormalProbability(high))
    return upper + .log(onePlus: -.exp(lower - upper))
}

/// The logarithm of the standard normal law's distribution function at z ≤ 0.
private func logNormalProbability(_ z: Double) -> Double {
    if z > -30 { return .log(normalProbability(z)) }
    // Abramowitz and Stegun 26.2.12, where erfc comes close to what a double can hold.
    let square = 1 / (z * z)
    return -z * z / 2 - logRootOfTwoPi - .log(-z) + .log(onePlus: -square * (1 - 3 * square * (1 - 5 * square)))
}
