// SPDX-License-Identifier: MIT

import ArgumentParser
import Foundation
import SweepModel

/// The executable: one file a command below `Commands/`.
@main
struct Sweepd: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "sweepd",
        abstract: "Finds good hyperparameters: proposes, runs, watches and remembers trials.",
        discussion: """
            Example:
              sweepd run sweep.yaml        # a whole sweep on this machine
              sweepd resume                # go on after an interruption
              sweepd best --json           # the best configuration, for a script
            """,
        version: Version.text,
        subcommands: [
            Run.self, Resume.self, Extend.self, Continue.self, Promote.self,
            Serve.self, Launch.self, Worker.self, Invite.self, Join.self, Workers.self, Drain.self, Watch.self,
            Pause.self, Unpause.self, Stop.self, Cancel.self, Retry.self, Enqueue.self,
            Ask.self, Tell.self, Optimize.self, Simulate.self,
            List.self, Show.self, Trials.self, Best.self, Why.self, Logs.self, Export.self,
            Report.self, Verify.self, Doctor.self,
        ])

    static func main() {
        // A reader that went away (`sweepd trials | head`) is an error of write, not a signal.
        signal(SIGPIPE, SIG_IGN)
        do {
            try refuseUnknownCommand()
            var command = try parseAsRoot()
            try command.run()
        } catch let error as UserError {
            Terminal.error("sweepd: \(Format.printableLines(error.message))")
            Foundation.exit(error.status.rawValue)
        } catch let status as ExitStatus {
            Foundation.exit(status.rawValue)
        } catch {
            if let failure = ErrorText.of(error) {
                Terminal.error("sweepd: \(Format.printableLines(failure.message))")
                Foundation.exit(failure.status.rawValue)
            }
            let code = exitCode(for: error)
            if code.isSuccess {
                Terminal.line(fullMessage(for: error))
                Foundation.exit(ExitStatus.finished.rawValue)
            }
            Terminal.error(fullMessage(for: error))
            // What the argument parser refuses is bad input; anything else that has no text of its own is our fault.
            Foundation.exit((code == .validationFailure ? ExitStatus.badInput : .internalError).rawValue)
        }
    }
}

extension Sweepd {
    /// The argument parser would call it an unexpected argument.
    private static func refuseUnknownCommand() throws {
        guard let word = CommandLine.arguments.dropFirst().first, !word.hasPrefix("-") else { return }
        let names = configuration.subcommands.map { "\($0)".lowercased() } + ["help"]
        if names.contains(word) { return }
        let hint = nearestWord(to: word, in: names).map { "did you mean '\($0)'?" } ?? "see 'sweepd --help'"
        throw UserError("there is no command '\(Format.printable(word))': \(hint)")
    }
}

enum Version {
    static let number = "0.1.0"
    static var text: String { "sweepd \(number)" }
}
