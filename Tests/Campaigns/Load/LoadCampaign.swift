// SPDX-License-Identifier: MIT

import Foundation
import Keys
import SweepModel
import Synchronization
import ZeroMQ

/// Plays many workers in one process, on one thread: `campaign.py` starts several, sends words on standard input and reads
/// lines of JSON.
///
///     load-campaign WORKERS INTERVAL_MS REPORTS LOG < (the invitation, then words)
///
/// `phase NAME`: reports count under that name from now on. `storm`: every worker opens a new connection. `end`: all say
/// goodbye.
@main
struct LoadCampaign {
    private let words = Words()
    private let workers: [PlayedWorker]
    private var measurements: Measurements

    static func main() throws {
        let arguments = CommandLine.arguments.dropFirst().map { $0 }
        guard arguments.count == 4, let count = Int(arguments[0]), let interval = Int(arguments[1]),
            let reports = Int64(arguments[2]), let line = readLine()
        else {
            FileHandle.standardError.write(Data("load-campaign WORKERS INTERVAL_MS REPORTS LOG\n".utf8))
            exit(64)
        }
        let script = PlayedWorker.Script(interval: .milliseconds(interval), reports: reports)
        var campaign = try LoadCampaign(
            try JoinToken(line), count: count, script: script, log: arguments[3], context: try Context())
        try campaign.run()
    }

    private init(
        _ token: JoinToken, count: Int, script: PlayedWorker.Script, log: String, context: Context
    ) throws {
        measurements = try Measurements(log: log)
        let connections = try Self.enrol(count, token, context)
        workers = try connections.enumerated().map { index, connection in
            // One to four slots.
            try PlayedWorker(connection, slots: 1 + index % 4, script: script, context: context)
        }
        Self.say(.object([.init("enrolled", .integer(Int64(workers.count)))]))
    }

    /// Each key by a connection of its own, a few at once.
    private static func enrol(_ count: Int, _ token: JoinToken, _ context: Context) throws -> [ConnectionFile] {
        let found = Mutex<[Result<ConnectionFile, any Error>]>([])
        let lanes = DispatchGroup()
        for lane in 0..<8 {
            let queue = DispatchQueue(label: "enrolment-\(lane)")
            for index in stride(from: lane, to: count, by: 8) {
                queue.async(group: lanes) {
                    let joined = Result {
                        try Enrolment.join(
                            with: token, as: "load-\(getpid())-\(index)", now: Int64(Date().timeIntervalSince1970),
                            in: context)
                    }
                    found.withLock { $0.append(joined) }
                }
            }
        }
        lanes.wait()
        return try found.withLock { try $0.map { try $0.get() } }
    }

    private mutating func run() throws {
        for worker in workers { worker.begin(&measurements) }
        var nextLine = Clock.now
        while true {
            for word in words.take() {
                if word == "end" {
                    end()
                    return
                }
                if word == "storm" { for worker in workers { try worker.reconnect(&measurements) } }
                if word.hasPrefix("phase ") { measurements.begin(String(word.dropFirst(6))) }
            }
            for worker in workers { try worker.turn(&measurements) }
            let now = Clock.now
            if now >= nextLine {
                nextLine = now + .milliseconds(250)
                tell()
            }
            Thread.sleep(forTimeInterval: 0.003)
        }
    }

    private func tell() {
        let welcomes = workers.compactMap { $0.welcome }
        let epoch = welcomes.map { $0.epoch }.max() ?? 0
        let current = welcomes.filter { $0.epoch == epoch }
        Self.say(
            .object([
                .init("epoch", .integer(epoch)), .init("welcomed", .integer(Int64(current.count))),
                .init("last_welcome", .integer(current.map { $0.at.milliseconds }.max() ?? 0)),
                .init("seen", measurements.json),
            ]))
    }

    private mutating func end() {
        for worker in workers { worker.leave(&measurements) }
        measurements.flush()
        tell()
        Self.say(.object([.init("latencies", measurements.latenciesJSON)]))
    }

    private static func say(_ json: JSONValue) {
        FileHandle.standardOutput.write(Data((json.text + "\n").utf8))
    }
}

/// The lines of standard input, read on a thread of their own.
private final class Words: Sendable {
    private let waiting = Mutex<[String]>([])

    init() {
        let thread = Thread { [self] in
            while let line = readLine() { waiting.withLock { $0.append(line) } }
            // The driver is gone.
            waiting.withLock { $0.append("end") }
        }
        thread.start()
    }

    func take() -> [String] {
        waiting.withLock { lines in
            defer { lines = [] }
            return lines
        }
    }
}
