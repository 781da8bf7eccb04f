// SPDX-License-Identifier: MIT

import ArgumentParser
import Coordinator
import SearchAlgorithms
import SweepEngine
import SweepModel
import WorkerAgent

struct Resume: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Continue an interrupted sweep to its original total.",
        discussion: """
            Without an argument it continues the one unfinished sweep here. With a sweep file, changes of the file \
            since the start are shown, and taken over where they are compatible.

            Examples:
              sweepd resume
              sweepd resume digits
              sweepd resume sweep.yaml --workers 4
            """)

    @Argument(help: "A sweep's name, or its sweep file.")
    var sweep: String?

    @OptionGroup var data: DataOptions
    @OptionGroup var worker: WorkerArguments
    @Flag(help: "Print the result as JSON.") var json = false

    func run() throws {
        let named = try NamedSweep(sweep, data: data)
        let location = named.location
        try Lookup.requireData(location)
        let processGuard = try ProcessGuard.start()
        let hints = Hints(locating: location, given: data.directory)
        let (sweep, outcome) = try Workspace.with(
            location, allowsUnsafeFileSystem: data.allowsUnsafeFileSystem, processGuard: processGuard
        ) { workspace in
            let known = try choose(workspace, named, hints: hints)
            var definition = known.definition
            if let source = named.source { definition = try adopt(source, known, workspace) }
            if case .finished(.stopped) = known.phase {
                _ = try workspace.coordinator.submit([.redefine(known.id, definition)])
            }
            let outcome = try workspace.run(known.id, definition, verb: "resumed", arguments: worker, json: json)
            return (known.id, outcome)
        }
        try Ending(data: location, sweep: sweep, hints: hints, json: json).tell(outcome)
    }

    private func choose(_ workspace: Workspace, _ named: NamedSweep, hints: Hints) throws -> SweepSummary {
        let name = named.name
        let unfinished = workspace.sweeps.filter(\.isUnfinished)
        if name == nil, unfinished.count > 1 {
            let lines = unfinished.map { "  " + hints.command("resume \(hints.sweep($0.definition.name))") }
            throw UserError("several sweeps are unfinished here; say which:\n" + lines.joined(separator: "\n"))
        }
        let known = try Lookup.choose(workspace.sweeps, name: name, preferring: { $0.isUnfinished }, verb: "resume")
        // An edited file may have raised the limit that ended it; with the same limit it ends again at once.
        if case .finished(let reason) = known.phase, reason != .stopped, named.source == nil || !reason.isLimit {
            throw UserError(
                "the sweep '\(Format.printable(known.definition.name))' is finished"
                    + "\(reason.explanation.map { ": " + $0 } ?? ""); go on past its end with\n"
                    + "  \(hints.command("extend \(hints.sweep(known.definition.name)) --trials +10"))")
        }
        return known
    }

    /// The edited file's definition, if it is compatible with what was run.
    private func adopt(_ source: SweepSource, _ known: SweepSummary, _ workspace: Workspace) throws -> SweepDefinition {
        let stream: Terminal.Stream = json ? .error : .output
        // The seed may have been drawn or given on the command line; the sweep goes on with the one it has.
        if source.namesSeed, source.definition.seed != known.definition.seed {
            Terminal.line(
                "the sweep goes on with its seed \(known.definition.seed); the file says \(source.definition.seed)",
                to: stream)
        }
        var edited = source.definition.withChoices(of: known.definition)
        edited.workers = edited.workers ?? known.definition.workers
        // The total may have been raised on the command line; a file never lowers it.
        if let was = known.definition.trials, let now = edited.trials, now < was {
            Terminal.line(
                "the sweep goes on to its total of \(was) trials; the file says \(now), and a total is only ever raised",
                to: stream)
            edited.trials = was
        }
        let changes = DefinitionChange.between(known.definition, edited)
        guard !changes.isEmpty else {
            if case .finished(let reason) = known.phase, reason != .stopped {
                let why = reason.explanation.map { ": \($0)" } ?? ""
                throw UserError("the sweep is finished\(why), and its file has not changed since")
            }
            return known.definition
        }
        Terminal.line("the sweep file has changed since the start:", to: stream)
        for change in changes { Terminal.line("  \(change)", to: stream) }
        let refused = changes.filter { !$0.isCompatible }
        guard refused.isEmpty else {
            throw UserError(
                "\(refused.map(\.field).joined(separator: ", ")) cannot change within a sweep: its trials would not be "
                    + "comparable. Undo the edit, or start another sweep with --name.")
        }
        _ = try SweepSampler(for: edited)
        _ = try workspace.coordinator.submit([.redefine(known.id, edited)])
        return edited
    }
}

extension SweepSummary {
    var isUnfinished: Bool {
        if case .finished = phase { false } else { true }
    }
}

extension FinishReason {
    /// A bound in the sweep file that another value would move.
    fileprivate var isLimit: Bool {
        switch self {
        case .target, .time, .steps, .noImprovement: true
        case .trials, .exhausted, .cancelled, .stopped: false
        }
    }
}
