// SPDX-License-Identifier: MIT

import ArgumentParser
import Coordinator
import SweepModel

struct Retry: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Run failed trials again.",
        discussion: """
            They keep their numbers and configurations and go on from their last checkpoint, if they left one.

            Example:
              sweepd retry digits --trial 17
              sweepd retry digits --failed
            """)

    @Argument(help: "The sweep's name or its sweep file (default: the only one, or the latest).") var sweep: String?
    @Option(help: ArgumentHelp("This trial.", valueName: "n")) var trial: Int?
    @Flag(help: "All failed trials of the sweep.") var failed = false
    @OptionGroup var data: DataOptions
    @OptionGroup var remote: RemoteOptions
    @Flag(help: "Print JSON.") var json = false

    func validate() throws {
        if (trial == nil) == !failed { throw ValidationError("which? --trial N for one, --failed for all that failed") }
    }

    func run() throws {
        let target = try SweepTarget.find(sweep, data: data, remote: remote)
        let count: Int
        if let trial {
            try target.perform(.retry(TrialID(sweep: target.id, number: trial)))
            count = 1
        } else {
            count = try target.perform(.retryFailed(target.id))["trials"]?.integerValue.map(Int.init) ?? 0
        }
        let hint = target.resumption.map { ": \($0)" } ?? ""
        SteeringReport(command: "retry", json: json).tell(
            count == 0
                ? "no trial of '\(target.printedName)' has failed"
                : "\(Format.plural(count, "trial")) of '\(target.printedName)' will run again\(hint)",
            [.init("sweep", .string(target.name)), .init("trials", JSONOutput.integer(count))])
    }
}
