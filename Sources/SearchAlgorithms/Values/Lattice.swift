// SPDX-License-Identifier: MIT

/// The floats low, low + step, low + 2·step, …, each as the decimal a person would write: 0.1 + 2 · 0.1 is 0.3.
package struct Lattice: Hashable, Sendable {
    let low: Double
    let step: Double
    /// `low` and `step` as whole multiples of 1 / `scale`, a power of ten, when they are.
    private let decimal: Decimal?

    private struct Decimal: Hashable, Sendable {
        let low: Double
        let step: Double
        let scale: Double
    }

    init(low: Double, step: Double) {
        self.low = low
        self.step = step
        var scale = 1.0
        var found: Decimal?
        // Powers of ten are exact in a Double up to 10^22, and whole numbers up to 2^53.
        for _ in 0...15 {
            if let low = Self.whole(low * scale), let step = Self.whole(step * scale) {
                found = Decimal(low: low, step: step, scale: scale)
                break
            }
            scale *= 10
        }
        decimal = found
    }

    /// Element `index`, which may be negative.
    func value(_ index: Double) -> Double {
        guard let decimal else { return low + index * step }
        return (decimal.low + index * decimal.step) / decimal.scale
    }

    private static func whole(_ value: Double) -> Double? {
        let rounded = value.rounded()
        return rounded.magnitude < 0x1p52 && (value - rounded).magnitude <= 4 * rounded.ulp ? rounded : nil
    }
}
