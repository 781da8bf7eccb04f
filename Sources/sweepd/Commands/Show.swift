// SPDX-License-Identifier: MIT

import ArgumentParser

struct Show: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Show what a sweep has found so far, and how far to trust it.",
        discussion: """
            Example:
              sweepd show
              sweepd show digits --json
            """)

    @Argument(help: SweepArgument.help) var sweep: String?
    @OptionGroup var data: DataOptions
    @Flag(help: "Print JSON.") var json = false

    func run() throws {
        let subject = try Subject.find(sweep, data: data)
        let result = try subject.reader.result(of: subject.sweep)
        let headline = Headline(subject.sweep)
        if json {
            Terminal.line(JSONOutput.text("show", result.members(headline)))
            return
        }
        let report = ResultPage(result: result, headline: headline, hints: subject.hints)
        for line in report.lines(width: Terminal.width) { Terminal.line(line) }
    }
}

/// The argument most commands share.
enum SweepArgument {
    static let help: ArgumentHelp = "The sweep's name or its sweep file (default: the only one, or the latest)."
}
