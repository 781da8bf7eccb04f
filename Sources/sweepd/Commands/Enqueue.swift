// SPDX-License-Identifier: MIT

import ArgumentParser
import Coordinator
import SweepModel

struct Enqueue: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Put a configuration of your own into a sweep's queue; it is the next to be run.",
        discussion: """
            It counts towards the sweep's total, and the search learns from it as from any other. Every active parameter \
            needs a value within its range.

            Example:
              sweepd enqueue digits lr=0.01 units=64 optimizer=adam
              sweepd enqueue digits --parameters '{"lr": 0.01, "units": 64, "optimizer": "adam"}'
            """)

    @Argument(help: "The sweep's name or its sweep file.") var sweep: String
    @Argument(help: "name=value of each parameter.") var values: [String] = []
    @Option(help: "The same as one JSON object.") var parameters: String?
    @OptionGroup var data: DataOptions
    @OptionGroup var remote: RemoteOptions
    @Flag(help: "Print JSON.") var json = false

    func validate() throws {
        if values.isEmpty == (parameters == nil) {
            throw ValidationError("give the configuration as name=value …, or as JSON with --parameters")
        }
    }

    func run() throws {
        let configuration = try configuration()
        let target = try SweepTarget.find(sweep, data: data, remote: remote)
        let answer = try target.perform(.enqueue(target.id, configuration))
        let trial = answer["trial"]?.integerValue
        SteeringReport(command: "enqueue", json: json).tell(
            "queued as trial \(trial.map { "\($0)" } ?? "?") of '\(target.printedName)'",
            [.init("sweep", .string(target.name)), .init("trial", JSONOutput.integer(trial))])
    }

    private func configuration() throws -> Configuration {
        if let parameters {
            guard let members = (try? JSONValue.parse(parameters))?.objectValue else {
                throw UserError("--parameters must be one JSON object, such as '{\"lr\": 0.01}'")
            }
            return Configuration(members.map { .init($0.name, $0.value) })
        }
        return Configuration(
            try values.map { text in
                guard let equals = text.firstIndex(of: "="), equals > text.startIndex else {
                    throw UserError("'\(Format.printable(text))' is no name=value")
                }
                let value = String(text[text.index(after: equals)...])
                // A number or a boolean as in the sweep file, anything else is a text.
                return .init(String(text[..<equals]), (try? JSONValue.parse(value)) ?? .string(value))
            })
    }
}
