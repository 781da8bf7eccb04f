// SPDX-License-Identifier: MIT

import ArgumentParser
import SweepModel
import WorkerAgent

struct Continue: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Train a trial further from its last checkpoint, beyond the sweep's total.",
        discussion: """
            It becomes a new trial that is linked to the one it continues: with the same parameters and seed, from that \
            one's last checkpoint, by so many steps more. It counts towards no total and is ranked among none. A running \
            sweep takes it on at once; any other is opened again for it.

            Example:
              sweepd continue 12 --steps 200
              sweepd continue 12 digits --steps 200 --json
              sweepd continue 12 digits --steps 200 --remote
            """)

    @Argument(help: "The trial's number.") var trial: Int
    @Argument(help: SweepArgument.help) var sweep: String?
    @Option(help: ArgumentHelp("How many steps more.", valueName: "n")) var steps: Int64
    @OptionGroup var data: DataOptions
    @OptionGroup var remote: RemoteOptions
    @OptionGroup var worker: WorkerArguments
    @Flag(help: "Print the result as JSON.") var json = false

    func validate() throws {
        try StepsArgument.check(steps)
        try worker.check(remote)
    }

    func run() throws {
        if let daemon = remote.daemon {
            return try RemoteContinuing(on: daemon, sweep: sweep, steps: steps, json: json).continueTrial(trial)
        }
        let subject = try Subject.find(sweep, data: data)
        let record = try subject.trial(trial)
        let records = try subject.reader.records(of: subject.sweep.id)
        if let objection = try Continuing.objection(to: record, steps: steps, among: records, in: subject) {
            throw UserError("trial \(trial) cannot be continued: \(objection)")
        }
        // Before the first thread, which asking a live coordinator starts.
        let processGuard = try ProcessGuard.start()
        try Continuing(
            subject: subject, parents: [record], steps: steps, allowsUnsafeFileSystem: data.allowsUnsafeFileSystem,
            arguments: worker, json: json
        ).run(processGuard)
    }
}

/// How much further trials are trained.
enum StepsArgument {
    static func check(_ steps: Int64) throws {
        guard (1...(1 << 53)).contains(steps) else {
            throw ValidationError("--steps must be at least 1, not \(steps)")
        }
    }
}
