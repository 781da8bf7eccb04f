// SPDX-License-Identifier: MIT

import Foundation
import SweepModel
import WorkerProtocol

/// What the workers of one process have seen.
struct Measurements {
    /// Milliseconds from a report to its acknowledgement, and how many took so long, for each phase of the campaign. A
    /// report belongs to the phase in which it was made.
    private(set) var latencies: [String: [Int: Int]] = ["start": [:]]
    private(set) var phase = "start"
    private(set) var reports = 0
    private(set) var acknowledged = 0
    /// Trials whose end was acknowledged.
    private(set) var closed = 0
    private(set) var abandoned = 0
    /// More trials at once on a worker than it has slots.
    var overbooked = 0
    /// A worker's connection that was given up for silence.
    var reconnections = 0
    var refusals: [String] = []
    private let log: FileHandle
    private var lines = ""

    /// - Parameter path: gets a line for each attempt: its fence, its trial, the last event that was acknowledged, the last
    ///   that was recorded, and how it ended here.
    init(log path: String) throws {
        guard FileManager.default.createFile(atPath: path, contents: nil), let log = FileHandle(forWritingAtPath: path)
        else { throw CocoaError(.fileWriteUnknown) }
        self.log = log
    }

    mutating func begin(_ phase: String) {
        self.phase = phase
        if latencies[phase] == nil { latencies[phase] = [:] }
    }

    mutating func reported() { reports += 1 }

    mutating func acknowledged(after wait: Duration, in phase: String) {
        acknowledged += 1
        latencies[phase, default: [:]][Int(wait.milliseconds), default: 0] += 1
    }

    mutating func ended(_ trial: PlayedTrial, as end: String) {
        if end == "closed" { closed += 1 } else if end == "abandoned" { abandoned += 1 }
        lines += "\(trial.lease.fence) \(trial.lease.trial) \(trial.acknowledged) \(trial.recorded) \(end)\n"
        if lines.utf8.count > 1 << 14 { flush() }
    }

    mutating func flush() {
        log.write(Data(lines.utf8))
        lines = ""
    }

    var json: JSONValue {
        .object([
            .init("reports", .integer(Int64(reports))), .init("acknowledged", .integer(Int64(acknowledged))),
            .init("closed", .integer(Int64(closed))), .init("abandoned", .integer(Int64(abandoned))),
            .init("overbooked", .integer(Int64(overbooked))), .init("reconnections", .integer(Int64(reconnections))),
            .init("refusals", .array(refusals.map { .string($0) })),
        ])
    }

    var latenciesJSON: JSONValue {
        .object(
            latencies.sorted { $0.key < $1.key }.map { phase, counts in
                .init(
                    phase,
                    .object(
                        counts.sorted { $0.key < $1.key }.map {
                            .init("\($0.key)", .integer(Int64($0.value)))
                        }))
            })
    }
}

/// A trial as a worker plays it: it reports at its times whether or not anybody answers.
struct PlayedTrial {
    let lease: Lease
    var nextReport: Instant
    var step: Int64 = 0
    /// Events so far.
    var recorded: Int64 = 0
    var acknowledged: Int64 = 0
    /// Reports without an acknowledgement, oldest first.
    var waiting: [(sequence: Int64, at: Instant, phase: String)] = []
    var isOver = false

    /// What the trial reports at a step: the driver computes it again from the tables.
    static func value(trial: Int, step: Int64) -> Double {
        Double((Int64(trial) * 7919 + step * 31) % 1000) / 1000
    }
}
