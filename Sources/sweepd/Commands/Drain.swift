// SPDX-License-Identifier: MIT

import ArgumentParser
import Coordinator
import SweepModel

struct Drain: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Let the daemon, or one worker, begin nothing new; what runs may finish.",
        discussion: """
            Before maintenance: drain, wait until `sweepd workers` shows nothing busy, then restart. A restarted daemon \
            begins new trials again by itself.

            Example:
              sweepd drain
              sweepd drain gpu1
              sweepd drain --off
            """)

    @Argument(help: "A worker, as `sweepd workers` names it (default: all).") var worker: String?
    @Flag(help: "Begin new trials again.") var off = false
    @OptionGroup var daemon: DaemonOptions
    @Flag(help: "Print JSON.") var json = false

    func run() throws {
        _ = try daemon.perform(.drain(worker: worker, isWanted: !off))
        let whom = worker.map { "worker '\(Format.printable($0))'" } ?? "the daemon"
        SteeringReport(command: "drain", json: json).tell(
            off ? "\(whom) begins new trials again" : "\(whom) begins nothing new; what runs may finish",
            [.init("worker", worker.map { .string($0) } ?? .null), .init("draining", .bool(!off))])
    }
}
