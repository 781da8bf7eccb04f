// SPDX-License-Identifier: MIT

import ArgumentParser
import Coordinator
import Foundation
import SweepEngine
import SweepModel
import SweepStore
import WorkerAgent
import ZeroMQ

struct Extend: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Raise a sweep's total and go on, also after it has finished.",
        discussion: """
            A running sweep takes the new total at once and goes on where it runs; any other is continued here.

            Examples:
              sweepd extend --trials +50
              sweepd extend digits --trials 200
              sweepd extend digits --trials +50 --remote
            """)

    @Argument(help: "The sweep's name or file (default: the only one, or the latest).")
    var sweep: String?

    @Option(help: "The new total, or with a plus sign how many more.", completion: .list([]))
    var trials: String

    @OptionGroup var data: DataOptions
    @OptionGroup var remote: RemoteOptions
    @OptionGroup var worker: WorkerArguments
    @Flag(help: "Print the result as JSON.") var json = false

    func validate() throws { try worker.check(remote) }

    func run() throws {
        if let daemon = remote.daemon { return try extendElsewhere(daemon) }
        let named = try NamedSweep(sweep, data: data)
        let location = named.location
        try Lookup.requireData(location)
        // Before the first thread, which asking a live coordinator starts.
        let processGuard = try ProcessGuard.start()
        if try extendLive(named) { return }
        let hints = Hints(locating: location, given: data.directory)
        let (sweep, outcome) = try Workspace.with(
            location, allowsUnsafeFileSystem: data.allowsUnsafeFileSystem, processGuard: processGuard
        ) { workspace in
            let known = try Lookup.choose(
                workspace.sweeps, name: named.name, preferring: { _ in true }, verb: "extend")
            var definition = known.definition
            definition.trials = try total(current: definition.trials, counted: known.counts.counted)
            _ = try workspace.coordinator.submit([.redefine(known.id, definition)])
            let outcome = try workspace.run(known.id, definition, verb: "extended", arguments: worker, json: json)
            return (known.id, outcome)
        }
        try Ending(data: location, sweep: sweep, hints: hints, json: json).tell(outcome)
    }

    /// Whether a live coordinator took the new total.
    private func extendLive(_ named: NamedSweep) throws -> Bool {
        guard let endpoint = EndpointFile(reading: named.location.endpointFile) else { return false }
        let reader = try ResultReader(named.location)
        let row = try Lookup.sweep(reader.store, name: named.name)
        let counts = try reader.counts(of: row.id).without(try reader.continuedCounts(of: row.id))
        let total = try total(current: row.definition.trials, counted: counts.counted)
        do {
            try OperatorClient(endpoint: endpoint, context: try Context()).ask(.extend(row.id, total: total))
        } catch OperatorClient.Failure.notLive {
            return false
        }
        let text = "the running sweep '\(Format.printable(row.name))' goes on to \(total) trials"
        Terminal.line(text, to: json ? .error : .output)
        return true
    }

    private func extendElsewhere(_ daemon: DaemonOptions) throws {
        let (target, standing) = try SweepTarget.elsewhere(sweep, daemon, prefersUnfinished: false, verb: "extend")
        guard let counted = standing.counted ?? standing.total else {
            throw UserError("the daemon does not tell how many trials there are: install the same release on both")
        }
        let total = try total(current: standing.total, counted: counted)
        try target.perform(.extend(target.id, total: total))
        SteeringReport(command: "extend", json: json).tell(
            "the sweep '\(target.printedName)' goes on to \(Format.plural(total, "trial"))",
            [.init("sweep", .string(target.name)), .init("trials", JSONOutput.integer(total))])
    }

    private func total(current: Int?, counted: Int) throws -> Int {
        guard let number = Int(trials.hasPrefix("+") ? String(trials.dropFirst()) : trials), number > 0 else {
            throw UserError("--trials must be a total like 200 or an addition like +50, not '\(trials)'")
        }
        let sum = trials.hasPrefix("+") ? (current ?? counted).addingReportingOverflow(number) : (number, false)
        guard !sum.1, sum.0 <= 1_000_000_000 else { throw UserError("--trials \(trials) is too large") }
        guard sum.0 >= max(counted, current ?? counted) else {
            throw UserError(
                "a total is only ever raised: it is \(current ?? counted), and \(sum.0) is less; "
                    + "--trials +10 adds ten")
        }
        return sum.0
    }
}
