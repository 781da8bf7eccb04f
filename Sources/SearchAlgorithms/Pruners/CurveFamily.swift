// SPDX-License-Identifier: MIT

import RealModule

/// How a learning curve falls: g(x) of the step as a share x of the newest one, so that g is decreasing and what remains
/// of a curve is a level plus an amplitude times it. Shapes depend on logarithms of positive parameters, which keeps
/// them apart from the scale of the steps.
///
/// Of the eleven families in Domhan, Springenberg, Hutter: "Speeding up automatic hyperparameter optimization of deep
/// neural networks by extrapolation of learning curves", IJCAI 2015, table 1, three that differ in how soon they level
/// off.
enum CurveFamily: CaseIterable, Sendable {
    /// pow3: x^−b; parameter ln b.
    case power
    /// exp: e^(u (1 − x^κ)); parameters ln u and ln κ.
    case exponential
    /// Log-power: 1 / (1 + (x / τ)^κ); parameters ln τ and ln κ.
    case logPower

    /// One or two of them; the second of `power` stands still.
    typealias Shape = SIMD2<Double>

    /// What is believed of a shape before anything is seen, as a normal law, and how far it may go.
    struct Prior: Sendable {
        let mean: Shape
        let deviation: Shape
        let low: Shape
        let high: Shape
        /// Where the fit may begin: the first that fits best.
        let starts: [Shape]
    }

    /// g and its derivatives by the shape.
    struct Value: Sendable {
        let value: Double
        let derivative: Shape
    }

    var shapes: Int { self == .power ? 1 : 2 }

    var prior: Prior {
        switch self {
        case .power: Self.powerPrior
        case .exponential: Self.exponentialPrior
        case .logPower: Self.logPowerPrior
        }
    }

    private static let powerPrior = Prior(
        mean: [-0.5, 0], deviation: [0.8, 1], low: [-3, 0], high: [1.4, 0], starts: [[-1.4, 0], [-0.4, 0], [0.5, 0]])
    private static let exponentialPrior = Prior(
        mean: [0.7, -0.2], deviation: [1, 0.4], low: [-3, -1.2], high: [3, 1], starts: [[0, 0], [1, 0], [1.8, -0.4]])
    private static let logPowerPrior = Prior(
        mean: [-1, 0.2], deviation: [1.2, 0.5], low: [-4, -1.2], high: [2, 1.4],
        starts: [[-2, 0], [-1, 0.3], [0, 0.3]])

    /// - Parameter x: the logarithm of the share.
    func callAsFunction(_ x: Double, _ shape: Shape) -> Value {
        switch self {
        case .power:
            let exponent = -.exp(shape.x) * x
            let value = Double.exp(exponent)
            return Value(value: value, derivative: [exponent * value, 0])
        case .exponential:
            let (u, kappa) = (Double.exp(shape.x), Double.exp(shape.y))
            let power = Double.exp(kappa * x)
            let exponent = u * (1 - power)
            let value = Double.exp(exponent)
            return Value(value: value, derivative: [exponent * value, -u * kappa * x * power * value])
        case .logPower:
            let kappa = Double.exp(shape.y)
            let distance = kappa * (x - shape.x)
            let value = 1 / (1 + .exp(distance))
            let slope = value * (1 - value)
            return Value(value: value, derivative: [kappa * slope, -distance * slope])
        }
    }
}
