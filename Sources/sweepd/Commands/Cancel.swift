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
              sweepd cancel digits --remote
            """)

    @Argument(help: "The sweep's name or its sweep file; may be left out with --trial.") var sweep: String?
    @Option(help: ArgumentHelp("Only this trial.", valueName: "n")) var trial: Int?
    @OptionGroup var data: DataOptions
    @OptionGroup var remote: RemoteOptions
    @Flag(help: "Print JSON.") var json = false

    func validate() throws {
        if sweep == nil, trial == nil {
            throw ValidationError("which sweep? Cancelling takes its name, or --trial for one trial of the latest.")
        }
    }

    func run() throws {
        let target = try SweepTarget.find(sweep, data: data, remote: remote)
        let before = try target.subject.map { try cancelled(there: $0, isFirst: true) }
        try target.perform(trial.map { .cancelTrial(TrialID(sweep: target.id, number: $0)) } ?? .cancel(target.id))
        let after = try target.subject.map { try cancelled(there: $0, isFirst: false) }
        tell(target, cancelled: after.map { $0 - (before ?? 0) })
    }

    /// How many trials are cancelled; at first also whether there is anything left to cancel.
    private func cancelled(there subject: Subject, isFirst: Bool) throws -> Int {
        if isFirst, let trial {
            let record = try subject.trial(trial)
            if record.state.isOver { throw UserError("trial \(trial) is already \(record.state.rawValue)") }
        } else if isFirst, case .finished = subject.sweep.phase {
            throw UserError("the sweep '\(Format.printable(subject.sweep.name))' is already \(subject.sweep.state)")
        }
        return try subject.reader.counts(of: subject.sweep.id)[.cancelled]
    }

    /// - Parameter cancelled: nil on a daemon elsewhere, whose tables cannot be looked into.
    private func tell(_ target: SweepTarget, cancelled: Int?) {
        let what = trial.map { "trial \($0) of" } ?? "the sweep"
        let count = trial == nil ? cancelled.map { ", with \(Format.plural($0, "unfinished trial"))" } ?? "" : ""
        SteeringReport(command: "cancel", json: json).tell(
            "cancelled \(what) '\(target.printedName)'\(count)",
            Self.members(sweep: target.name, trial: trial, cancelled: cancelled))
    }

    /// - Parameter trial: nil for the whole sweep.
    static func members(sweep: String, trial: Int?, cancelled: Int?) -> [JSONValue.Member] {
        [
            .init("sweep", .string(sweep)), .init("trial", JSONOutput.integer(trial.map(Int64.init))),
            .init("cancelled_trials", JSONOutput.integer(cancelled.map(Int64.init))),
        ]
    }
}
