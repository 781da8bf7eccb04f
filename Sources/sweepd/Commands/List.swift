// SPDX-License-Identifier: MIT

import ArgumentParser
import Coordinator
import Foundation
import SweepModel

struct List: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "List the sweeps of the data directory.",
        discussion: """
            Example:
              sweepd list
              sweepd list --data runs/.sweepd --json
            """)

    @OptionGroup var data: DataOptions
    @Flag(help: "Print JSON.") var json = false

    func run() throws {
        let location = data.location()
        try Lookup.requireData(location)
        let reader = try ResultReader(location)
        let overviews = try reader.overviews()
        if json {
            Terminal.line(Self.document(overviews, data: location.path))
        } else {
            let width = Terminal.width
            for line in Self.lines(overviews, now: Date().timeIntervalSince1970, width: width) { Terminal.line(line) }
            if overviews.isEmpty {
                Terminal.line("no sweeps in \(location.path) yet: \(Installation.called) run sweep.yaml")
            }
        }
    }

    static func document(_ overviews: [SweepOverview], data: String) -> String {
        JSONOutput.text("list", [.init("data", .string(data)), .init("sweeps", .array(overviews.map(\.json)))])
    }

    /// - Parameter now: seconds since 1970.
    static func lines(_ overviews: [SweepOverview], now: Double, width: Int?) -> [String] {
        guard !overviews.isEmpty else { return [] }
        var table = TextTable([
            .init("sweep"), .init("method"), .init("state"), .init("done", .right), .init("best", .right),
            .init("trial", .right), .init("started"),
        ])
        for overview in overviews {
            let sweep = overview.sweep
            let age = sweep.createdAt.map { now - Double($0.milliseconds) / 1000 }
            table.add([
                Format.printable(sweep.name), sweep.definition.method.rawValue, sweep.state,
                overview.progress,
                Format.number(overview.best?.value), overview.best.map { "\($0.trial)" } ?? "",
                age.map { "\(Format.duration(seconds: max(0, $0))) ago" } ?? "",
            ])
        }
        return table.lines(width: width, indent: "")
    }
}

/// A sweep as `list` shows it.
struct SweepOverview {
    let sweep: SweepRecord
    /// Without those that continue others, as the total has it.
    let done: Int
    var paused = 0
    /// Trials that continue others.
    var continued = 0
    let best: (trial: Int, value: Double)?

    /// "12/24, 3 paused, 2 continued".
    var progress: String {
        "\(done)" + (sweep.definition.trials.map { "/\($0)" } ?? "") + (paused > 0 ? ", \(paused) paused" : "")
            + (continued > 0 ? ", \(continued) continued" : "")
    }

    var json: JSONValue {
        var best = JSONValue.null
        if let known = self.best {
            best = .object([.init("trial", JSONOutput.integer(known.trial)), .init("value", .number(known.value))])
        }
        return .object(
            sweep.members + [
                .init("done", JSONOutput.integer(done)), .init("best", best),
                .init("paused", JSONOutput.integer(paused)), .init("continued", JSONOutput.integer(continued)),
            ])
    }
}
