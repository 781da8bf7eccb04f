// SPDX-License-Identifier: MIT

import ArgumentParser
import SweepModel

struct Why: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Say why a trial is in its state: what a rule found against it, what failed, where it came from.",
        discussion: """
            Of a trial that was stopped early: the rule, the rung, its value and what it had to reach, and which trials \
            were better there. Of any other: how it stands, its attempts, its failure.

            Example:
              sweepd why 12
              sweepd why 12 digits --json | jq .trial.verdict
            """)

    @Argument(help: "The trial's number.") var trial: Int
    @Argument(help: SweepArgument.help) var sweep: String?
    @OptionGroup var data: DataOptions
    @Flag(help: "Print JSON.") var json = false

    func run() throws {
        let subject = try Subject.find(sweep, data: data)
        let story = try subject.reader.story(of: trial, in: subject)
        if json {
            Terminal.line(Self.document(story))
            return
        }
        for line in ResultText.wrapped(story.text, width: Terminal.width ?? .max, first: "", rest: "") {
            Terminal.line(line)
        }
    }

    static func document(_ story: TrialStory) -> String { JSONOutput.text("why", story.members) }
}
