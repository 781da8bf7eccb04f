// SPDX-License-Identifier: MIT

import ArgumentParser
import Coordinator
import SweepModel
import SweepStore

struct Verify: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Check that the journal is undamaged and replays to what the tables say.",
        discussion: """
            Reads every event with its checksum, replays them, and compares the outcome with every table. It changes \
            nothing, and a coordinator may be at work. The exit code is 0 when all is well, else 1.

            Example:
              sweepd verify
              sweepd verify --data runs/.sweepd --json
            """)

    @OptionGroup var data: DataOptions
    @Flag(help: "Print JSON.") var json = false

    func run() throws {
        let location = data.location()
        try Lookup.requireData(location)
        let report = try StoreReader.open(directory: location.path).verify()
        if json {
            Terminal.line(Self.document(report, data: location.path))
        } else {
            Terminal.line(
                "\(location.path): \(Format.plural(report.events, "event")), \(Format.plural(report.sweeps, "sweep")), "
                    + Format.plural(report.trials, "trial"))
            for problem in report.problems { Terminal.line("  " + Format.printable(problem)) }
            if report.unlisted > 0 { Terminal.line("  and \(Format.plural(report.unlisted, "more problem"))") }
            Terminal.line(
                report.isSound
                    ? "sound: the journal is undamaged and replays to what is stored"
                    : "DAMAGED: restore the data directory from a backup")
        }
        if !report.isSound { throw ExitStatus.internalError }
    }

    static func document(_ report: VerificationReport, data: String) -> String {
        JSONOutput.text(
            "verify",
            [
                .init("data", .string(data)), .init("sound", .bool(report.isSound)),
                .init("batches", JSONOutput.integer(report.batches)),
                .init("events", JSONOutput.integer(report.events)),
                .init("sweeps", JSONOutput.integer(report.sweeps)), .init("trials", JSONOutput.integer(report.trials)),
                .init("problems", .array(report.problems.map { .string($0) })),
                .init("unlisted_problems", JSONOutput.integer(report.unlisted)),
            ])
    }
}
