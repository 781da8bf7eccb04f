// SPDX-License-Identifier: MIT

import ArgumentParser
import Coordinator
import Foundation
import SweepModel
import SweepStore

struct Logs: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Print what a trial's command printed.",
        discussion: """
            Example:
              sweepd logs 17
              sweepd logs 17 --sweep digits --attempt 1 --tail 50
              sweepd logs 17 --follow
            """)

    @Argument(help: "The trial's number.") var trial: Int
    @Option(help: SweepArgument.help) var sweep: String?
    @Option(help: "Which attempt, from 1 (default: the last).") var attempt: Int?
    @Flag(name: .shortAndLong, help: "Go on printing until the attempt is over.") var follow = false
    @Option(help: ArgumentHelp("Only the last so many lines.", valueName: "n")) var tail: Int?
    @OptionGroup var data: DataOptions
    @Flag(help: "Print JSON.") var json = false

    func validate() throws {
        if let tail, tail < 0 { throw ValidationError("--tail must be at least 0, not \(tail)") }
        if json, follow { throw ValidationError("--json and --follow exclude each other") }
    }

    func run() throws {
        let subject = try Subject.find(sweep, data: data)
        _ = try subject.trial(trial)
        let chosen = try choose(subject)
        let path =
            subject.location.attemptDirectory(
                sweep: subject.sweep.name, trial: trial, fence: chosen.fence) + "/output.log"
        guard FileManager.default.fileExists(atPath: path) else {
            if follow, chosen.endedAt == nil { return try print(path, chosen, subject) }
            throw UserError(
                "trial \(trial) has no output: \(path) does not exist"
                    + (chosen.endedAt == nil ? " yet" : "; attempts of attached Python workers print where those run"))
        }
        try print(path, chosen, subject)
    }

    private func choose(_ subject: Subject) throws -> AttemptRow {
        let attempts = try subject.reader.attempts(of: subject.sweep.id, trial: trial)
        guard let last = attempts.last else { throw UserError("trial \(trial) has not been started yet") }
        guard let attempt else { return last }
        guard let chosen = attempts.first(where: { $0.number == attempt }) else {
            throw UserError(
                "trial \(trial) has no attempt \(attempt): it has \(Format.plural(attempts.count, "attempt"))")
        }
        return chosen
    }

    private func print(_ path: String, _ chosen: AttemptRow, _ subject: Subject) throws {
        let file = OutputFile(path: path)
        let start = try tail.map { try file.start(ofLast: $0) } ?? 0
        if json {
            let text = String(decoding: try file.read(from: start, limit: .max), as: UTF8.self)
            Terminal.line(Self.document(text, chosen, sweep: subject.sweep.name, path: path))
            return
        }
        var filter = OutputFilter(isActive: Terminal.isInteractive())
        var output = ByteOutput.standard
        var position = start
        while true {
            // In this order: what is written between the two looks is read in the next round.
            let isOver = try !follow || isEnded(chosen, subject)
            while true {
                let bytes = (try? file.read(from: position, limit: 1 << 20)) ?? []
                if bytes.isEmpty { break }
                position += Int64(bytes.count)
                try output.write(filter.filter(bytes))
            }
            try output.flush()
            if isOver { break }
            Thread.sleep(forTimeInterval: 0.2)
        }
        try output.write(filter.finish())
        try output.flush()
    }

    static func document(_ text: String, _ attempt: AttemptRow, sweep: String, path: String) -> String {
        JSONOutput.text(
            "logs",
            [
                .init("sweep", .string(sweep)), .init("trial", JSONOutput.integer(attempt.trial.number)),
                .init("attempt", JSONOutput.integer(attempt.number)), .init("path", .string(path)),
                .init("state", .string(attempt.state.rawValue)), .init("text", .string(text)),
            ])
    }

    private func isEnded(_ chosen: AttemptRow, _ subject: Subject) throws -> Bool {
        guard ResultReader.hasCoordinator(subject.location) else { return true }
        let attempts = try subject.reader.attempts(of: subject.sweep.id, trial: trial)
        return attempts.first { $0.fence == chosen.fence }?.endedAt != nil
    }
}
