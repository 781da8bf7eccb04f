// SPDX-License-Identifier: MIT

import SweepModel
import Testing

@Suite struct SweepFileKeysTests {
    @Test func readsTheProductPagesExample() throws {
        let file = try read(Fixtures.productPage)
        let definition = file.definition
        #expect(definition.name == "digits")
        #expect(definition.method == .sobol)
        #expect(definition.objective == Objective(metric: "val_loss", goal: .minimize))
        #expect(definition.trials == 60)
        #expect(definition.seed == 7)
        #expect(
            definition.space.parameters == [
                Parameter("lr", .real(law: .logUniform(low: 1e-4, high: 1), quantum: nil)),
                Parameter("layers", .integer(low: 1, high: 3, step: 1, log: false)),
                Parameter("units", .integer(low: 8, high: 256, step: 1, log: true)),
                Parameter(
                    "optimizer",
                    .categorical(values: [.string("sgd"), .string("adam")], probabilities: [], ordinal: false)),
                Parameter(
                    "momentum", .real(law: .uniform(low: 0, high: 0.99), quantum: nil),
                    when: [.init("optimizer", in: [.string("sgd")])]),
            ])
        #expect(
            definition.baselines == [
                Configuration([
                    .init("lr", .number(0.01)), .init("layers", .integer(1)), .init("units", .integer(64)),
                    .init("optimizer", .string("adam")),
                ])
            ])
        #expect(definition.command == ["${interpreter}", "train.py", "${args}"])
        #expect(definition.workers == 2)
        #expect(definition.retries == 1)
        #expect(definition.limits == .init(trial: .seconds(600), sweep: .seconds(7200), memory: 8 << 30, steps: 20000))
        #expect(definition.maximumStep == 27)
        #expect(
            definition.earlyTermination
                == EarlyTermination(
                    rule: .asha(EarlyTermination.Rungs(minimumStep: 1, maximumStep: 27, eta: 3), .stopping),
                    maximumStep: 27))
        #expect(file.warnings.isEmpty)
    }

    @Test func fillsInEveryDefault() throws {
        let text = "method: grid\nmetric: {name: loss}\nparameters: {x: {values: [1]}}\nprogram: train.py\n"
        let file = try read(text, overrides: .init(defaultSeed: 99, defaultName: "stem"))
        let expected = SweepDefinition(
            name: "stem", method: .grid, objective: Objective(metric: "loss"),
            space: SearchSpace([Parameter("x", .categorical(values: [.integer(1)], probabilities: [], ordinal: false))]
            ),
            seed: 99, command: ["${env}", "${interpreter}", "${program}", "${args}"], program: "train.py")
        #expect(file.definition == expected)
        #expect(file.warnings.isEmpty)
    }

    @Test func theCommandLineWins() throws {
        let file = try read(
            Fixtures.productPage,
            overrides: .init(name: "other", trials: 5, seed: .max, workers: 3, defaultSeed: 1, defaultName: "stem"))
        #expect(file.definition.name == "other")
        #expect(file.definition.trials == 5)
        #expect(file.definition.seed == .max)
        #expect(file.definition.workers == 3)
        #expect(try read(file.definition.canonicalText).definition == file.definition)
    }

    @Test func badCommandLineValuesNameTheCommandLine() {
        let found = errors(in: Fixtures.productPage, overrides: .init(name: "", trials: 0, workers: 0))
        #expect(
            Set(found) == [
                "command line: name: must be 1 to 200 bytes on one line",
                "command line: trials: must be 1 to 1000000000, found 0",
                "command line: workers: must be 1 to 4096, found 0",
            ])
    }

    @Test(arguments: [
        ("run_cap: 10", 10), ("trials: 10", 10), ("trials: 10\nrun_cap: 10", 10), ("trials: 1e3", 1000),
    ])
    func trialsAndRunCapAreOne(_ keys: String, _ trials: Int) throws {
        let text = "method: random\nmetric: {name: loss}\nparameters: {x: {values: [1]}}\ncommand: [a]\n\(keys)\n"
        #expect(try read(text).definition.trials == trials)
    }

    @Test(arguments: [
        ("90", 90_000), ("90s", 90_000), ("10m", 600_000), ("2h", 7_200_000), ("1d", 86_400_000), ("1.5h", 5_400_000),
        ("1h30m", 5_400_000), ("250ms", 250), ("0.5", 500), ("'90'", 90_000), ("2 h", 7_200_000),
    ])
    func durations(_ written: String, _ milliseconds: Int64) throws {
        let file = try read(parameters("x: {value: 1}", rest: "grace: \(written)\nlimits: {trial: \(written)}"))
        #expect(file.definition.grace == .milliseconds(milliseconds))
        #expect(file.definition.limits.trial == .milliseconds(milliseconds))
        #expect(try read(file.definition.canonicalText).definition == file.definition)
    }

    @Test(arguments: [
        ("8GiB", 8 << 30), ("500MB", 500_000_000), ("1.5G", 3 << 29), ("2097152", 2_097_152), ("1 TiB", 1 << 40),
        ("4096k", 4 << 20),
    ])
    func sizes(_ written: String, _ bytes: Int64) throws {
        #expect(
            try read(parameters("x: {value: 1}", rest: "limits: {memory: \(written)}")).definition.limits.memory
                == bytes)
    }

    @Test(arguments: [
        ("18446744073709551615", UInt64.max), ("0", 0), ("'18446744073709551615'", .max),
        ("9223372036854775808", 1 << 63),
        ("0x10", 16),
    ])
    func seeds(_ written: String, _ seed: UInt64) throws {
        let file = try read(parameters("x: {value: 1}", rest: "seed: \(written)"))
        #expect(file.definition.seed == seed)
        #expect(file.warnings.isEmpty)
        #expect(try read(file.definition.canonicalText).definition == file.definition)
    }

    @Test func readsTheRest() throws {
        let rest = """
            description: "two\\nlines"
            repeats: 3
            order: wandb
            early_terminate: {type: hyperband, max_iter: 27, s: 2, strict: true}
            project: p
            entity: e
            controller: {type: local}
            apiVersion: v1
            kind: sweep
            """
        let text = parameters("x: {value: 1}", rest: rest, method: "grid")
            .replacingMetric(
                "{name: acc, goal: maximize, target: 0.9, summary: last, pattern: 'acc=(?<acc>.*)', impute: worst}")
        let file = try read(text)
        let definition = file.definition
        #expect(definition.description == "two\nlines")
        #expect(definition.repeats == 3)
        #expect(definition.gridOrder == .wandb)
        #expect(definition.maximumStep == 27)
        #expect(definition.objective == Objective(metric: "acc", goal: .maximize, summary: .last, target: 0.9))
        #expect(definition.metricPattern == .init(expression: "acc=(?<acc>.*)"))
        #expect(file.warnings.isEmpty)
    }

    @Test func nestedParametersKeepTheirPaths() throws {
        let file = try read(Fixtures.nested)
        #expect(
            file.definition.space.parameters.map(\.name) == [
                "epochs", "optimizer.type", "optimizer.lr.start", "optimizer.momentum",
            ])
        #expect(file.definition.space.parameters[2].path == ["optimizer", "lr", "start"])
        #expect(file.definition.space.parameters[3].conditions == [.init("optimizer.type", in: [.string("sgd")])])
    }

    @Test func anchorsAndMergeKeysWork() throws {
        let file = try read(Fixtures.anchors)
        let range = Distribution.real(law: .logUniform(low: 1e-5, high: 0.1), quantum: nil)
        #expect(
            file.definition.space.parameters == [
                Parameter("lr", range), Parameter("decay", range),
                Parameter("warmup", .real(law: .logUniform(low: 1e-5, high: 0.5), quantum: nil)),
            ])
        #expect(file.definition.command == ["ls", "*.py", "a*b"])
    }
}

extension String {
    /// The text with another value of `metric`, on line 2.
    func replacingMetric(_ metric: String) -> String {
        split(separator: "\n", omittingEmptySubsequences: false)
            .map { $0.hasPrefix("metric:") ? "metric: \(metric)" : String($0) }
            .joined(separator: "\n")
    }
}
