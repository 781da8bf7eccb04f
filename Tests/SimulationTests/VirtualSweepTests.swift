// SPDX-License-Identifier: MIT

import SearchAlgorithms
import Simulation
import SweepEngine
import SweepModel
import Testing

/// Sweeps run against a table: the engine's own decisions, in virtual time.
@Suite struct VirtualSweepTests {
    private func run(
        _ changes: String = "trials: 12", method: String = "random", table: String? = nil,
        options: VirtualSweep.Options = .init(), wishes: [(Stimulus, at: Double)] = []
    ) throws -> SimulationResult {
        let definition = try SyntheticTable.definition(changes, method: method)
        let table = try SyntheticTable.read(table ?? SyntheticTable.text(), definition)
        var sweep = try VirtualSweep(definition, table: table, options: options)
        for wish in wishes { sweep.schedule(wish.0, at: wish.at) }
        return try sweep.run()
    }

    private func trial(_ number: Int) -> TrialID { TrialID(sweep: SweepID(1), number: number) }

    private func steps(_ result: SimulationResult, _ trial: Int) -> [Int64] {
        result.reports.filter { $0.trial == trial }.map(\.step)
    }

    private func times(_ result: SimulationResult, _ trial: Int) -> [Double] {
        result.reports.filter { $0.trial == trial }.map(\.seconds)
    }

