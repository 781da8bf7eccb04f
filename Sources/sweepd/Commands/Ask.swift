// SPDX-License-Identifier: MIT

import ArgumentParser
import Coordinator
import Randomness
import SearchAlgorithms
import SweepEngine
import SweepModel
import SweepStore

struct Ask: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Hand out a sweep's next trial, to be evaluated by you and told with tell.",
        discussion: """
            With a sweep file the sweep is started if there is none of its name yet. What was asked and not yet told is \
            pending, over any number of restarts: later proposals take it into account, and the sweep is not over before \
            it is told or cancelled. A sweep may be run by workers at the same time.

            Example:
              sweepd ask sweep.yaml            # trial 0: --lr=0.01 --units=64
              sweepd ask sweep.yaml --json     # {"schema":"sweepd.ask/1","sweep":"sweep","trial":1,"parameters":{…},…}
              sweepd tell sweep.yaml 0 --value 0.31
              sweepd ask sweep.yaml --remote
            """)

    @Argument(help: "The sweep's name or its sweep file (default: the only one, or the latest).") var sweep: String?
    @OptionGroup var data: DataOptions
    @OptionGroup var remote: RemoteOptions
    @Flag(help: "Print JSON.") var json = false

    func run() throws {
        if let daemon = remote.daemon { return try askElsewhere(daemon) }
        let named = try NamedSweep(sweep, data: data)
        let steering = Steering(location: named.location, allowsUnsafeFileSystem: data.allowsUnsafeFileSystem)
        if let source = named.source, try Self.isNew(source, in: named.location) {
            try Self.check(source)
            try steering.launch(source)
        }
        let subject = try Subject.find(sweep, data: data)
        if let source = named.source { Self.tellEdits(source.definition, since: subject.sweep.definition) }
        guard let number = try steering.perform(.ask(subject.sweep.id)) else {
            throw UserError("the coordinator handed out no trial", status: .internalError)
        }
        let trial = try subject.trial(number)
        tell(
            trial, sweep: subject.sweep.name,
            seed: trialSeed(sweepSeed: subject.sweep.definition.seed, trial: number))
    }

    /// What a daemon elsewhere starts it may run on its workers, as what is launched there.
    private func askElsewhere(_ daemon: DaemonOptions) throws {
        if let source = try NamedSweep.source(sweep), try Self.isNew(source, on: daemon) {
            try Self.check(source)
            _ = try daemon.perform(
                .launch(definition: source.definition.withChoicesMade.canonicalText, directory: source.directory))
        }
        let target = try SweepTarget.elsewhere(sweep, daemon, verb: "ask").target
        let trial = try RemoteTrial(try target.perform(.ask(target.id)))
        tell(trial.record, sweep: target.name, seed: trial.seed)
    }

    private static func check(_ source: SweepSource) throws {
        for warning in source.warnings { Terminal.error("\(warning)") }
        // A method that cannot search this space must not use up the sweep's name.
        _ = try SweepSampler(for: source.definition)
        source.tellChoice(to: .error)
    }

    private func tell(_ trial: TrialRecord, sweep: String, seed: UInt64) {
        Terminal.line(
            json
                ? Self.document(trial, sweep: sweep, seed: seed)
                : "trial \(trial.number): \(Best.arguments(trial.configuration))")
    }

    /// Whether the sweep has to be started first.
    private static func isNew(_ source: SweepSource, in location: DataDirectory) throws -> Bool {
        do {
            return try ResultReader(location).store.sweep(named: source.definition.name) == nil
        } catch StoreError.noData(_) {
            return true
        }
    }

    private static func isNew(_ source: SweepSource, on daemon: DaemonOptions) throws -> Bool {
        let sweeps = try daemon.perform(.sweeps)["sweeps"]?.arrayValue ?? []
        return !sweeps.contains { $0["name"]?.stringValue == source.definition.name }
    }

    /// A sweep that is asked goes on as it was started, whatever its file says now.
    private static func tellEdits(_ file: SweepDefinition, since known: SweepDefinition) {
        let changes = DefinitionChange.between(known, file.withChoices(of: known))
        guard !changes.isEmpty else { return }
        Terminal.error("sweepd: the sweep file has changed since the start, and ask goes on with what it was:")
        for change in changes { Terminal.error("  \(change)") }
    }

    static func document(_ trial: TrialRecord, sweep: String, seed: UInt64) -> String {
        JSONOutput.text(
            "ask",
            [
                .init("sweep", .string(sweep)), .init("trial", JSONOutput.integer(trial.number)),
                .init("parameters", trial.configuration.json),
                .init("seed", Int64(exactly: seed).map { .integer($0) } ?? .string(String(seed))),
            ])
    }
}
