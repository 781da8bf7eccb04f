// SPDX-License-Identifier: MIT

import ArgumentParser
import SweepEngine
import SweepModel
import WorkerAgent
import WorkerProtocol

struct Promote: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Train the best trials further from their last checkpoints, beyond the sweep's total.",
        discussion: """
            What `continue` does with one trial, for the best of the sweep, in the order in which `best` and `show` rank \
            them. Those without a checkpoint are left out, and so are those that are trained as far already: after an \
            interruption the same line goes on with what is missing.

            Example:
              sweepd promote --top 5 --steps 200
              sweepd promote digits --top 2 --steps 1000 --workers 2
              sweepd promote digits --top 2 --steps 1000 --remote
            """)

    @Argument(help: SweepArgument.help) var sweep: String?
    @Option(help: ArgumentHelp("How many of the best.", valueName: "n")) var top: Int
    @Option(help: ArgumentHelp("How many steps more.", valueName: "n")) var steps: Int64
    @OptionGroup var data: DataOptions
    @OptionGroup var remote: RemoteOptions
    @OptionGroup var worker: WorkerArguments
    @Flag(help: "Print the result as JSON.") var json = false

    func validate() throws {
        if top < 1 { throw ValidationError("--top must be at least 1, not \(top)") }
        try StepsArgument.check(steps)
        try worker.check(remote)
    }

    func run() throws {
        if let daemon = remote.daemon {
            return try RemoteContinuing(on: daemon, sweep: sweep, steps: steps, json: json).promote(top)
        }
        let subject = try Subject.find(sweep, data: data)
        let records = try subject.reader.records(of: subject.sweep.id)
        let best = Ranking(records, objective: subject.sweep.objective).contenders.prefix(top).map { $0.trials[0] }
        guard !best.isEmpty else { throw Self.noValue(in: subject.sweep.name) }
        var parents: [TrialRecord] = []
        var skipped: [Continuing.Skipped] = []
        for record in best {
            let reason =
                try Continuing.objection(to: record, steps: steps, among: records, in: subject)
                ?? trained(record, among: records, in: subject)
            if let reason {
                skipped.append(Continuing.Skipped(trial: record.number, reason: reason))
            } else {
                parents.append(record)
            }
        }
        guard !parents.isEmpty else { throw Self.nothingLeft(skipped) }
        // Before the first thread, which asking a live coordinator starts.
        let processGuard = try ProcessGuard.start()
        try Continuing(
            subject: subject, parents: parents, steps: steps, skipped: skipped,
            allowsUnsafeFileSystem: data.allowsUnsafeFileSystem, arguments: worker, json: json
        ).run(processGuard)
    }

    static func noValue(in sweep: String) -> UserError {
        UserError("no trial of '\(Format.printable(sweep))' has a value yet", status: .noTrialCompleted)
    }

    /// - Parameter skipped: all of the best.
    static func nothingLeft(_ skipped: [Continuing.Skipped]) -> UserError {
        let lines = skipped.map { "\n  trial \($0.trial): \($0.reason)" }.joined()
        return UserError(
            "none of the best \(skipped.count == 1 ? "one" : "\(skipped.count)") can be continued:\(lines)")
    }

    /// The one that has trained it as far already.
    private func trained(_ record: TrialRecord, among records: [TrialRecord], in subject: Subject) throws -> String? {
        guard let step = try subject.reader.lastCheckpoint(of: record, in: subject.sweep.id)?.checkpoint.step else {
            return nil
        }
        let until = step.addingSaturated(steps)
        let other = records.first {
            $0.parent == record.number && ($0.untilStep ?? 0) >= until
                && ($0.state == .completed || $0.state == .stopped)
        }
        return other.map { Continuing.alreadyTrained(by: $0.number, until: $0.untilStep ?? 0) }
    }
}
