// SPDX-License-Identifier: MIT

import ArgumentParser
import Coordinator
import SweepEngine
import SweepModel
import SweepStore

struct Watch: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Follow a sweep that is at work elsewhere on this machine, as if it ran here.",
        discussion: """
            It only looks: Ctrl-C ends the watching and not the sweep. It ends by itself when the sweep does, with the same \
            result and exit code as `sweepd run`.

            Example:
              sweepd watch digits
            """)

    @Argument(help: "The sweep's name or its sweep file (default: the only one, or the latest).") var sweep: String?
    @OptionGroup var data: DataOptions
    @Flag(help: "Plain lines instead of the live table.") var plain = false
    @Flag(help: "Print the result as JSON.") var json = false

    func run() throws {
        let subject = try Subject.find(sweep, data: data)
        try Follower(
            location: subject.location, sweep: subject.sweep.id, isPlain: plain, json: json, hints: subject.hints
        )
        .follow()
    }
}
