// SPDX-License-Identifier: MIT

import Randomness
import RealModule

/// What is believed of the hyperparameters before any value is seen, for values of mean 0 and variance 1.
///
/// The length scales' prior grows with √d, so that a function of many parameters is not thought to be more wrinkled
/// than one of few: Hvarfner, Hellsten, Nardi, "Vanilla Bayesian optimization performs great in high dimensions",
/// ICML 2024.
package struct Priors: Hashable, Sendable {
    /// d.
    package let features: Int
    /// The function is known to return the same value for the same point: σₙ² = 10^-6, not fitted.
    package let isDeterministic: Bool
    /// Of ln σₙ². BoTorch's 1 all but rules out noise below 10^-5, and with it the last digits of a function that has
    /// none; with 3 the mean regret of 7 test problems, 10 seeds and 50 or 100 trials was lower by a quarter.
    let noiseDeviation: Double

    static let lengthScaleMinimum = 0.025
    static let noiseMinimum = 1e-6
    /// ln ℓ's variance, and the mean of ln σₙ² and the deviation of ln σ_f².
    static let (lengthScaleVariance, noiseLocation, signalDeviation) = (3.0, -4.0, 0.5)

    package init(features: Int, isDeterministic: Bool = false, noiseDeviation: Double = 3) {
        self.features = features
        self.isDeterministic = isDeterministic
        self.noiseDeviation = noiseDeviation
    }

    private var lengthScaleLocation: Double {
        2.0.squareRoot() + 0.5 * Double.log(Double(max(features, 1)))
    }

    /// Where a fit starts that knows nothing better: ℓ between the mode and the median of its prior, and far more noise
    /// than the prior expects. From little noise a fit to noisy values ends in short length scales that explain the
    /// noise away (measured: J lower by 10 at 120 values of sin 7x with deviation ½); from much it finds little noise
    /// just as well.
    package var start: Hyperparameters {
        Hyperparameters(
            lengthScales: Array(repeating: 0.3 * Double(max(features, 1)).squareRoot(), count: features),
            signalVariance: 1, noiseVariance: isDeterministic ? Self.noiseMinimum : 0.1)
    }

    /// The box of θ.
    var bounds: (lower: [Double], upper: [Double]) {
        let least = Double.log(Self.noiseMinimum)
        return (
            Array(repeating: Double.log(Self.lengthScaleMinimum), count: features) + [-5, least],
            Array(repeating: 10, count: features) + [5, isDeterministic ? least : 2.5]
        )
    }

    /// ln p(θ) and its gradient: log-normal densities of ℓ and σₙ² (in ℓ and σₙ² themselves), normal of ln σ_f².
    func logDensity(_ theta: [Double]) -> (value: Double, gradient: [Double]) {
        let halfLogTwoPi = 0.5 * Double.log(2 * Double.pi)
        var value = 0.0
        var gradient = [Double](repeating: 0, count: theta.count)
        for index in 0..<features {
            let centred = theta[index] - lengthScaleLocation
            value -= centred * centred / (2 * Self.lengthScaleVariance) + theta[index]
            gradient[index] = -centred / Self.lengthScaleVariance - 1
        }
        value -= Double(features) * (0.5 * Double.log(Self.lengthScaleVariance) + halfLogTwoPi)
        let signal = theta[features] / Self.signalDeviation
        value -= signal * signal / 2 + Double.log(Self.signalDeviation) + halfLogTwoPi
        gradient[features] = -signal / Self.signalDeviation
        let noise = (theta[features + 1] - Self.noiseLocation) / noiseDeviation
        value -= noise * noise / 2 + Double.log(noiseDeviation) + theta[features + 1] + halfLogTwoPi
        gradient[features + 1] = -noise / noiseDeviation - 1
        return (value, gradient)
    }

    /// A draw from the priors, within the bounds.
    func draw(_ stream: inout RandomStream) -> Hyperparameters {
        let (lower, upper) = bounds
        var theta: [Double] = []
        for _ in 0..<features {
            theta.append(lengthScaleLocation + Self.lengthScaleVariance.squareRoot() * stream.nextNormal())
        }
        theta.append(Self.signalDeviation * stream.nextNormal())
        theta.append(Self.noiseLocation + noiseDeviation * stream.nextNormal())
        return Hyperparameters(logarithms: theta.indices.map { min(max(theta[$0], lower[$0]), upper[$0]) })
    }
}
