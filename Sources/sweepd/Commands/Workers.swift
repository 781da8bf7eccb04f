// SPDX-License-Identifier: MIT

import ArgumentParser
import Coordinator
import SweepModel

struct Workers: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "List the daemon's workers, or cut one off.",
        discussion: """
            --revoke ends a key at once: its worker is disconnected, its trials go to others, and it can come back only by a \
            new invitation. `--revoke invitations` withdraws every invitation that is still open.

            Examples:
              sweepd workers
              sweepd workers --revoke gpu1
            """)

    @Option(help: ArgumentHelp("The key to revoke, or 'invitations'.", valueName: "name")) var revoke: String?
    @OptionGroup var daemon: DaemonOptions
    @Flag(help: "Print JSON.") var json = false

    func run() throws {
        if let revoke {
            let count = try daemon.perform(.revoke(revoke))["revoked"]?.integerValue ?? 0
            SteeringReport(command: "revoke", json: json).tell(
                "revoked \(Format.plural(Int(count), "key")): cut off, and nothing more is taken from there",
                [.init("name", .string(revoke)), .init("revoked", .integer(count))])
            return
        }
        let answer = try daemon.perform(.workers)
        let workers = answer["workers"]?.arrayValue ?? []
        let keys = (answer["keys"]?.arrayValue ?? []).compactMap(\.stringValue)
        if json {
            Terminal.line(
                JSONOutput.text(
                    "workers",
                    [.init("workers", .array(workers)), .init("keys", .array(keys.map { .string($0) }))]))
            return
        }
        for line in Self.lines(workers, keys: keys, width: Terminal.width) { Terminal.line(line) }
        if workers.isEmpty { Terminal.line("no worker is attached: sweepd invite prints the line that attaches one") }
    }

    static func lines(_ workers: [JSONValue], keys: [String], width: Int?) -> [String] {
        guard !workers.isEmpty || !keys.isEmpty else { return [] }
        var table = TextTable([
            .init("worker"), .init("host"), .init("state"), .init("busy", .right), .init("heard", .right),
            .init("runs"),
        ])
        for worker in workers {
            func text(_ name: String) -> String { Format.printable(worker[name]?.stringValue ?? "") }
            let heard =
                worker["heard_ms"]?.integerValue.map { Format.duration(seconds: Double($0) / 1000) + " ago" } ?? ""
            table.add([
                // `drain` takes it as it stands here.
                worker["key"]?.stringValue.map { Format.printable($0) } ?? "local \(worker["pid"]?.integerValue ?? 0)",
                text("host"), text("state"),
                "\(worker["busy"]?.integerValue ?? 0)/\(worker["slots"]?.integerValue ?? 0)", heard, runs(worker),
            ])
        }
        let attached = workers.compactMap { $0["key"]?.stringValue }
        for key in keys where !attached.contains(key) { table.add([Format.printable(key), "", "away", "", "", ""]) }
        return table.lines(width: width, indent: "") + drift(workers)
    }

    private static func runs(_ worker: JSONValue) -> String {
        var words = (worker["tasks"]?.objectValue ?? []).map { Format.printable($0.name) }
        if worker["commands"] == .bool(true) { words.append("any command") }
        let labels = (worker["labels"]?.arrayValue ?? []).compactMap(\.stringValue).map { Format.printable($0) }
        return words.joined(separator: ", ") + (labels.isEmpty ? "" : " [\(labels.joined(separator: ", "))]")
    }

    /// Two workers that mean different things by one task.
    private static func drift(_ workers: [JSONValue]) -> [String] {
        var digests: [(task: String, digest: String)] = []
        var lines: [String] = []
        for member in workers.flatMap({ $0["tasks"]?.objectValue ?? [] }) {
            guard let digest = member.value.stringValue else { continue }
            if let known = digests.first(where: { $0.task == member.name }) {
                if known.digest != digest {
                    let line =
                        "the workers declare the task '\(Format.printable(member.name))' differently: are their files the same?"
                    if !lines.contains(line) { lines.append(line) }
                }
            } else {
                digests.append((member.name, digest))
            }
        }
        return lines
    }
}
