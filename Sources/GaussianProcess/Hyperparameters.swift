// SPDX-License-Identifier: MIT

import RealModule

/// θ: what the likelihood is maximised over.
package struct Hyperparameters: Hashable, Sendable {
    /// ℓ: one a feature.
    package var lengthScales: [Double]
    /// σ_f²: the variance of the function.
    package var signalVariance: Double
    /// σₙ²: the variance of one value about the function.
    package var noiseVariance: Double

    package init(lengthScales: [Double], signalVariance: Double, noiseVariance: Double) {
        self.lengthScales = lengthScales
        self.signalVariance = signalVariance
        self.noiseVariance = noiseVariance
    }

    /// (ln ℓ_1, …, ln ℓ_d, ln σ_f², ln σₙ²).
    package var logarithms: [Double] {
        (lengthScales + [signalVariance, noiseVariance]).map { Double.log($0) }
    }

    package init(logarithms: [Double]) {
        let values = logarithms.map { Double.exp($0) }
        let features = values.count - 2
        self.init(
            lengthScales: Array(values.prefix(features)), signalVariance: values[features],
            noiseVariance: values[features + 1])
    }
}
