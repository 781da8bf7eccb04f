// SPDX-License-Identifier: MIT

import RealModule

/// One family fitted to a curve: level + amplitude · h(x), where h falls from 1 at the curve's first point to 0 at the
/// newest. So the level is the curve's value now and not where it will end, which a short curve does not tell.
///
/// Levenberg–Marquardt within bounds (Marquardt: "An algorithm for least-squares estimation of nonlinear parameters",
/// SIAM 1963), on squared residuals plus the shape's prior, weighed by the noise.
struct CurveFit: Sendable {
    /// Level, amplitude, shape.
    typealias Parameters = SIMD4<Double>

    private let family: CurveFamily
    private let sample: CurveSample
    private let prior: CurveFamily.Prior
    /// What a unit of the prior is worth in squared residuals.
    private let priorWeight: Double
    private(set) var parameters: Parameters
    private(set) var system: System

    /// The normal equations at some parameters.
    struct System: Sendable {
        var matrix = SymmetricFour()
        var gradient = Parameters.zero
        /// Of the residuals, and with the prior.
        var squares = 0.0
        var objective = 0.0
    }

    private static let mostTries = 12

    init(_ family: CurveFamily, _ sample: CurveSample) {
        self.family = family
        self.sample = sample
        prior = family.prior
        priorWeight = sample.variance + 1e-6 * sample.spread * sample.spread
        parameters = .zero
        system = System()
        begin()
        improve()
    }

    /// The level and the amplitude that suit each of the prior's starts, and the best of them.
    private mutating func begin() {
        var least = Double.infinity
        for shape in prior.starts {
            let linear = linearFit(shape)
            guard linear.squares < least else { continue }
            least = linear.squares
            parameters = [linear.level, linear.amplitude, shape.x, shape.y]
        }
        system = assemble(parameters)
    }

    private mutating func improve() {
        var damping = 1e-3
        for _ in 0..<Self.mostTries {
            var damped = system.matrix
            damped.scaleDiagonal(1 + damping)
            guard let step = damped.solve(system.gradient) else { return }
            let tried = bounded(parameters - step)
            let found = assemble(tried)
            if found.objective < system.objective {
                let gain = system.objective - found.objective
                (parameters, system) = (tried, found)
                damping *= 0.2
                if gain < 1e-4 * found.objective { return }
            } else {
                damping *= 8
                if damping > 1e6 { return }
            }
        }
    }

    private func bounded(_ parameters: Parameters) -> Parameters {
        var bounded = parameters
        bounded.y = max(0, bounded.y)
        bounded.z = min(max(bounded.z, prior.low.x), prior.high.x)
        bounded.w = min(max(bounded.w, prior.low.y), prior.high.y)
        return bounded
    }

    /// h and its derivatives by the shape at any x.
    private struct Fall {
        let family: CurveFamily
        let shape: CurveFamily.Shape
        let first: CurveFamily.Value
        let newest: CurveFamily.Value
        let height: Double

        init(_ family: CurveFamily, _ shape: CurveFamily.Shape, from x: Double) {
            (self.family, self.shape) = (family, shape)
            first = family(x, shape)
            newest = family(0, shape)
            height = first.value - newest.value
        }

        func callAsFunction(_ x: Double) -> CurveFamily.Value {
            let here = family(x, shape)
            let value = (here.value - newest.value) / height
            let derivative =
                (here.derivative - newest.derivative - value * (first.derivative - newest.derivative)) / height
            return CurveFamily.Value(value: value, derivative: derivative)
        }
    }

    private func linearFit(_ shape: CurveFamily.Shape) -> (level: Double, amplitude: Double, squares: Double) {
        let fall = Fall(family, shape, from: sample.x[0])
        let falls = sample.x.map { fall($0).value }
        let meanFall = mean { falls[$0] }
        let mean = mean { sample.y[$0] }
        let product = self.mean { (falls[$0] - meanFall) * (sample.y[$0] - mean) }
        let square = self.mean { (falls[$0] - meanFall) * (falls[$0] - meanFall) }
        let amplitude = square > 0 ? max(0, product / square) : 0
        let level = mean - amplitude * meanFall
        let squares = self.mean { index in
            let residual = sample.y[index] - level - amplitude * falls[index]
            return residual * residual
        }
        return (level, amplitude, squares)
    }

    private func mean(_ value: (Int) -> Double) -> Double {
        var sum = 0.0
        for index in sample.weight.indices { sum += sample.weight[index] * value(index) }
        return sum / sample.count
    }

