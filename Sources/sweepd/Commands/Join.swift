// SPDX-License-Identifier: MIT

import ArgumentParser
import Foundation
import Keys
import ZeroMQ

struct Join: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Take an operator's invitation, to launch and steer sweeps of a daemon elsewhere.",
        discussion: """
            It reads the invitation from standard input, makes a key pair of this machine's own, and keeps it in \
            ~/.config/sweepd/operator.json. Commands with --remote use it.

            Example:
              sweepd join <<< sweepd1.…        # as `sweepd invite --operator` printed it
              sweepd launch sweep.yaml --remote
            """)

    @Option(help: ArgumentHelp("Where to keep the key.", valueName: "file")) var connection: String?

    func run() throws {
        let path = connection ?? ConnectionFile.defaultPath(of: .operator)
        let file = try TokenInput.standardInput.join(as: .operator, keepingAt: path)
        Terminal.line("joined as '\(Format.printable(file.name))': the key is in \(path)")
    }
}
