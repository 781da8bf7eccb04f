// SPDX-License-Identifier: MIT

import ArgumentParser
import Coordinator
import SweepModel
import SweepStore

struct Verify: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Check that the journal is undamaged and replays to what the tables say.",
        discussion: """
            Reads every event with its checksum, replays them, and compares the outcome with every table. It changes \
            nothing, and a coordinator may be at work. The exit code is 0 when all is well, else 1.

            --recompute also makes every proposal of a model again from what it was made from. On the machine that made \
            them all come out the same to the bit; other processors may round differently.

            Example:
              sweepd verify
              sweepd verify --recompute
              sweepd verify --data runs/.sweepd --json
            """)

    @OptionGroup var data: DataOptions
    @Flag(help: "Also make every proposal of a model again, and compare.") var recompute = false
    @Flag(help: "Print JSON.") var json = false

    func run() throws {
        let location = data.location()
        try Lookup.requireData(location)
        let reader = try StoreReader.open(directory: location.path)
        let report = try reader.verify()
        // A damaged journal would only be told of again.
        let recomputation = recompute && report.isSound ? try recomputed(reader) : nil
        if json {
            Terminal.line(Self.document(report, recomputation, data: location.path))
        } else {
            Terminal.line(
                "\(location.path): \(Format.plural(report.events, "event")), \(Format.plural(report.sweeps, "sweep")), "
                    + Format.plural(report.trials, "trial"))
            for problem in report.problems { Terminal.line("  " + Format.printable(problem)) }
            if report.unlisted > 0 { Terminal.line("  and \(Format.plural(report.unlisted, "more problem"))") }
            Terminal.line(
                report.isSound
                    ? "sound: the journal is undamaged and replays to what is stored"
                    : "DAMAGED: restore the data directory from a backup")
            if let recomputation { Self.lines(recomputation).forEach { Terminal.line($0) } }
        }
        if !report.isSound || recomputation?.differences.isEmpty == false { throw ExitStatus.internalError }
    }

    private func recomputed(_ reader: StoreReader) throws -> Recomputation {
        let isShown = Terminal.isInteractive(.error)
        var shown = ContinuousClock.now
        defer { if isShown { Terminal.write("\r\u{1B}[K", to: .error) } }
        return try Recomputation(reader) { done, total in
            guard isShown, ContinuousClock.now - shown > .milliseconds(200) else { return }
            shown = .now
            Terminal.write("\r\u{1B}[Kmade again: \(done) of \(total) proposals", to: .error)
        }
    }

    static func lines(_ recomputation: Recomputation) -> [String] {
        let made =
            "made again: \(Format.plural(recomputation.proposals, "proposal")) and \(Format.plural(recomputation.fits, "fit"))"
        let differences = recomputation.differences
        if differences.isEmpty { return [made + ", all the same to the bit"] }
        return [made + ", \(differences.count) came out otherwise:"]
            + differences.prefix(VerificationReport.problemLimit).map { "  " + Format.printable($0) }
            + ["Was it run on another machine, or by another version of sweepd?"]
    }

    static func document(_ report: VerificationReport, _ recomputation: Recomputation?, data: String) -> String {
        let again: JSONValue =
            recomputation.map { found in
                .object([
                    .init("proposals", JSONOutput.integer(found.proposals)),
                    .init("fits", JSONOutput.integer(found.fits)),
                    .init("differences", .array(found.differences.map { .string($0) })),
                ])
            } ?? .null
        return JSONOutput.text(
            "verify",
            [
                .init("data", .string(data)), .init("sound", .bool(report.isSound)),
                .init("batches", JSONOutput.integer(report.batches)),
                .init("events", JSONOutput.integer(report.events)),
                .init("sweeps", JSONOutput.integer(report.sweeps)), .init("trials", JSONOutput.integer(report.trials)),
                .init("problems", .array(report.problems.map { .string($0) })),
                .init("unlisted_problems", JSONOutput.integer(report.unlisted)), .init("recomputed", again),
            ])
    }
}
