// SPDX-License-Identifier: MIT

import ArgumentParser
import Coordinator
import Logging
import SweepEngine
import SweepModel
import ZeroMQ

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
        try Self.perform(target, location: subject.location, allowsUnsafeFileSystem: data.allowsUnsafeFileSystem)
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

    /// Asks the live coordinator; where there is none, becomes it for a moment.
    private static func perform(
        _ request: OperatorRequest, location: DataDirectory, allowsUnsafeFileSystem: Bool
    ) throws {
        let context = try Context()
        if let endpoint = EndpointFile(reading: location.endpointFile) {
            do {
                return try OperatorClient(endpoint: endpoint, context: context).ask(request)
            } catch OperatorClient.Failure.notLive {
                // Killed, or gone since: the lock decides who may write.
            }
        }
        var options = CoordinatorOptions(
            version: Version.text, logger: Logger(label: "sweepd") { _ in SwiftLogNoOpLogHandler() })
        options.allowsUnsafeFileSystem = allowsUnsafeFileSystem
        let coordinator = try Coordinator(data: location, context: context, options: options, observer: NobodyWatches())
        _ = try coordinator.start()
        defer { coordinator.shutdown() }
        switch request {
        case .cancel(let sweep): _ = try coordinator.submit([.cancel(sweep)])
        case .cancelTrial(let trial): _ = try coordinator.submit([.cancelTrial(trial)])
        case .ping, .extend, .pause, .unpause: break
        }
    }
}

/// For a coordinator that only does what one command asks.
private struct NobodyWatches: CoordinatorObserver {
    func committed(_ entries: [JournalEntry], engine: borrowing Engine) {}
    func storeIsFull(_ isFull: Bool) {}
}
