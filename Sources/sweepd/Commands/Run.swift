// SPDX-License-Identifier: MIT

import ArgumentParser
import Coordinator
import Foundation
import SweepEngine
import SweepModel
import WorkerAgent

struct Run: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Run a sweep on this machine, from the sweep file to the best configuration.",
        discussion: """
            Ctrl-C lets running trials finish and starts no new ones; a second one stops them. Whatever happens, \
            `sweepd resume` goes on where it stopped.

            Examples:
              sweepd run sweep.yaml
              sweepd run sweep.yaml --workers 4 --trials 100 --seed 7
              sweepd run sweep.yaml --check     # one trial: is the command right?
            """)

    @Argument(help: "The sweep file.", completion: .file(extensions: ["yaml", "yml"]))
    var file: String

    @Flag(help: "Run one trial (the first baseline, if there is one) in a scratch directory and stop.")
    var check = false

    @Option(help: "The sweep's name (default: the file's).")
    var name: String?

    @Option(help: "Trials in total (default: the file's).")
    var trials: Int?

    @Option(help: "The sweep's seed (default: the file's, else drawn and recorded).")
    var seed: UInt64?

    @OptionGroup var data: DataOptions
    @OptionGroup var worker: WorkerArguments
    @Flag(help: "Print the result as JSON.") var json = false

    func validate() throws {
        if let trials, trials < 1 { throw ValidationError("--trials must be at least 1, not \(trials)") }
    }

    func run() throws {
        let source = try SweepSource.read(file, overrides: overrides)
        for warning in source.warnings { Terminal.error("\(warning)") }
        // Before any thread: the guard is a fork that ends our children when we are killed.
        let processGuard = try ProcessGuard.start()
        if check { return try runCheck(source, processGuard) }
        let location = data.location(beside: file)
        let workspace = try Workspace.open(
            location, allowsUnsafeFileSystem: data.allowsUnsafeFileSystem, processGuard: processGuard)
        if let known = workspace.sweep(named: source.definition.name) {
            workspace.close()
            throw Self.nameIsTaken(known, source: source, hints: Hints(locating: location, given: data.directory))
        }
        let entries = try workspace.coordinator.submit([.launch(source.definition, directory: source.directory)])
        guard case .sweepCreated(let sweep, _, _)? = entries.first?.event else { throw CoordinatorEnded() }
        let outcome = try workspace.run(sweep, source.definition, verb: "new", arguments: worker, json: json)
        try Ending(data: location, sweep: sweep, hints: Hints(locating: location, given: data.directory), json: json)
            .tell(
                outcome)
    }

    private var overrides: SweepFile.Overrides {
        var overrides = SweepFile.Overrides()
        overrides.name = name
        overrides.trials = trials
        overrides.seed = seed
        overrides.defaultSeed = SweepSource.drawnSeed()
        return overrides
    }

    private static func nameIsTaken(_ known: SweepSummary, source: SweepSource, hints: Hints) -> UserError {
        let name = known.definition.name
        let done = known.counts[.completed] + known.counts[.stopped] + known.counts[.failed]
        let total = known.definition.trials.map { " of \($0)" } ?? ""
        let another = "or start another with --name"
        if case .finished(let reason) = known.phase {
            return UserError(
                """
                the sweep '\(name)' is finished here already (\(done)\(total) trials, \(reason.rawValue)).
                Go on past its end:  \(hints.command("extend \(hints.sweep(name)) --trials +\(max(10, done / 2))"))
                \(another):  \(hints.command("run \(source.path) --name \(name)-2"))
                """)
        }
        return UserError(
            """
            the sweep '\(name)' is unfinished here (\(done)\(total) trials).
            Continue it:  \(hints.command("resume \(hints.sweep(name))"))
            \(another):  \(hints.command("run \(source.path) --name \(name)-2"))
            """)
    }

    /// One trial in a directory of its own that is removed afterwards.
    private func runCheck(_ source: SweepSource, _ processGuard: ProcessGuard) throws {
        let scratch = URL(fileURLWithPath: NSTemporaryDirectory()).appendingPathComponent("sweepd-check-\(getpid())")
            .path
        defer { try? FileManager.default.removeItem(atPath: scratch) }
        var definition = source.definition
        definition.trials = 1
        definition.repeats = 1
        definition.baselines = Array(definition.baselines.prefix(1))
        let location = DataDirectory(scratch)
        let workspace = try Workspace.open(
            location, allowsUnsafeFileSystem: data.allowsUnsafeFileSystem, processGuard: processGuard)
        let entries = try workspace.coordinator.submit([.launch(definition, directory: source.directory)])
        guard case .sweepCreated(let sweep, _, _)? = entries.first?.event else { throw CoordinatorEnded() }
        var arguments = worker
        arguments.workers = definition.command.isEmpty ? 0 : 1
        arguments.plain = true
        let outcome = try workspace.run(sweep, definition, verb: "check", arguments: arguments, json: json)
        try CheckReport(data: location, sweep: sweep).tell(outcome)
    }
}