    private func assemble(_ parameters: Parameters) -> System {
        let shape = CurveFamily.Shape(parameters.z, parameters.w)
        let fall = Fall(family, shape, from: sample.x[0])
        var system = System()
        for index in sample.x.indices {
            let value = fall(sample.x[index])
            let residual = parameters.x + parameters.y * value.value - sample.y[index]
            let row = Self.row(value, amplitude: parameters.y)
            let weight = sample.weight[index]
            system.matrix.add(row, weight)
            system.gradient += weight * residual * row
            system.squares += weight * residual * residual
        }
        let distance = (shape - prior.mean) / prior.deviation
        let weights = priorWeight / (prior.deviation * prior.deviation)
        system.matrix.rows.2.z += weights.x
        system.matrix.rows.3.w += weights.y
        system.gradient.z += priorWeight * distance.x / prior.deviation.x
        system.gradient.w += priorWeight * distance.y / prior.deviation.y
        system.objective = system.squares + priorWeight * (distance * distance).sum()
        return system
    }

    private static func row(_ value: CurveFamily.Value, amplitude: Double) -> Parameters {
        Parameters(1, value.value, amplitude * value.derivative.x, amplitude * value.derivative.y)
    }

    /// The fitted curve, and how it depends on the parameters there.
    func value(at x: Double) -> (value: Double, gradient: Parameters) {
        let fall = Fall(family, CurveFamily.Shape(parameters.z, parameters.w), from: sample.x[0])
        let value = fall(x)
        return (parameters.x + parameters.y * value.value, Self.row(value, amplitude: parameters.y))
    }

    var parameterCount: Int { 2 + family.shapes }

    /// The correlation of neighbouring residuals, from 0 up; nearly unbiased for what is left after a fit.
    var correlation: Double {
        guard system.squares > 0 else { return 0 }
        let fall = Fall(family, CurveFamily.Shape(parameters.z, parameters.w), from: sample.x[0])
        var sum = 0.0
        var previous = 0.0
        for index in sample.x.indices {
            let residual = parameters.x + parameters.y * fall(sample.x[index]).value - sample.y[index]
            let weighted = residual * sample.weight[index].squareRoot()
            sum += weighted * previous
            previous = weighted
        }
        return min(max(0, sum / system.squares + Double(parameterCount) / sample.count), 0.9)
    }
}

/// A symmetric positive 4 × 4 matrix.
struct SymmetricFour: Sendable {
    var rows = (SIMD4<Double>.zero, SIMD4<Double>.zero, SIMD4<Double>.zero, SIMD4<Double>.zero)

    /// Adds weight · row · rowᵀ.
    mutating func add(_ row: SIMD4<Double>, _ weight: Double) {
        let weighted = weight * row
        rows.0 += row.x * weighted
        rows.1 += row.y * weighted
        rows.2 += row.z * weighted
        rows.3 += row.w * weighted
    }

    mutating func scaleDiagonal(_ factor: Double) {
        rows.0.x *= factor
        rows.1.y *= factor
        rows.2.z *= factor
        rows.3.w *= factor
    }

    /// By Gauss's elimination in place; nil where a pivot vanishes.
    func solve(_ right: SIMD4<Double>) -> SIMD4<Double>? {
        var (a, b, c, d) = rows
        var right = right
        func pivot(_ value: Double, _ diagonal: Double) -> Bool { value > 1e-14 * diagonal }
        guard pivot(a.x, rows.0.x), a.x > 0 else { return nil }
        let (fb, fc, fd) = (b.x / a.x, c.x / a.x, d.x / a.x)
        b -= fb * a
        c -= fc * a
        d -= fd * a
        right.y -= fb * right.x
        right.z -= fc * right.x
        right.w -= fd * right.x
        guard pivot(b.y, rows.1.y) else { return nil }
        let (gc, gd) = (c.y / b.y, d.y / b.y)
        c -= gc * b
        d -= gd * b
        right.z -= gc * right.y
        right.w -= gd * right.y
        guard pivot(c.z, rows.2.z) else { return nil }
        let hd = d.z / c.z
        d -= hd * c
        right.w -= hd * right.z
        guard pivot(d.w, rows.3.w) else { return nil }
        var x = SIMD4<Double>.zero
        x.w = right.w / d.w
        x.z = (right.z - c.w * x.w) / c.z
        x.y = (right.y - b.z * x.z - b.w * x.w) / b.y
        x.x = (right.x - a.y * x.y - a.z * x.z - a.w * x.w) / a.x
        return x
    }
}
