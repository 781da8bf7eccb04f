// SPDX-License-Identifier: MIT

import ArgumentParser
import Coordinator
import SweepEngine
import SweepModel

struct Cancel: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Cancel a sweep, or one of its trials.",
        discussion: """
            Running trials are killed; what they reported stays. A cancelled trial does not count towards the total, so \
            another takes its place; `extend` goes on with a cancelled sweep.

            Example:
              sweepd cancel digits
              sweepd cancel digits --trial 17
            """)

    @Argument(help: "The sweep's name or its sweep file; may be left out with --trial.") var sweep: String?
    @Option(help: ArgumentHelp("Only this trial.", valueName: "n")) var trial: Int?
    @OptionGroup var data: DataOptions
    @Flag(help: "Print JSON.") var json = false

    func validate() throws {
        if sweep == nil, trial == nil {
            throw ValidationError("which sweep? Cancelling takes its name, or --trial for one trial of the latest.")
        }
    }

    func run() throws {
        let subject = try Subject.find(sweep, data: data)
        let id = subject.sweep.id
        let before = try subject.reader.counts(of: id)
        let target: OperatorRequest
        if let trial {
            let record = try subject.trial(trial)
            if record.state.isOver { throw UserError("trial \(trial) is already \(record.state.rawValue)") }
            target = .cancelTrial(TrialID(sweep: id, number: trial))
        } else {
            if case .finished = subject.sweep.phase {
                throw UserError("the sweep '\(Format.printable(subject.sweep.name))' is already \(subject.sweep.state)")
            }
            target = .cancel(id)
        }
        try Steering(location: subject.location, allowsUnsafeFileSystem: data.allowsUnsafeFileSystem).perform(target)
        let after = try subject.reader.counts(of: id)
        tell(subject.sweep, cancelled: after[.cancelled] - before[.cancelled])
    }

    private func tell(_ sweep: SweepRecord, cancelled: Int) {
        if json {
            Terminal.line(Self.document(sweep: sweep.name, trial: trial, cancelled: cancelled))
        } else if let trial {
            Terminal.line("cancelled trial \(trial) of '\(Format.printable(sweep.name))'")
        } else {
            Terminal.line(
                "cancelled the sweep '\(Format.printable(sweep.name))', with \(Format.plural(cancelled, "unfinished trial"))"
            )
        }
    }

    /// - Parameter trial: nil for the whole sweep.
    static func document(sweep: String, trial: Int?, cancelled: Int) -> String {
        JSONOutput.text(
            "cancel",
            [
                .init("sweep", .string(sweep)), .init("trial", JSONOutput.integer(trial.map(Int64.init))),
                .init("cancelled_trials", JSONOutput.integer(cancelled)),
            ])
    }
}
