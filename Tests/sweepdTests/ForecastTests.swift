// SPDX-License-Identifier: MIT

import SweepEngine
import SweepModel
import SweepStore
import Testing
import WorkerProtocol

@testable import sweepd

@Suite struct ForecastTests {
    private static func course(
        total: Int? = 10, done: Int = 4, running: [Double?] = [], mean: Double? = 10, slots: Int = 2,
        elapsed: Duration = .seconds(20), steps: Int64 = 40, limits: SweepDefinition.Limits = .init()
    ) -> Forecast.Course {
        Forecast.Course(
            total: total, done: done, running: running, meanSeconds: mean, slots: slots, elapsed: elapsed,
            steps: steps, seconds: 40, limits: limits)
    }

    static let cases: [(Forecast.Course, Double?)] = [
        // Six trials, two at a time.
        (course(), 30), (course(done: 5), 30), (course(done: 6), 20), (course(slots: 3), 20),
        // Running ones are part of the way there; one that takes longer than the mean ends any moment.
        (course(running: [8, 2]), 28), (course(running: [25, nil]), 25), (course(done: 9, running: [4]), 6),
        // More run than there are slots known of.
        (course(done: 8, running: [5, 5, 5], slots: 1), 5),
        (course(slots: 0), nil),
        // Whatever ends first.
        (course(limits: .init(sweep: .seconds(25))), 5), (course(limits: .init(sweep: .seconds(15))), 0),
        (course(limits: .init(sweep: .seconds(500))), 30),
        (course(limits: .init(steps: 50)), 5), (course(limits: .init(steps: 1000)), 30),
        (course(total: nil, limits: .init(steps: 50)), 5), (course(total: nil), nil),
    ]

    @Test(arguments: cases.indices)
    func `how long it takes`(index: Int) throws {
        let (course, expected) = Self.cases[index]
        #expect(try #require(Forecast(course)).seconds == expected)
    }

    @Test func `nothing is said before a trial has ended, or after the last`() {
        #expect(Forecast(Self.course(mean: nil)) == nil)
        #expect(Forecast(Self.course(done: 10)) == nil)
    }

    @Test func `what ends it, and with how many trials`() throws {
        let time = try #require(Forecast(Self.course(limits: .init(sweep: .seconds(30)))))
        #expect(time.reason == .time && time.trials == 6)
        let steps = try #require(Forecast(Self.course(limits: .init(steps: 60))))
        #expect(steps.reason == .steps && steps.trials == 6)
        let now = Timestamp(milliseconds: 1_700_000_000_000)
        #expect(steps.text(now: now).hasPrefix("its limit of steps ends it in about 10s ("))
        #expect(steps.text(now: now).hasSuffix(") with about 6 trials done; 2 slots, 10s a trial"))
        let whole = try #require(Forecast(Self.course()))
        #expect(whole.reason == .trials && whole.trials == 10)
        #expect(whole.text(now: now).hasSuffix("; 6 trials to go, 2 slots, 10s a trial"))
        let idle = try #require(Forecast(Self.course(slots: 0)))
        #expect(idle.text(now: now) == "6 trials to go at 10s a trial, about 1m00s in one slot")
    }

    @Test func `stopped and paused trials count with the little they took`() throws {
        try withStoppingStore(StoppingStore.definition(trials: 10)) { store in
            for _ in 0..<2 { try store.run(0.5, to: 27) }
            let trial = try store.propose()
            let fence = try store.start(trial)
            try store.add(
                .ended(fence, sequence: 9, .finished(.stopped, .init(seconds: 1)), .paused(value: nil, step: nil)))
            let other = try store.propose()
            try store.end(try store.start(other), .stopped, value: 1, step: 1, seconds: 1)
            // Beyond the total, and no measure of the others.
            let continued = try store.propose(.continuation(of: 0, until: 500))
            try store.end(try store.start(continued), .completed, value: 0.1, step: 500, seconds: 1000)
            let subject = try store.subject(isLive: true)
            let forecast = try #require(try subject.reader.result(of: subject.sweep).forecast?.forecast)
            #expect(forecast.meanSeconds == 5.5 && forecast.remaining == 6 && forecast.slots == 2)
            #expect(forecast.seconds == 16.5)
            #expect(try subject.reader.store.trialSeconds(of: StoppingStore.sweep) == [0: 10, 1: 10, 2: 1, 3: 1])
        }
    }

    @Test func `after a resume the live table knows what trials took before`() {
        var snapshot = SweepSnapshot(
            phase: .running, counts: StateCounts([.completed: 4, .running: 2]), total: 10,
            rows: [Self.row(7, since: 0), Self.row(6, since: 8000)], workers: 1, elapsed: .seconds(20),
            meanSeconds: 10, slots: 2, isDraining: false)
        func progress() -> String {
            let header = SweepHeader(definition: Synthetic.definition(), data: "d", verb: "resumed")
            let now = Timestamp(milliseconds: 10_000)
            return LiveFrame(header: header, snapshot: snapshot, waiting: nil, now: now).lines(width: 100, height: 20)
                .joined(separator: "\n")
        }
        #expect(progress().contains("4/10"))
        #expect(progress().contains("elapsed 20s · about 28s left"), "\(progress())")
        // A continued trial is beyond the total, whatever it does.
        snapshot.counts[.completed] += 1
        snapshot.continued[.completed] = 1
        #expect(progress().contains("4/10") && progress().contains("about 28s left"), "\(progress())")
        #expect(progress().contains("2 running · 4 to come · 4 completed · 1 of 1 continued"), "\(progress())")
        snapshot.counts[.paused] = 1
        #expect(progress().contains("2 running · 3 to come · 4 completed · 1 paused"), "\(progress())")
        snapshot.meanSeconds = nil
        #expect(!progress().contains("left"))
    }

    private static func row(_ number: Int, since: Int64) -> SweepSnapshot.Row {
        SweepSnapshot.Row(
            number: number, state: .running, attempt: 1, step: 3, value: 0.5, since: Timestamp(milliseconds: since),
            configuration: Synthetic.configuration(lr: 0.1), maximumStep: 27, isContinued: false)
    }
}
