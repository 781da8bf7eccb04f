// SPDX-License-Identifier: MIT

import RealModule
import Testing

@testable import GaussianProcess

struct LBFGSBTests {
    private typealias Function = ([Double]) -> (value: Double, gradient: [Double])

    private func function(_ name: String) -> Function? {
        switch name {
        case "rosenbrock": rosenbrock
        case "quadratic": quadratic
        case "beale": beale
        default: nil
        }
    }

    private func rosenbrock(_ x: [Double]) -> (value: Double, gradient: [Double]) {
        var value = 0.0
        var gradient = x.map { _ in 0.0 }
        for index in 0..<x.count - 1 {
            let (off, rest) = (x[index + 1] - x[index] * x[index], 1 - x[index])
            value += 100 * off * off + rest * rest
            gradient[index] -= 400 * off * x[index] + 2 * rest
            gradient[index + 1] += 200 * off
        }
        return (value, gradient)
    }

    private func quadratic(_ x: [Double]) -> (value: Double, gradient: [Double]) {
        let offset = x.indices.map { x[$0] - Double.cos(Double($0)) }
        var value = 0.0
        var gradient = x.map { _ in 0.0 }
        for index in x.indices {
            let scale = Double.pow(10, 4 * Double(index) / Double(x.count - 1))
            value += 0.5 * scale * offset[index] * offset[index]
            gradient[index] += scale * offset[index]
            if index + 1 < x.count {
                value += 0.5 * offset[index] * offset[index + 1]
                gradient[index] += 0.5 * offset[index + 1]
                gradient[index + 1] += 0.5 * offset[index]
            }
        }
        return (value, gradient)
    }

    private func beale(_ x: [Double]) -> (value: Double, gradient: [Double]) {
        var value = 0.0
        var gradient = [0.0, 0.0]
        for (power, constant) in [(1, 1.5), (2, 2.25), (3, 2.625)] {
            let term = constant - x[0] + x[0] * Double.pow(x[1], power)
            value += term * term
            gradient[0] += 2 * term * (Double.pow(x[1], power) - 1)
            gradient[1] += 2 * term * Double(power) * x[0] * Double.pow(x[1], power - 1)
        }
        return (value, gradient)
    }

    private func search(_ fixture: SearchFixture, _ function: Function) -> LBFGSB {
        var limits = LBFGSB.Limits()
        (limits.gradient, limits.decrease, limits.iterations) = (1e-7, 1e-15, 2000)
        var search = LBFGSB(
            start: fixture.start, lower: fixture.start.map { _ in fixture.lower },
            upper: fixture.start.map { _ in fixture.upper }, limits: limits)
        search.run { x in
            #expect(x.allSatisfy { $0 >= fixture.lower && $0 <= fixture.upper }, "\(fixture.name) left its box")
            return function(x)
        }
        return search
    }

    @Test(arguments: searchFixture)
    func findsWhatScipyFinds(fixture: SearchFixture) throws {
        let search = search(fixture, try #require(function(fixture.name)))
        let label = "\(fixture.name) \(fixture.start.count) in \(fixture.lower)...\(fixture.upper): \(search)"
        #expect(search.status == .converged || search.status == .stalled, "\(label)")
        #expect(difference(search.value, fixture.minimum) < 1e-9, "\(label)")
        #expect(difference(search.point, fixture.point) < 1e-4, "\(label)")
        #expect(search.evaluations <= 2 * fixture.evaluations + 20, "\(label)")
    }

    @Test func fixedVariablesStay() {
        var search = LBFGSB(start: [5, 5, 5], lower: [1, -9, -9], upper: [1, 9, 9])
        search.run { x in (x.reduce(0) { $0 + $1 * $1 }, x.map { 2 * $0 }) }
        #expect(search.status == .converged && search.point[0] == 1)
        #expect(search.point[1].magnitude < 1e-2 && search.point[2].magnitude < 1e-2)
    }

    @Test func valuesThatAreNoNumbersAreStepsTooLong() {
        var search = LBFGSB(start: [0.5], lower: [-10], upper: [10])
        search.run { x in x[0] > 0 ? (x[0] - Double.log(x[0]), [1 - 1 / x[0]]) : (.nan, [.nan]) }
        #expect(search.status == .converged && (search.point[0] - 1).magnitude < 1e-2)
        var lost = LBFGSB(start: [0.5], lower: [-10], upper: [10])
        lost.run { _ in (.nan, [0]) }
        #expect(lost.status == .failed && lost.value == .infinity)
    }

    @Test func wrongGradientsEnd() {
        var search = LBFGSB(start: [1, 1], lower: [-10, -10], upper: [10, 10])
        search.run { x in (x[0] * x[0] + x[1] * x[1], x.map { -2 * $0 }) }
        #expect(search.status == .stalled && search.value == 2 && search.evaluations < 60)
    }

    @Test func concaveFunctionsEndInACorner() {
        var search = LBFGSB(start: [0.1, -0.2], lower: [-1, -1], upper: [1, 1])
        search.run { x in (-x[0] * x[0] - x[1] * x[1], x.map { -2 * $0 }) }
        #expect(search.status == .converged && search.point == [1, -1])
    }
}
