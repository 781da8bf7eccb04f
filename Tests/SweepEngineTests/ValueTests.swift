// SPDX-License-Identifier: MIT

import SweepEngine
import SweepModel
import TestSupport
import Testing
import WorkerProtocol

/// A trial's value, its curve, and what an attempt that goes on from a checkpoint does to both.
@Suite struct ValueTests {
    struct Curve: Sendable {
        let summary: Objective.Summary
        let values: [Double]
        let value: Double?
    }

    @Test(arguments: [
        Curve(summary: .best, values: [3, 1, 2], value: 1),
        Curve(summary: .last, values: [3, 1, 2], value: 2),
        Curve(summary: .best, values: [.nan, 4, .infinity], value: 4),
        Curve(summary: .best, values: [-.infinity, 4], value: 4),
        Curve(summary: .last, values: [1, .nan], value: nil),
        Curve(summary: .last, values: [.nan, 1], value: 1),
    ])
    func theSummaryIsTheObjectives(curve: Curve) throws {
        var rig = Rig()
        try rig.launch(.example(trials: 1, summary: curve.summary))
        try rig.hello()
        try rig.run(1, values: curve.values)
        #expect(rig.state.trials[0].value == curve.value)
        // A value that is not finite is a verdict; what is reported after it is kept and changes nothing.
        let isBroken = curve.values.contains { !$0.isFinite }
        #expect(rig.state.trials[0].isInfeasible == isBroken)
        #expect(rig.state.best?.value == (isBroken ? nil : curve.value))
    }

    @Test func otherMetricsAreNotTheObjective() throws {
        var rig = Rig()
        try rig.launch(.example(trials: 1))
        try rig.hello()
        try rig.accept(1)
        try rig.events(
            1, from: 1,
            [
                .started(resumedFrom: nil), .report(step: 1, metrics: [MetricValue("accuracy", 0.9)]),
                .report(step: 2, metrics: [MetricValue("accuracy", 0.8), MetricValue("loss", 0.3)]),
                .finished(.completed, Resources()),
            ])
        #expect(rig.state.trials[0].value == 0.3)
    }

    @Test func theBestIsOfTrialsThatEndedWell() throws {
        var rig = Rig()
        try rig.launch(.example(trials: 4))
        try rig.hello()
        try rig.run(1, values: [0.5])
        try rig.run(2, values: [0.1], end: .failure(.user))
        try rig.run(3, values: [0.3], end: .finished(.stopped, Resources()))
        try rig.run(4, values: [0.4])
        #expect(rig.state.best?.trial == 2)
        #expect(rig.state.best?.value == 0.3)
    }

    /// Values after the checkpoint are of an attempt that is superseded: they count no longer.
    @Test(arguments: [2: 0.6, nil: 0.7, 3: 0.1] as [Int64?: Double])
    func aResumeRewindsTheCurve(resumedFrom: Int64?, value: Double) throws {
        var rig = Rig()
        try rig.launch(.example(trials: 1, retries: 1))
        try rig.hello()
        try rig.run(1, values: [0.9, 0.6, 0.1], end: .failure(.user))
        try rig.accept(2)
        try rig.events(
            2, from: 1, [.started(resumedFrom: resumedFrom), .loss(0.7, step: 4), .finished(.completed, Resources())])
        #expect(rig.state.trials[0].value == value)
    }

    @Test func theLatestCheckpointIsHandedOn() throws {
        var rig = Rig()
        try rig.launch(.example(trials: 1))
        try rig.hello("a")
        try rig.accept(1, by: "a")
        let checkpoints = (1...2).map { Checkpoint(step: $0, location: "/c/\($0)", digest: "d", bytes: 9) }
        try rig.events(1, from: 1, [.started(resumedFrom: nil)] + checkpoints.map { .checkpoint($0) }, by: "a")
        try rig.send(.bye(reason: ""), from: "a")
        try rig.hello("b")
        #expect(rig.leases(to: "b").first?.resume == checkpoints[1])
    }

    @Test func progressIsForgottenWithTheTrial() throws {
        var rig = Rig()
        try rig.launch(.example(trials: 2))
        try rig.hello()
        try rig.run(1)
        #expect(rig.state.progress[0] == nil)
    }
}
