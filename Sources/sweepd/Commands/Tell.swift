// SPDX-License-Identifier: MIT

import ArgumentParser
import Coordinator
import SweepEngine
import SweepModel

struct Tell: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Say how a trial ended that was handed out by ask.",
        discussion: """
            A tell is final. A trial that failed, or whose value is nan or inf, counts as tried: the search keeps away \
            from configurations like it.

            Example:
              sweepd tell digits 3 --value 0.31
              sweepd tell digits 4 --failed
              sweepd tell digits 5 --value 0.29 --remote
            """)

    @Argument(help: "The sweep's name or its sweep file.") var sweep: String
    @Argument(help: "The trial's number, as ask printed it.") var trial: Int
    @Option(help: "The objective's value.") var value: Double?
    @Flag(help: "It failed.") var failed = false
    @OptionGroup var data: DataOptions
    @OptionGroup var remote: RemoteOptions
    @Flag(help: "Print JSON.") var json = false

    func validate() throws {
        if (value == nil) != failed { throw ValidationError("say either --value, with a number, or --failed") }
    }

    func run() throws {
        if let daemon = remote.daemon { return try tellElsewhere(daemon) }
        let subject = try Subject.find(sweep, data: data)
        let record = try subject.trial(trial)
        if record.state.isOver {
            throw UserError("trial \(trial) is already \(record.state.rawValue), and a tell is final")
        }
        try Steering(location: subject.location, allowsUnsafeFileSystem: data.allowsUnsafeFileSystem)
            .perform(.tell(TrialID(sweep: subject.sweep.id, number: trial), value: value))
        say(try subject.trial(trial), sweep: subject.sweep.name, metric: subject.sweep.objective.metric)
    }

    /// That a tell is final the daemon says itself.
    private func tellElsewhere(_ daemon: DaemonOptions) throws {
        let target = try SweepTarget.elsewhere(sweep, daemon, verb: "tell").target
        let answer = try target.perform(.tell(TrialID(sweep: target.id, number: trial), value: value))
        say(try RemoteTrial(answer).record, sweep: target.name, metric: nil)
    }

    /// - Parameter metric: nil on a daemon elsewhere, which does not say what the sweep measures.
    private func say(_ told: TrialRecord, sweep: String, metric: String?) {
        if json {
            Terminal.line(Self.document(told, sweep: sweep))
            return
        }
        let name = metric.map { Format.printable($0) + " " } ?? ""
        let value = told.value.map { ": \(name)\(Format.number($0))" } ?? ""
        Terminal.line("trial \(trial) of '\(Format.printable(sweep))' \(told.state.rawValue)\(value)")
    }

    static func document(_ trial: TrialRecord, sweep: String) -> String {
        JSONOutput.text(
            "tell",
            [
                .init("sweep", .string(sweep)), .init("trial", JSONOutput.integer(trial.number)),
                .init("state", .string(trial.state.rawValue)), .init("value", JSONOutput.number(trial.value)),
            ])
    }
}
