// SPDX-License-Identifier: MIT

import ArgumentParser
import Coordinator
import SweepModel

struct Pause: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Begin no new trials of a sweep; what runs may finish.",
        discussion: """
            Example:
              sweepd pause digits
              sweepd unpause digits
            """)

    @Argument(help: "The sweep's name or its sweep file (default: the only one, or the latest).") var sweep: String?
    @OptionGroup var data: DataOptions
    @OptionGroup var remote: RemoteOptions
    @Flag(help: "Print JSON.") var json = false

    func run() throws {
        let target = try SweepTarget.find(sweep, data: data, remote: remote)
        try target.perform(.pause(target.id))
        SteeringReport(command: "pause", json: json).tell(
            "paused '\(target.printedName)'; what runs may finish. Go on with: "
                + target.hints.command("unpause \(target.hints.sweep(target.name))"),
            [.init("sweep", .string(target.name))])
    }
}

struct Unpause: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Go on with a paused sweep.",
        discussion: """
            A sweep that paused because its first trials failed runs those again. This only lifts the pause: where no daemon \
            is at work, `sweepd resume` goes on.

            Example:
              sweepd unpause digits
            """)

    @Argument(help: "The sweep's name or its sweep file (default: the only one, or the latest).") var sweep: String?
    @OptionGroup var data: DataOptions
    @OptionGroup var remote: RemoteOptions
    @Flag(help: "Print JSON.") var json = false

    func run() throws {
        let target = try SweepTarget.find(sweep, data: data, remote: remote)
        try target.perform(.unpause(target.id))
        let hint = target.resumption.map { "; nothing is at work on it: \($0)" } ?? ""
        SteeringReport(command: "unpause", json: json).tell(
            "'\(target.printedName)' is no longer paused\(hint)", [.init("sweep", .string(target.name))])
    }
}