    @Test func `without a rule every trial trains to its end`() throws {
        let result = try run()
        #expect(result.state.phase == .finished(.trials))
        #expect(result.count(.completed) == 12 && result.unmatched == 0 && result.begun == 12)
        #expect(result.reports.count == 108 && result.seconds == 108 && !result.isCutShort)
        #expect(result.stepsTrained == 108 && result.state.steps == 108 && result.wholeSteps == 108)
        #expect(result.secondsTrained == 108 && result.wholeSeconds == 108)
        #expect(result.reports.map(\.stepsTrained) == (1...108).map { $0 })
        let best = try #require(result.best)
        #expect(best.configuration["lr"] == .number(0.01) && best.configuration["units"] == .integer(64))
        #expect(best.value == result.bestOfTable && best.endValue == result.bestOfTable && best.state == .completed)
        for trial in 0..<12 { #expect(steps(result, trial) == (1...9).map { $0 }) }
    }

    @Test(arguments: ["random", "sobol", "grid", "bayes", "tpe", "auto"])
    func `the same sweep runs alike twice`(method: String) throws {
        let table = SyntheticTable.text(
            steps: 3, seeds: [0, 1], seconds: { rate, width in 1 + 0.3 * Double(rate * width) })
        let changes = "trials: 11\nearly_terminate: {type: asha, max_step: 3}"
        let one = try run(changes, method: method, table: table, options: .init(workers: 3))
        let two = try run(changes, method: method, table: table, options: .init(workers: 3))
        #expect(one.reports == two.reports && one.trials == two.trials && one.state == two.state)
        #expect(one.state.phase == .finished(.trials) && one.state.counted == 11)
        #expect(Set(one.trials.map(\.configuration)).count == 11)
    }

    @Test func `another seed is another run`() throws {
        let one = try run("trials: 6")
        let definition = try SyntheticTable.definition("trials: 6")
        var other = definition
        other.seed = 8
        let two = try VirtualSweep(other, table: try SyntheticTable.read(SyntheticTable.text(), definition)).run()
        #expect(one.trials.map(\.configuration) != two.trials.map(\.configuration))
    }

    @Test func `trials of several workers interleave`() throws {
        let result = try run(options: .init(workers: 3))
        #expect(result.seconds == 36 && result.secondsTrained == 108)
        #expect(result.reports.prefix(6).map(\.trial) == [0, 1, 2, 0, 1, 2])
        #expect(result.reports.map(\.seconds) == result.reports.map(\.seconds).sorted())
        #expect(times(result, 3).first == 10)
    }

    @Test func `slow steps take their time`() throws {
        let table = SyntheticTable.text(steps: 2, seconds: { rate, _ in rate == 0 ? 1000 : 300 })
        let result = try run(table: table, options: .init(workers: 2))
        #expect(result.count(.completed) == 12)
        #expect(result.secondsTrained == 2 * (3 * 1000 + 9 * 300))
        #expect(result.reports.map(\.seconds) == result.reports.map(\.seconds).sorted())
        for trial in result.trials {
            let isSlow = trial.configuration["lr"] == .number(0.0001)
            let times = times(result, trial.number)
            #expect(times[1] - times[0] == (isSlow ? 1000 : 300) && trial.wholeSeconds == (isSlow ? 2000 : 600))
        }
    }

    @Test func `a stop ends a trial at once`() throws {
        let result = try run(wishes: [(.stopTrial(trial(0), reason: "enough"), at: 2.5)])
        #expect(result.trials[0].state == .stopped && steps(result, 0) == [1, 2])
        #expect(times(result, 1).first == 3.5)
        #expect(result.count(.stopped) == 1 && result.count(.completed) == 11)
        #expect(result.stepsTrained == 101 && result.wholeSteps == 108)
    }

    @Test func `a script that is slow to obey trains on`() throws {
        let result = try run(
            options: .init(latencySteps: 2), wishes: [(.stopTrial(trial(0), reason: "enough"), at: 2.5)])
        #expect(result.trials[0].state == .stopped && steps(result, 0) == [1, 2, 3, 4])
        let late = try run(
            options: .init(latencySteps: 9), wishes: [(.stopTrial(trial(0), reason: "enough"), at: 2.5)])
        #expect(late.trials[0].state == .stopped && steps(late, 0).count == 9)
    }

    @Test(
        arguments: [
            (1, [1, 2, 3, 4, 5, 6, 7, 8, 9]), (2, [1, 2, 3, 3, 4, 5, 6, 7, 8, 9]),
            (0, [1, 2, 3, 1, 2, 3, 4, 5, 6, 7, 8, 9]),
        ] as [(Int, [Int64])])
    func `an attempt goes on from the last checkpoint`(every: Int, expected: [Int64]) throws {
        let result = try run(options: .init(checkpointEvery: every), wishes: [(.handBack, at: 3.5)])
        #expect(steps(result, 0) == expected && times(result, 0)[3] == 4.5)
        #expect(result.trials[0].state == .completed && result.state.trials[0].attempts == 2)
        #expect(result.stepsTrained == result.state.steps && result.stepsTrained == 99 + expected.count)
    }

    @Test func `an attempt whose curve has ended completes`() throws {
        let definition = try SyntheticTable.definition("trials: 1\nearly_terminate: {type: threshold, max_step: 2}")
        let table = try SyntheticTable.read(SyntheticTable.text(), definition)
        var sweep = try VirtualSweep(definition, table: table)
        // The pulse before the wish comes at the time of the last report, but before its end.
        sweep.schedule(.handBack, at: 1)
        sweep.schedule(.handBack, at: 2)
        let result = try sweep.run()
        #expect(result.trials[0].state == .completed && steps(result, 0) == [1, 2])
    }

    @Test func `a cancelled trial leaves its worker`() throws {
        let result = try run("trials: 6", wishes: [(.cancelTrial(trial(0)), at: 2.5)])
        #expect(result.trials[0].state == .cancelled && steps(result, 0) == [1, 2] && result.count(.completed) == 6)
    }

    @Test func `the budget of steps ends the run`() throws {
        let result = try run("limits: {steps: 40}", options: .init(workers: 4))
        #expect(result.state.phase == .finished(.steps) && result.stepsTrained == 40 && result.reports.count == 40)
        #expect(result.count(.completed) == 4 && result.count(.stopped) == 4)
    }

    @Test func `the budget of time ends the run on time`() throws {
        let table = SyntheticTable.text(seconds: { _, _ in 400 })
        let result = try run("limits: {sweep: 1h}", table: table, options: .init(workers: 2))
        #expect(result.state.phase == .finished(.time) && result.seconds == 3600)
        #expect(result.reports.count == 16)
        let odd = try run("limits: {sweep: 5s}", options: .init(workers: 2))
        #expect(odd.state.phase == .finished(.time) && odd.seconds == 5)
    }

    @Test func `a trial that is too slow fails`() throws {
        let result = try run("trials: 3\nlimits: {trial: 3s}")
        #expect(result.count(.failed) == 3 && result.trials.allSatisfy(\.isInfeasible) && result.best == nil)
        #expect(result.seconds == 9 && result.stepsTrained == 9)
    }

    @Test func `a target ends the run`() throws {
        let definition = try SyntheticTable.definition()
        let text = definition.canonicalText.replacing(#""name":"loss","#, with: #""name":"loss","target":0.4,"#)
        let targeted = try SweepFile.parse(text, file: "sweep.yaml").definition
        let result = try VirtualSweep(targeted, table: try SyntheticTable.read(SyntheticTable.text())).run()
        #expect(result.state.phase == .finished(.target) && (result.best?.value ?? 1) <= 0.4)
    }

    @Test func `NaN is reported and ends a trial`() throws {
        let lines = SyntheticTable.text().split(separator: "\n").map(String.init).map { line in
            line.hasPrefix("0.1,") && !line.contains(",1,") ? line.replacing(/[^,]+,x$/, with: "NaN,x") : line
        }
        let result = try run(table: lines.joined(separator: "\n"))
        let diverged = result.trials.filter { $0.configuration["lr"] == .number(0.1) }
        #expect(diverged.count == 3)
        for trial in diverged {
            #expect(trial.state == .failed && trial.isInfeasible)
            let values = result.reports.filter { $0.trial == trial.number }.map(\.value)
            #expect(values.count == 2 && values[0].isFinite && values[1].isNaN)
        }
        #expect(result.count(.completed) == 9 && result.best?.endValue == result.bestOfTable)
        #expect(result.stepsTrained == result.wholeSteps && result.wholeSteps == 9 * 9 + 3 * 2)
    }

    @Test func `a table of nothing but NaN has no best`() throws {
        let lines = SyntheticTable.text(steps: 1).split(separator: "\n").map {
            String($0).replacing(/[^,]+,x$/, with: "nan,x")
        }
        let result = try run("trials: 5", table: lines.joined(separator: "\n"))
        #expect(result.bestOfTable == nil && result.best == nil && result.count(.failed) == 5)
        #expect(result.state.phase == .finished(.trials))
    }

    @Test func `configurations that the table lacks are counted`() throws {
        let text = """
            {method: random, metric: {name: loss}, seed: 1, trials: 20, command: [train], parameters: {
            lr: {min: 0.0001, max: 0.1, log: true}, units: {values: [16, 32, 64]}}}
            """
        let definition = try SweepFile.parse(text, file: "sweep.yaml").definition
        let table = try SyntheticTable.read(SyntheticTable.text(), definition)
        let result = try VirtualSweep(definition, table: table).run()
        #expect(result.unmatched == 20 && result.count(.completed) == 20)
        for trial in result.trials {
            let match = try #require(trial.match)
            #expect(table.rows[match.row].configuration["units"] == trial.configuration["units"])
        }
        #expect(try run().unmatched == 0)
    }

    @Test func `the training is one of the table's seeds, or the one that is chosen`() throws {
        let table = SyntheticTable.text(steps: 2, seeds: [3, 5])
        let drawn = try run(table: table)
        #expect(Set(drawn.trials.compactMap { $0.match?.curve }) == [0, 1])
        let chosen = try run(table: table, options: .init(curveSeed: 5))
        #expect(chosen.trials.allSatisfy { $0.match?.curve == 0 })
        #expect(chosen.best?.value == SyntheticTable.loss(2, 2, seed: 5, step: 2))
        // The mean of both.
        #expect(abs((drawn.bestOfTable ?? 0) - SyntheticTable.loss(2, 2, seed: 4, step: 2)) < 1e-12)
        #expect(throws: CurveTableError.self) { _ = try run(table: table, options: .init(curveSeed: 4)) }
    }

    @Test func `repetitions train with other seeds`() throws {
        let table = SyntheticTable.text(steps: 2, seeds: [3, 5])
        let result = try run("trials: 24\nrepeats: 2", table: table)
        let curves = (0..<12).map { [result.trials[2 * $0].match?.curve, result.trials[2 * $0 + 1].match?.curve] }
        #expect(curves.contains { $0[0] != $0[1] })
        #expect((0..<12).allSatisfy { result.trials[2 * $0].configuration == result.trials[2 * $0 + 1].configuration })
    }

    @Test func `trials end at the sweep's last step`() throws {
        let result = try run("trials: 12\nearly_terminate: {type: threshold, max_step: 4}")
        #expect(result.count(.completed) == 12 && result.stepsTrained == 48 && result.wholeSteps == 48)
        #expect(result.bestOfTable == SyntheticTable.loss(2, 2, seed: 0, step: 4))
    }

    @Test func `a rule stops trials`() throws {
        let result = try run("trials: 12\nearly_terminate: {type: asha, min_step: 1, max_step: 9}")
        #expect(result.count(.stopped) > 4 && result.count(.stopped) + result.count(.completed) == 12)
        #expect(result.stepsTrained < 80 && result.wholeSteps == 108)
        for trial in result.trials where trial.state == .stopped {
            #expect([1, 3].contains(steps(result, trial.number).last))
        }
    }

    @Test func `a paused trial goes on at its next step`() throws {
        let result = try run(
            "trials: 12\ncheckpoints: {keep: last}\n"
                + "early_terminate: {type: asha, variant: promotion, min_step: 1, max_step: 9}")
        #expect(result.state.phase == .finished(.trials))
        let resumed = result.state.trials.filter { $0.attempts > 1 }
        #expect(!resumed.isEmpty)
        for trial in result.trials {
            let steps = steps(result, trial.number)
            #expect(steps == (1...Int64(steps.count)).map { $0 })
        }
        #expect(result.best?.configuration["lr"] == .number(0.01))
    }

    @Test func `a run that does not end is cut short`() throws {
        let result = try run("trials: 12", options: .init(turnLimit: 30))
        #expect(result.isCutShort && result.reports.count == 27 && result.state.phase == .running)
    }

    @Test func `what cannot be done is refused`() throws {
        #expect(throws: SimulationError.refused(.trialIsOver(trial(0), "completed"))) {
            _ = try run(wishes: [(.stopTrial(trial(0), reason: ""), at: 12)])
        }
        let text = "{method: random, metric: {name: loss}, command: [train], parameters: {lr: {min: 0.0, max: 1.0}}}"
        var endless = try SweepFile.parse(text, file: "sweep.yaml").definition
        endless.method = .grid
        let table = try SyntheticTable.read("lr,step,loss\n1,1,0\n", endless)
        #expect(throws: SimulationError.sampler(.endless(parameter: "lr"))) {
            _ = try VirtualSweep(endless, table: table).run()
        }
    }
}
