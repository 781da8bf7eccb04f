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
            result and exit code as `sweepd run`. Of a sweep on another machine (--remote) it shows one line, with what is \
            done and the best value; the result itself is looked at there.

            Examples:
              sweepd watch digits
              sweepd watch digits --remote
            """)

    @Argument(help: "The sweep's name or its sweep file (default: the only one, or the latest).") var sweep: String?
    @OptionGroup var data: DataOptions
    @OptionGroup var remote: RemoteOptions
    @Flag(help: "Plain lines instead of the live table.") var plain = false
    @Flag(help: "Print the result as JSON.") var json = false

    func run() throws {
        if let daemon = remote.daemon {
            let found = try SweepTarget.elsewhere(sweep, daemon, verb: "watch")
            try RemoteFollower(client: try daemon.client(), sweep: found.target.id, isPlain: plain, json: json).follow()
            return
        }
        let subject = try Subject.find(sweep, data: data)
        try Follower(
            location: subject.location, sweep: subject.sweep.id, isPlain: plain, json: json, hints: subject.hints
        )
        .follow()
    }
}
