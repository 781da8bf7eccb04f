// SPDX-License-Identifier: MIT

import SweepModel

/// Whether a trial was still getting better when it ended.
enum CurveEnd {
    /// The best value is the last or the next-to-last one, and the gain of the last quarter is more than the curve's
    /// own scatter and more than a hundredth of all it ever gained. False for curves too short to say.
    static func isStillImproving(_ curve: [CurvePoint], objective: Objective) -> Bool {
        let values = curve.map(\.value).filter(\.isFinite)
        guard values.count >= Noise.shortestCurve, let noise = Noise.fromCurves([curve]) else { return false }
        func best(_ values: ArraySlice<Double>) -> Double {
            values.reduce(Double.nan) { objective.isBetter($1, than: $0) ? $1 : $0 }
        }
        let quarter = max(2, values.count / 4)
        let before = best(values.dropLast(quarter)), last = best(values.suffix(2))
        guard objective.isBetter(last, than: best(values.dropLast(2))) else { return false }
        let gain = abs(before - last), whole = abs(values[0] - last)
        return gain > 2 * noise.deviation && gain > whole / 100
    }
}
