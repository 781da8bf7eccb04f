// SPDX-License-Identifier: MIT

import RealModule
import Testing

@testable import GaussianProcess

struct LogEITests {
    @Test(arguments: logExpectedImprovementFixture)
    func agreesWithManyDigits(u: Double, value: Double, derivative: Double) {
        let result = logExpectedImprovement(u)
        #expect((result.value - value).magnitude <= 2e-13 * max(1, value.magnitude), "u = \(u)")
        #expect((result.derivative / derivative - 1).magnitude <= 1e-10, "u = \(u)")
    }

    /// The reference's own numbers.
    @Test(arguments: [
        (5, 1.6094379231264313851, 0.19999994053122), (0, -0.91893853320467274178, 1.2533141373155),
        (-1, -2.4851210257126413368, 1.9042712333296918), (-5, -16.744301162660990143, 5.3618162412880885),
        (-10, -55.553122036122355927, 10.194383033412553), (-25, -319.86146358149595433, 25.079620234266533),
        (-40, -808.29856835661996024, 40.049906657648518), (-100, -5010.1295788002497923, 100.01999400419587),
    ])
    func goldenNumbers(u: Double, value: Double, derivative: Double) {
        let result = logExpectedImprovement(u)
        #expect((result.value / value - 1).magnitude < 2e-13, "u = \(u)")
        #expect((result.derivative / derivative - 1).magnitude < 1e-10, "u = \(u)")
        #expect((logExpectedImprovement(-1000).value / -500_014.734_452_091_158_45 - 1).magnitude < 1e-15)
    }

    /// ln h(-10^6) = -500000000028.54995965, and the derivative tends to |u|.
    @Test func farOut() {
        #expect((logExpectedImprovement(-1e6).value / -500_000_000_028.549_959_65 - 1).magnitude < 1e-15)
        for u in [-1e3, -1e6, -1e12, -1e150] {
            let result = logExpectedImprovement(u)
            #expect(result.value.isFinite && (result.derivative / -u - 1).magnitude < 1e-5, "u = \(u)")
        }
    }

    @Test(arguments: logDistributionFixture)
    func distributionAgreesWithManyDigits(u: Double, value: Double, derivative: Double) {
        let result = logNormalDistribution(u)
        #expect((result.value - value).magnitude <= 2e-13 * max(value.magnitude, 1e-300), "u = \(u)")
        #expect((result.derivative / derivative - 1).magnitude <= 1e-11, "u = \(u)")
    }

    /// In any unit, the number and slope that the logarithm stands for.
    @Test(arguments: [5, 0.3, 0, -0.5, -0.999, -1, -1.001, -6, -34.9, -35.1, -60])
    func unitsAgree(u: Double) {
        let (value, derivative) = logExpectedImprovement(u)
        for shift in [0.0, 3, 20] {
            let result = expectedImprovement(u, logUnit: value + shift)
            #expect((result.value / Double.exp(-shift) - 1).magnitude < 1e-11, "u = \(u)")
            #expect((result.derivative / (Double.exp(-shift) * derivative) - 1).magnitude < 1e-9, "u = \(u)")
        }
        #expect(u > 0 || expectedImprovement(u, logUnit: value + 60).value == 0, "u = \(u)")
    }
}
