// SPDX-License-Identifier: MIT

import SweepModel
import Testing

@testable import sweepd

@Suite struct NoteTests {
    @Test(arguments: [
        ("test_loss", true), ("loss/test", true), ("testAcc", true), ("Test", true), ("eval.test.f1", true),
        ("latest_loss", false), ("contest", false), ("val_loss", false), ("attestation", false),
    ])
    func `a metric that names the test split`(metric: String, expected: Bool) {
        #expect(Note.namesTest(metric) == expected)
    }

    static let logarithmic = Parameter("lr", .real(law: .logUniform(low: 1e-4, high: 1), quantum: nil))
    static let fromZero = Parameter("dropout", .real(law: .uniform(low: 0, high: 0.5), quantum: nil))
    static let integer = Parameter("units", .integer(low: 8, high: 256, step: 1, log: true))
    static let layers = Parameter("layers", .integer(low: 1, high: 2, step: 1, log: false))
    static let sizes = Parameter(
        "size", .categorical(values: [.integer(1), .integer(2), .integer(3)], probabilities: [], ordinal: true))
    static let names = Parameter(
        "opt", .categorical(values: [.string("a"), .string("b"), .string("c")], probabilities: [], ordinal: false))

    static let edges: [(Parameter, JSONValue, RangeEdge.Side?)] = [
        (logarithmic, JSONValue.number(0.7), RangeEdge.Side.upper), (logarithmic, .number(0.5), nil),
        (logarithmic, .number(0.00015), .lower), (logarithmic, .number(0.0002), nil),
        // Nothing lies beyond a lower bound of zero.
        (fromZero, .number(0), nil), (fromZero, .number(0.49), .upper), (fromZero, .number(0.25), nil),
        (integer, .integer(250), .upper), (integer, .integer(8), .lower), (integer, .integer(64), nil),
        (layers, .integer(2), nil), (sizes, .integer(3), .upper), (sizes, .integer(2), nil), (names, .string("c"), nil),
        (logarithmic, .string("x"), nil), (logarithmic, .number(-1), nil),
    ]

    @Test(arguments: edges)
    func `the edge of a range in its own scale`(parameter: Parameter, value: JSONValue, expected: RangeEdge.Side?) {
        #expect(RangeEdge.at(parameter, value)?.side == expected)
    }

    @Test func `a best value at the edge is noted, with how many share it`() {
        let records = (0..<6).map { Synthetic.trial($0, Double($0), lr: $0 < 3 ? 0.9 + 0.01 * Double($0) : nil) }
        let notes = Synthetic.result(records).notes
        guard case .edge(let edge, let shared, let all)? = notes.first else {
            Issue.record("no note of an edge: \(notes)")
            return
        }
        #expect(edge.parameter == "lr" && edge.side == .upper && edge.isLogarithmic)
        #expect(shared == 3 && all == 5)
        #expect(notes[0].text.contains("as in 3 of the best 5"))
    }

    @Test func `few configurations are no evidence of an edge`() {
        let records = (0..<4).map { Synthetic.trial($0, Double($0), lr: 0.9 + 0.01 * Double($0)) }
        #expect(Synthetic.result(records).notes.isEmpty)
    }

    static let falling = Synthetic.curve((0..<20).map { 1 - 0.04 * Double($0) })
    static let flat = Synthetic.curve((0..<20).map { 0.5 + ($0 % 2 == 0 ? 0.01 : -0.01) })
    static let saturated = Synthetic.curve((0..<20).map { 1 / Double(1 + $0 * $0 * $0) })
    static let short = Synthetic.curve([3, 2, 1])
    static let turned = Synthetic.curve((0..<20).map { abs(Double($0) - 15) })

    @Test(arguments: [(falling, true), (flat, false), (saturated, false), (short, false), (turned, false), ([], false)])
    func `still improving at the end`(curve: [CurvePoint], expected: Bool) {
        let objective = Objective(metric: "loss")
        #expect(CurveEnd.isStillImproving(curve, objective: objective) == expected)
    }

    @Test func `the note of improvement needs the best trial and most of the best`() {
        let records = (0..<5).map { Synthetic.trial($0, Double($0)) }
        func notes(_ curves: [Int: [CurvePoint]]) -> [Note] { Synthetic.result(records, curves: curves).notes }
        let all = Dictionary(uniqueKeysWithValues: (0..<5).map { ($0, Self.falling) })
        #expect(notes(all) == [.stillImproving(trials: 5, of: 5)])
        #expect(notes(all.merging([0: Self.flat]) { $1 }).isEmpty)
        #expect(notes([0: Self.falling]).isEmpty)
    }

    @Test func `more than a fifth infeasible is noted`() {
        func notes(_ infeasible: Int) -> [Note] {
            let good = (0..<8).map { Synthetic.trial($0, Double($0 % 3)) }
            let bad = (0..<infeasible).map { Synthetic.failed(8 + $0, "out of memory", infeasible: true) }
            return Synthetic.result(good + bad).notes
        }
        #expect(notes(2).isEmpty)
        #expect(notes(3) == [.infeasible(trials: 3, of: 11)])
    }
}
