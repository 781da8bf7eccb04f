// SPDX-License-Identifier: MIT

import ArgumentParser
import Coordinator
import Foundation
import SearchAlgorithms
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

    @OptionGroup var changes: SweepFileChanges
    @OptionGroup var data: DataOptions
    @OptionGroup var worker: WorkerArguments
    @Flag(help: "Print the result as JSON.") var json = false

    func run() throws {
        let source = try SweepSource.read(file, overrides: changes.overrides)
        for warning in source.warnings { Terminal.error("\(warning)") }
        // A method that cannot search this space must not use up the sweep's name.
        _ = try SweepSampler(for: source.definition)
        // Before any thread: the guard is a fork that ends our children when we are killed.
        let processGuard = try ProcessGuard.start()
        if check { return try runCheck(source, processGuard) }
        let location = data.location(beside: file)
        let hints = Hints(locating: location, given: data.directory)
        let (sweep, outcome) = try Workspace.with(
            location, allowsUnsafeFileSystem: data.allowsUnsafeFileSystem, processGuard: processGuard
        ) { workspace in
            if let known = workspace.sweep(named: source.definition.name) {
                throw nameIsTaken(known, among: workspace.sweeps, hints: hints)
            }
            let sweep = try workspace.launch(source, source.definition)
            source.tellChoice(to: json ? .error : .output)
            let definition = source.definition.withChoicesMade
            return (sweep, try workspace.run(sweep, definition, verb: "new", arguments: worker, json: json))
        }
        try Ending(data: location, sweep: sweep, hints: hints, json: json).tell(outcome)
    }

    private func nameIsTaken(_ known: SweepSummary, among sweeps: [SweepSummary], hints: Hints) -> UserError {
        let name = known.definition.name
        let names = Set(sweeps.map(\.definition.name))
        let free = (2...).lazy.map { "\(name)-\($0)" }.first { !names.contains($0) } ?? name
        let another = hints.command("run \(ShellWord.quoted(file)) --name \(ShellWord.quoted(free))")
        let done = known.counts.done
        let trials = "\(done)\(known.definition.trials.map { " of \($0)" } ?? "") trials"
        let printed = Format.printable(name)
        if case .finished(let reason) = known.phase {
            return UserError(
                """
                the sweep '\(printed)' is finished here already (\(trials)\(reason.explanation.map { ": " + $0 } ?? "")).
                Go on past its end:  \(hints.command("extend \(hints.sweep(name)) --trials +\(max(10, done / 2))"))
                Start another:       \(another)
                """)
        }
        return UserError(
            """
            the sweep '\(printed)' is unfinished here (\(trials)).
            Continue it:    \(hints.command("resume \(hints.sweep(name))"))
            Start another:  \(another)
            """)
    }

    /// One trial in a directory of its own that is removed afterwards.
    private func runCheck(_ source: SweepSource, _ processGuard: ProcessGuard) throws {
        let scratch = try ScratchDirectory()
        defer { scratch.remove() }
        var definition = source.definition
        definition.trials = 1
        definition.repeats = 1
        definition.retries = 0
        definition.baselines = Array(definition.baselines.prefix(1))
        let location = DataDirectory(scratch.path)
        var arguments = worker
        arguments.workers = definition.command.isEmpty ? 0 : 1
        arguments.plain = true
        let (sweep, outcome) = try Workspace.with(
            location, allowsUnsafeFileSystem: data.allowsUnsafeFileSystem, processGuard: processGuard
        ) { [arguments, definition] workspace in
            let sweep = try workspace.launch(source, definition)
            return (sweep, try workspace.run(sweep, definition, verb: "check", arguments: arguments, json: json))
        }
        try CheckReport(data: location, sweep: sweep, json: json).tell(outcome)
    }
}

/// A folder of our own with an unguessable name.
private struct ScratchDirectory {
    let path: String

    init() throws {
        var template = Array("\(NSTemporaryDirectory())/sweepd-check-XXXXXX".utf8CString)
        guard let made = mkdtemp(&template) else {
            throw UserError(
                "cannot make a folder in \(NSTemporaryDirectory()): \(String(cString: strerror(errno)))",
                status: .internalError)
        }
        path = String(cString: made)
    }

    func remove() { try? FileManager.default.removeItem(atPath: path) }
}
