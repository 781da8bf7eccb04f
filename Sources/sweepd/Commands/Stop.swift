// SPDX-License-Identifier: MIT

import ArgumentParser
import Coordinator
import SweepModel

struct Stop: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "End a sweep, or one of its trials, and keep what it found.",
        discussion: """
            Running trials are asked for a last checkpoint and keep their results; queued ones stay queued. `resume` or \
            `extend` goes on with a stopped sweep. (`cancel` kills, and what it kills does not count.)

            Example:
              sweepd stop digits
              sweepd stop digits --trial 17
            """)

    @Argument(help: "The sweep's name or its sweep file (default: the only one, or the latest).") var sweep: String?
    @Option(help: ArgumentHelp("Only this trial.", valueName: "n")) var trial: Int?
    @OptionGroup var data: DataOptions
    @OptionGroup var remote: RemoteOptions
    @Flag(help: "Print JSON.") var json = false

    func run() throws {
        let target = try SweepTarget.find(sweep, data: data, remote: remote)
        if let trial {
            try target.perform(.stopTrial(TrialID(sweep: target.id, number: trial)))
        } else {
            try target.perform(.stop(target.id))
        }
        let sentence =
            trial.map { "trial \($0) of '\(target.printedName)' is asked to stop, with a last checkpoint" }
            ?? "stopped '\(target.printedName)'; what runs ends with a last checkpoint"
        SteeringReport(command: "stop", json: json).tell(
            sentence,
            [.init("sweep", .string(target.name)), .init("trial", JSONOutput.integer(trial.map(Int64.init)))])
    }
}
