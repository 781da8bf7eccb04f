// SPDX-License-Identifier: MIT

import GaussianProcess
import SweepModel
import Testing

@testable import SearchAlgorithms

/// Configurations as points and back.
struct EncodingTests {
    /// Every configuration that a sampler proposes comes back from its point.
    @Test(arguments: SampleSpaces.finite + SampleSpaces.endless)
    func configurationsComeBack(_ sample: SampleSpaces.Sample) {
        let encoding = SpaceEncoding(sample.space)
        let sampler = RandomSampler(space: sample.space, seed: 3)
        for proposal in SamplerConformanceTests.proposals(sampler, limit: 60) {
            let point = encoding.point(of: proposal.configuration)
            #expect(point.count == encoding.axes.count)
            for (axis, coordinate) in zip(encoding.axes, point) {
                if case .categories = axis.kind { continue }
                #expect((0...1).contains(coordinate))
            }
            let back = encoding.configuration(at: point)
            #expect(back.entries.map(\.name) == proposal.configuration.entries.map(\.name))
            for (found, expected) in zip(back.entries, proposal.configuration.entries) {
                guard case .number(let number) = expected.value, case .number(let again) = found.value else {
                    #expect(found.value.canonical == expected.value.canonical, "\(sample.name)")
                    continue
                }
                // Beyond three deviations an unbounded law ends.
                let isTail = sample.name == "unbounded" && number.magnitude > 2.9
                let error = (again - number).magnitude
                #expect(isTail || error <= 1e-9 * max(1, number.magnitude), "\(expected): \(again)")
            }
        }
    }

    private func axis(_ distribution: Distribution) -> Axis { Axis(Parameter("p", distribution)) }

    @Test func scales() {
        let log = axis(.real(law: .logUniform(low: 1e-4, high: 1), quantum: nil))
        #expect((log.coordinate(of: .number(0.01)) - 0.5).magnitude < 1e-12)
        let normal = axis(.real(law: .normal(mean: 2, deviation: 3), quantum: nil))
        #expect(normal.coordinate(of: .number(2)) == 0.5)
        #expect(normal.coordinate(of: .number(1000)) == 1)
        // Grid values lie in the middle of their cells: of 1, 2, 3, 4 on a logarithmic scale from ½ to 4½.
        let integers = axis(.integer(low: 1, high: 4, step: 1, log: true))
        #expect((integers.coordinate(of: .integer(1)) - 0.315_464_876_785_728).magnitude < 1e-12)
        let steps = axis(.integer(low: 0, high: 8, step: 2, log: false))
        #expect([0, 2, 4, 6, 8].map { steps.coordinate(of: .integer($0)) } == [0.1, 0.3, 0.5, 0.7, 0.9])
    }

    /// What is rounded comes back from the same end of the scale.
    @Test func roundedValuesOfManyLevels() {
        let inverse = axis(.real(law: .inverseLogUniform(low: 1e-4, high: 1), quantum: .step(1e-6)))
        let wide = axis(.integer(low: 1, high: 1_000_000, step: 1, log: true))
        let normal = axis(.real(law: .normal(mean: 0, deviation: 1), quantum: .wandb(q: 0.01, integers: false)))
        for (axis, value) in [
            (inverse, JSONValue.number(0.0005)), (wide, .integer(2)), (wide, .integer(777)), (normal, .number(-3)),
        ] {
            #expect(axis.value(at: axis.coordinate(of: value)).canonical == value.canonical)
        }
        for coordinate in [0, 1.0] {
            let value = normal.value(at: coordinate).doubleValue ?? .infinity
            #expect(value.magnitude <= 3.01)
        }
    }

    @Test func numbersThatRiseHaveAnOrder() {
        func kind(_ values: [JSONValue], ordinal: Bool = false) -> Bool {
            if case .grid = axis(.categorical(values: values, probabilities: [], ordinal: ordinal)).kind {
                true
            } else {
                false
            }
        }
        #expect(kind([.integer(16), .integer(32), .integer(128)]))
        #expect(kind([.number(0.1), .number(0.01), .number(0.001)]))
        #expect(kind([.string("s"), .string("m")], ordinal: true))
        #expect(!kind([.integer(1), .integer(2)]))
        #expect(!kind([.integer(3), .integer(1), .integer(2)]))
        #expect(!kind([.bool(false), .bool(true), .integer(3)]))
    }

    /// Children of inactive parents are inactive, and so is what hangs on a constant that excludes it.
    @Test func activity() {
        let space = SearchSpace([
            Parameter("kind", SampleSpaces.choice(.string("a"), .string("b"))),
            Parameter("fixed", .constant(.integer(1)), when: [.init("kind", in: [.string("b")])]),
            Parameter(
                "child", .real(law: .uniform(low: 0, high: 1), quantum: nil), when: [.init("fixed", in: [.integer(1)])]),
            Parameter(
                "never", .real(law: .uniform(low: 0, high: 1), quantum: nil), when: [.init("fixed", in: [.integer(2)])]),
        ])
        let encoding = SpaceEncoding(space)
        #expect(encoding.axes.map(\.name) == ["kind", "child", "never"])
        #expect(encoding.domain.encoded([0, 0.2, 0.3]) == [0, 0.5, 0.5])
        #expect(encoding.domain.encoded([1, 0.2, 0.3]) == [1, 0.2, 0.5])
        #expect(encoding.configuration(at: [1, 0.25, 0.5]).json.text == #"{"kind":"b","fixed":1,"child":0.25}"#)
        #expect(encoding.configuration(at: [0, 0.25, 0.5]).json.text == #"{"kind":"a"}"#)
    }

    @Test(arguments: [
        (#"{"lr":0.01,"width":16,"optimizer":"adam","dropout":0}"#, nil),
        (#"{"lr":0.01,"width":16.0,"optimizer":"sgd","dropout":0.5,"momentum":0.9}"#, nil),
        (#"{"lr":0.01,"width":16,"optimizer":"adam","dropout":0,"momentum":0.9}"#, "'momentum' is not active"),
        (#"{"lr":0.01,"width":16,"optimizer":"sgd","dropout":0}"#, "'momentum' is missing"),
        (#"{"lr":1.0,"width":16,"optimizer":"adam","dropout":0}"#, "'lr' cannot be 1.0: expected a number from 1e-05"),
        (
            #"{"lr":0.01,"width":16.5,"optimizer":"adam","dropout":0}"#,
            "'width' cannot be 16.5: expected a whole number"
        ),
        (#"{"lr":0.01,"width":16,"optimizer":"adagrad","dropout":0}"#, "expected one of \"sgd\", \"adam\""),
        (#"{"lrr":0.01}"#, "there is no parameter 'lrr'; did you mean 'lr'?"),
        (#"[1]"#, "params must be an object"),
    ])
    func reading(_ text: String, _ problem: String?) throws {
        let space = SampleSpaces.endless[0].space
        let json = try JSONValue.parse(text)
        do {
            let configuration = try space.configuration(reading: json)
            #expect(problem == nil && isLegal(configuration, in: space), "\(configuration)")
        } catch {
            #expect(error.description.contains(problem ?? "-"), "\(error)")
        }
    }
}
