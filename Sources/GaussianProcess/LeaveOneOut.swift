// SPDX-License-Identifier: MIT

import LinearAlgebra

extension GaussianProcess {
    /// |y - μ| / √(σ² + σₙ²) of the last row's value under the model of all the others: how surprising it was when it
    /// came. 0 without observations.
    ///
    /// With c = (C⁻¹)_nn the prediction without row n is y_n - α_n / c with variance 1 / c (Rasmussen and Williams 2006,
    /// equations 5.10 to 5.12), and for the last row c = 1 / L_nn².
    package var surpriseOfLast: Double {
        guard let weight = weights.last else { return 0 }
        return (weight * cholesky.factor[weights.count - 1, weights.count - 1]).magnitude
    }
}
