// SPDX-License-Identifier: MIT

import Simulation
import SweepModel
import Testing

/// Which recorded training stands for a trial's.
@Suite struct CurveMatcherTests {
    private func matcher(_ parameters: String, _ table: String) throws -> CurveMatcher {
        let text = "{method: random, metric: {name: loss}, command: [train], parameters: \(parameters)}"
        let definition = try SweepFile.parse(text, file: "sweep.yaml").definition
        return CurveMatcher(try CurveTable.read(Array(table.utf8), for: definition), definition.space)
    }

    private func configuration(_ entries: (String, JSONValue)...) -> Configuration {
        Configuration(entries.map { .init($0.0, $0.1) })
    }

    @Test(arguments: [JSONValue.number(0.001), .number(1e-3), .number(0.001 + 1e-15)])
    func `numbers are compared as numbers`(rate: JSONValue) throws {
        let matcher = try matcher(
            "{lr: {min: 0.0, max: 1.0}, n: {min: 1, max: 9}}", "lr,n,step,loss\n0.1,2,1,0\n1e-3,2.0,1,0\n")
        let match = matcher.match(configuration(("lr", rate), ("n", .integer(2))), seed: 0)
        #expect(match == .init(row: 1, curve: 0, isExact: true))
    }

    @Test(
        arguments: [
            (0.12, 0, false), (0.6, 1, false), (0.5, 1, true), (0.0, 0, false), (1.0, 1, false),
        ] as [(Double, Int, Bool)])
    func `the nearest row stands for one that is not there`(value: Double, row: Int, isExact: Bool) throws {
        let matcher = try matcher("{lr: {min: 0.0, max: 1.0}}", "lr,step,loss\n0.1,1,0\n0.5,1,0\n")
        #expect(
            matcher.match(configuration(("lr", .number(value))), seed: 0) == .init(row: row, curve: 0, isExact: isExact)
        )
    }

    @Test func `distance is by the parameter's own scale`() throws {
        let table = "lr,step,loss\n0.0001,1,0\n0.1,1,0\n"
        let wanted = configuration(("lr", .number(0.001)))
        let even = try matcher("{lr: {min: 0.0, max: 1.0}}", table).match(wanted, seed: 0).row
        let logarithmic = try matcher(
            "{lr: {min: 1.0e-5, max: 1.0, distribution: log_uniform_values}}", "lr,step,loss\n0.1,1,0\n0.0001,1,0\n"
        ).match(wanted, seed: 0).row
        #expect(even == 0 && logarithmic == 1)
        // Beyond the range on the logarithm's lost side.
        let zero = try matcher("{lr: {min: 1.0e-5, max: 1.0, log: true}}", "lr,step,loss\n0,1,0\n0.5,1,0\n")
        #expect(zero.match(configuration(("lr", .number(0.02))), seed: 0).row == 1)
    }

    @Test func `categories weigh as much as a whole range, ordered ones by their places`() throws {
        let parameters = "{kind: {values: [a, b, c]}, units: {values: [16, 32, 64, 128]}, x: {min: 0.0, max: 1.0}}"
        let matcher = try matcher(
            parameters, "kind,units,x,step,loss\na,16,1,1,0\nb,128,0,1,0\nb,64,0.9,1,0\n")
        func row(_ kind: String, _ units: Int64, _ x: Double) -> Int {
            matcher.match(
                configuration(("kind", .string(kind)), ("units", .integer(units)), ("x", .number(x))), seed: 0
            ).row
        }
        #expect(row("a", 32, 0.5) == 0 && row("b", 64, 0) == 1 && row("b", 16, 1) == 2 && row("c", 128, 0.2) == 1)
    }

    @Test func `an inactive parameter is far from an active one`() throws {
        let parameters = "{kind: {values: [a, b]}, m: {min: 0.0, max: 1.0, when: {kind: a}}}"
        let matcher = try matcher(parameters, "kind,m,step,loss\na,0.3,1,0\nb,,1,0\n")
        #expect(matcher.match(configuration(("kind", .string("b"))), seed: 0) == .init(row: 1, curve: 0, isExact: true))
        #expect(matcher.match(configuration(("kind", .string("a")), ("m", .number(0.9))), seed: 0).row == 0)
    }

    @Test func `the trial's seed chooses among the trainings`() throws {
        let matcher = try matcher(
            "{lr: {values: [1, 2]}}", "lr,seed,step,loss\n1,9,1,0\n1,5,1,0\n1,7,1,0\n2,5,1,0\n")
        let one = configuration(("lr", .integer(1))), two = configuration(("lr", .integer(2)))
        #expect([0, 1, 2, 3, 7].map { matcher.match(one, seed: $0).curve } == [0, 1, 2, 0, 1])
        #expect([0, 1, 2].map { matcher.match(two, seed: $0).curve } == [0, 0, 0])
        #expect(matcher.table.rows[0].curves.map(\.seed) == [5, 7, 9])
    }
}
