// SPDX-License-Identifier: MIT

import ArgumentParser
import SweepModel
import WorkerAgent

struct Best: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Print the best configuration.",
        discussion: """
            Where configurations are repeated, the best is the one with the best mean. Beside the best seen stands the one \
            that a Gaussian process of all results takes for the best: when values are noisy, the best of many is partly \
            luck.

            Example:
              sweepd best
              sweepd best digits --json | jq .parameters
              python train.py $(sweepd best --args)
            """)

    @Argument(help: SweepArgument.help) var sweep: String?
    @Flag(help: "Print it as --name=value words, as the command got them.") var args = false
    @OptionGroup var data: DataOptions
    @Flag(help: "Print JSON.") var json = false

    func validate() throws {
        if args, json { throw ValidationError("--args and --json exclude each other") }
    }

    func run() throws {
        let subject = try Subject.find(sweep, data: data)
        let records = try subject.reader.records(of: subject.sweep.id)
        let ranking = Ranking(records, objective: subject.sweep.objective)
        guard let best = ranking.best else {
            let name = Format.printable(subject.sweep.name)
            throw UserError(
                "no trial of '\(name)' has a value yet; see how they stand with\n  "
                    + subject.hints.command("trials \(subject.hints.sweep(subject.sweep.name))"),
                status: .noTrialCompleted)
        }
        if args { return Terminal.line(Self.arguments(best.configuration)) }
        let model = try subject.model(records)
        let continued = ContinuedTrial.of(records)
        if json { return Terminal.line(Self.document(best, model, continued, sweep: subject.sweep)) }
        let objective = subject.sweep.objective
        for line in Self.lines(best, objective: objective) + (model?.bestLines(objective) ?? []) { Terminal.line(line) }
        if !continued.isEmpty { Terminal.line("continued, and ranked among none:") }
        for trial in continued { Terminal.line("  " + trial.line(objective, isLive: subject.sweep.isLive)) }
    }

    static func document(
        _ best: Ranking.Contender, _ model: ModelView?, _ continued: [ContinuedTrial] = [], sweep: SweepRecord
    ) -> String {
        JSONOutput.text(
            "best",
            [.init("sweep", .object(sweep.members))] + best.members
                + [
                    .init("by_model_mean", model?.bestJSON ?? .null),
                    .init("continued", .array(continued.map(\.json))),
                ])
    }

    /// The words of `${args}`, quoted for a shell where they need it.
    static func arguments(_ configuration: Configuration) -> String {
        CommandExpansion(
            configuration: configuration, program: nil, interpreter: "", parametersFile: "", environment: [:]
        ).words(of: ["${args}"]).map { ShellWord.quoted($0) }.joined(separator: " ")
    }

    static func lines(_ best: Ranking.Contender, objective: Objective) -> [String] {
        let mean = best.trials.count > 1 ? ", the mean of \(best.trials.count) runs" : ""
        var table = TextTable([.init("parameter"), .init("value")])
        for entry in best.configuration.entries {
            table.add([Format.printable(entry.name), Format.value(entry.value)])
        }
        return ["trial \(best.number): \(Format.printable(objective.metric)) \(Format.number(best.value))\(mean)"]
            + table.lines().dropFirst()
    }
}
