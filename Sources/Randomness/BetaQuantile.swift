// SPDX-License-Identifier: MIT

import RealModule

/// The inverse of the regularised incomplete beta function: x with I_x(a, b) = probability.
///
/// Newton's method on the logarithm of the smaller tail as a function of ln x, where that tail is close to a straight
/// line, kept within a bracket by bisection. Relative error about 1e-12 for a, b up to 10^4.
package func betaQuantile(_ probability: Double, a: Double, b: Double) -> Double {
    if probability <= 0 { return 0 }
    if probability >= 1 { return 1 }
    let middle = a / (a + b)
    if probability <= incompleteBeta(middle, complement: b / (a + b), a: a, b: b) {
        return lowerTailQuantile(probability, a: a, b: b, highest: middle)
    }
    return 1 - lowerTailQuantile(1 - probability, a: b, b: a, highest: b / (a + b))
}

/// x ≤ highest with I_x(a, b) = probability.
private func lowerTailQuantile(_ probability: Double, a: Double, b: Double, highest: Double) -> Double {
    let target = Double.log(probability)
    let logBeta = logBeta(a, b)
    var low = -745.0
    var high = Double.log(highest)
    var position = high
    for _ in 0..<200 {
        let x = Double.exp(position)
        let value = incompleteBeta(x, complement: -Double.expMinusOne(position), a: a, b: b)
        let difference = Double.log(value) - target
        if difference > 0 { high = position } else { low = position }
        // d ln I / d ln x = x · density / I.
        let slope = Double.exp(a * position + (b - 1) * Double.log(onePlus: -x) - logBeta) / value
        var next = position - difference / slope
        if !(next > low && next < high) { next = (low + high) / 2 }
        if (next - position).magnitude <= 1e-15 * max(1, next.magnitude) || next == position { return .exp(next) }
        position = next
    }
    return .exp(position)
}

/// I_x(a, b), with 1 - x given apart for its digits' sake.
func incompleteBeta(_ x: Double, complement: Double, a: Double, b: Double) -> Double {
    if x <= 0 { return 0 }
    if complement <= 0 { return 1 }
    let front = Double.exp(a * Double.log(x) + b * Double.log(complement) - logBeta(a, b))
    if x < (a + 1) / (a + b + 2) { return front * continuedFraction(x, a: a, b: b) / a }
    return 1 - front * continuedFraction(complement, a: b, b: a) / b
}

private func logBeta(_ a: Double, _ b: Double) -> Double {
    .logGamma(a) + .logGamma(b) - .logGamma(a + b)
}

/// Abramowitz and Stegun 26.5.8 by the modified Lentz method (Thompson and Barnett, J. Comput. Phys. 64, 1986). It
/// needs about sqrt(max(a, b)) terms; the bound on them only keeps absurd parameters from hanging.
private func continuedFraction(_ x: Double, a: Double, b: Double) -> Double {
    let tiny = 1e-300
    func away(_ value: Double) -> Double { value.magnitude < tiny ? tiny : value }
    var c = 1.0
    var d = 1 / away(1 - (a + b) * x / (a + 1))
    var result = d
    for m in 1...20_000 {
        let m = Double(m)
        let even = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m))
        d = 1 / away(1 + even * d)
        c = away(1 + even / c)
        result *= d * c
        let odd = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1))
        d = 1 / away(1 + odd * d)
        c = away(1 + odd / c)
        result *= d * c
        if (d * c - 1).magnitude < 1e-16 * 4 { break }
    }
    return result
}
