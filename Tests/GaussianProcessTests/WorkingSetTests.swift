// SPDX-License-Identifier: MIT

import LinearAlgebra
import Randomness
import Testing

@testable import GaussianProcess

struct WorkingSetTests {
    private func observations(_ count: Int) -> Observations {
        let sobol = Sobol(dimensions: 2, seed: 4)
        let points = (0..<count).map { sobol.point(at: UInt32($0)) }
        return Observations(
            features: Features([.continuous, .continuous]), points: points,
            values: points.map { -($0[0] - 0.5) * ($0[0] - 0.5) - ($0[1] - 0.5) * ($0[1] - 0.5) })
    }

    @Test func keepsAllOfFew() {
        #expect(WorkingSet(observations(1000), lengthScales: [1, 1]).rows == Array(0..<1000))
    }

    @Test func keepsTheBestTheNearAndSomeOfTheRest() {
        let data = observations(3000)
        var shares = WorkingSet.Shares()
        (shares.best, shares.nearest, shares.spread) = (50, 100, 40)
        // With so short a second scale, near means near in the second coordinate.
        let rows = WorkingSet(data, lengthScales: [10, 0.1], shares: shares).rows
        #expect(rows.count == 190 && Set(rows).count == 190 && rows == rows.sorted())
        let order = (0..<3000).sorted { data.values[$0] > data.values[$1] }
        #expect(Set(order.prefix(50)).isSubset(of: rows))
        let close = rows.filter { (data.points[$0, 1] - 0.5).magnitude < 0.05 }
        #expect(close.count >= 110, "\(close.count)")
        #expect(rows.contains { data.values[$0] < data.values[order[2800]] })
        let selected = data.selecting(rows)
        #expect(selected.count == 190 && selected.values == rows.map { data.values[$0] })
        #expect(selected.point(7) == data.point(rows[7]))
    }

    @Test func scatterGoesWithTheRepeats() {
        let data = Observations(
            features: Features([.continuous]), points: [[0.1], [0.1], [0.2], [0.3], [0.3]], values: [1, 3, 5, 2, 2])
        #expect(data.scatter == 2 && data.repeats == [2, 1, 2] && data.values == [2, 5, 2])
        let selected = data.selecting([0, 1])
        #expect(selected.scatter == 1 && selected.repeats == [2, 1] && selected.weights == [2, 1])
    }
}
