// SPDX-License-Identifier: MIT

import ArgumentParser
import Coordinator
import Foundation
import SearchAlgorithms
import SweepModel

struct Launch: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Hand a sweep to the daemon.",
        discussion: """
            The sweep's command runs in the sweep file's folder on this machine's workers. Workers of other machines run \
            it only if they were started with --allow-command; otherwise they run the task that the sweep file names \
            (task: NAME) and they declare themselves. Launched with --remote it runs on the daemon's machine only if that was \
            started with serve --allow-command.

            Examples:
              sweepd launch sweep.yaml
              sweepd launch sweep.yaml --watch
              sweepd launch sweep.yaml --watch --remote
              sweepd launch sweep.yaml --name second-try --priority 10
            """)

    @Argument(help: "The sweep file.", completion: .file(extensions: ["yaml", "yml"])) var file: String
    @OptionGroup var changes: SweepFileChanges
    @Option(help: "Before sweeps of a lower priority (default: the file's, else 0).") var priority: Int?
    @Flag(help: "Follow it until it is over; Ctrl-C ends the following and not the sweep.") var watch = false
    @Flag(help: "Plain lines instead of the live table.") var plain = false
    @OptionGroup var daemon: DaemonOptions
    @Flag(help: "Print JSON.") var json = false

    func validate() throws {
        if let priority, !Placement.priorities.contains(Int64(priority)) {
            throw ValidationError("--priority must be from -1000 to 1000, not \(priority)")
        }
    }

    func run() throws {
        let source = try SweepSource.read(file, overrides: changes.overrides)
        for warning in source.warnings { Terminal.error("\(warning)") }
        // A method that cannot search this space must not use up the sweep's name.
        _ = try SweepSampler(for: source.definition)
        var definition = source.definition.withChoicesMade
        if let priority { definition.placement.priority = priority }
        let answer = try daemon.perform(
            .launch(definition: definition.canonicalText, directory: source.directory))
        guard let id = answer["sweep"]?.integerValue else {
            throw UserError("the daemon began no sweep", status: .internalError)
        }
        if json {
            Terminal.line(Self.document(sweep: definition.name, id: Int(id)))
        } else {
            source.tellChoice(to: .output)
            tell(definition, waits: answer["waits"]?.stringValue)
        }
        if watch, daemon.isElsewhere {
            try RemoteFollower(client: try daemon.client(), sweep: SweepID(Int(id)), isPlain: plain, json: json)
                .follow()
        } else if watch {
            try Follower(location: daemon.location, sweep: SweepID(Int(id)), isPlain: plain, json: json).follow()
        }
    }

    private func tell(_ definition: SweepDefinition, waits: String?) {
        let name = ShellWord.quoted(definition.name)
        Terminal.line("launched '\(Format.printable(definition.name))', seed \(definition.seed)")
        if watch { return }
        if let waits { Terminal.line("  nothing runs yet: \(Format.printable(waits))") }
        if daemon.isElsewhere {
            let option = daemon.connection.map { "--connection \(ShellWord.quoted($0))" } ?? "--remote"
            Terminal.line("  follow it:   \(Installation.called) watch \(name) \(option)")
            return
        }
        let option = daemon.directory.map { " --data \(ShellWord.quoted($0))" } ?? ""
        Terminal.line("  follow it:   \(Installation.called) watch \(name)\(option)")
        Terminal.line(
            "  look at it:  \(Installation.called) show \(name) --data \(ShellWord.quoted(daemon.location.path))")
    }

    static func document(sweep: String, id: Int) -> String {
        JSONOutput.text("launch", [.init("sweep", .string(sweep)), .init("id", JSONOutput.integer(id))])
    }
}
