// SPDX-License-Identifier: MIT

import ArgumentParser
import SweepModel

struct Show: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Show what a sweep has found so far, and how far to trust it.",
        discussion: """
            Example:
              sweepd show
              sweepd show digits --model
              sweepd show digits --json
            """)

    @Argument(help: SweepArgument.help) var sweep: String?
    @OptionGroup var data: DataOptions
    @Flag(help: "Also what a Gaussian process makes of the results: which parameters matter, the noise, the best.")
    var model = false
    @Flag(help: "Print JSON.") var json = false

    func run() throws {
        let subject = try Subject.find(sweep, data: data)
        let result = try subject.reader.result(of: subject.sweep)
        let headline = Headline(subject.sweep)
        let view = try model ? subject.model(try subject.reader.records(of: subject.sweep.id)) : nil
        if json {
            let members = result.members(headline) + (model ? [.init("model", view?.json ?? .null)] : [])
            Terminal.line(JSONOutput.text("show", members))
            return
        }
        let report = ResultPage(result: result, headline: headline, hints: subject.hints)
        for line in report.lines(width: Terminal.width) { Terminal.line(line) }
        guard model else { return }
        let none = ["", "There are too few results for a model: it takes three values of a parameter that varies."]
        for line in view?.lines(subject.sweep.objective) ?? none { Terminal.line(line) }
    }
}

/// The argument most commands share.
enum SweepArgument {
    static let help: ArgumentHelp = "The sweep's name or its sweep file (default: the only one, or the latest)."
}
