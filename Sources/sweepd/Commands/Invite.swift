// SPDX-License-Identifier: MIT

import ArgumentParser
import Coordinator
import Foundation
import SweepModel

struct Invite: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Print the line that attaches a worker of another machine.",
        discussion: """
            The line holds a secret that is good once and for an hour: it lets a machine bring in a key of its own and \
            is worth nothing afterwards. It is handed over on standard input, so that it stands in no process list.

            Examples:
              sweepd invite
              sweepd invite --uses 20 --ttl 1d          # for a cluster's job array
              sweepd invite --operator                  # for launching and steering from another machine
            """)

    @Option(help: "How many machines may use it.") var uses = 1
    @Option(help: ArgumentHelp("How long it is good, such as 30m, 2h or 1d.", valueName: "duration")) var ttl = "1h"
    @Option(help: "What the worker is called (default: its host's name).") var name: String?
    @Flag(name: .customLong("operator"), help: "Invite one who launches and steers sweeps, instead of a worker.")
    var isOperator = false
    @Flag(help: "Print nothing but the token, for a file or a pipe.") var token = false
    @OptionGroup var daemon: DaemonOptions
    @Flag(help: "Print JSON.") var json = false

    func run() throws {
        guard let lifetime = Quantity.duration(ttl) else {
            throw UserError("--ttl must be a duration such as 30m, 2h or 1d, not '\(Format.printable(ttl))'")
        }
        var invitation = OperatorRequest.Invitation()
        (invitation.uses, invitation.lifetime, invitation.name) = (uses, lifetime, name)
        invitation.isOperator = isOperator
        let answer = try daemon.perform(.invite(invitation))
        guard let text = answer["token"]?.stringValue, let expires = answer["expires"]?.integerValue else {
            throw UserError("the daemon gave no invitation", status: .internalError)
        }
        if json {
            Terminal.line(Self.document(token: text, expires: expires, uses: uses))
        } else if token {
            Terminal.line(text)
        } else {
            let command = isOperator ? "sweepd join" : "sweepd worker --join -"
            Terminal.error(
                "paste this on the other machine (good \(uses == 1 ? "once" : "\(uses) times"), for \(ttl)):")
            Terminal.line("\(command) <<< \(text)")
        }
    }

    static func document(token: String, expires: Int64, uses: Int) -> String {
        JSONOutput.text(
            "invite",
            [
                .init("token", .string(token)), .init("expires", .integer(expires)),
                .init("uses", JSONOutput.integer(uses)),
            ])
    }
}
