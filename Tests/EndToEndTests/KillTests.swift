// SPDX-License-Identifier: MIT

import Foundation
import SweepEngine
import SweepModel
import SweepStore
import TestSupport
import Testing

/// The coordinator is killed with SIGKILL while trials run, and resumed each time.
@Suite(.serialized) struct KillTests {
    private static let trials = 200
    /// `make chaos` sets a higher number.
    private static var kills: Int {
        ProcessInfo.processInfo.environment["SWEEPD_KILLS"].flatMap { Int($0) } ?? 25
    }

    private static func sweep(trials: Int) -> String {
        """
        name: branin
        method: random
        seed: 7
        trials: \(trials)
        metric: {name: value, goal: minimize}
        parameters:
          x: {min: -5.0, max: 10.0}
          y: {min: 0.0, max: 15.0}
        command: ["${interpreter}", \(Program.root)/Tests/EndToEndTests/Scripts/branin_with_oracle.py]
        """
    }

    @Test(.timeLimit(.minutes(10))) func killedAtRandomMomentsNothingIsLost() throws {
        let seed = ProcessInfo.processInfo.environment["SWEEPD_SEED"].flatMap { UInt64($0) } ?? 20_261_121
        var random = SeededRandom(seed: seed)
        let folder = try TemporaryFolder()
        let kills = Self.kills
        let trials = max(Self.trials, kills * 8)
        let file = try folder.write(Self.sweep(trials: trials), to: "sweep.yaml")
        let data = folder.path + "/data"
        let environment = environment(folder, seconds: 0.12)
        var landed = 0
        var settled: [Int: Ended] = [:]
        var arguments = ["run", file]
        while landed < kills {
            let log = folder.path + "/log"
            let process = try Program.start(
                arguments + ["--data", data, "--workers", "4", "--plain"], environment: environment, output: log)
            let isRunning = wait(seconds: 20) { !TrialProcesses.alive(data: data).isEmpty || !process.isRunning }
            try #require(isRunning && process.isRunning, "seed \(seed), kill \(landed): \(read(log))")
            Thread.sleep(forTimeInterval: Double.random(in: 0.0..<0.5, using: &random))
            // Stopped, it cannot end a trial between the look and the shot: the kill lands while trials run.
            var running: [Int32] = []
            while running.isEmpty, process.isRunning {
                kill(process.processIdentifier, SIGSTOP)
                running = TrialProcesses.alive(data: data)
                if running.isEmpty {
                    kill(process.processIdentifier, SIGCONT)
                    Thread.sleep(forTimeInterval: 0.005)
                }
            }
            try #require(!running.isEmpty, "seed \(seed): it ended by itself: \(read(log))")
            kill(process.processIdentifier, SIGKILL)
            process.waitUntilExit()
            try #require(process.terminationReason == .uncaughtSignal, "it ended by itself: \(read(log))")
            let areGone = wait(seconds: 3) { TrialProcesses.alive(data: data).isEmpty }
            #expect(areGone, "seed \(seed): processes are left over after kill \(landed)")
            landed += 1
            arguments = ["resume", "branin"]
            settled = try endings(data, unchangedFrom: settled, seed: seed)
        }
        let end = try Program.run(
            ["resume", "branin", "--data", data, "--workers", "4", "--plain"],
            environment: self.environment(folder, seconds: 0), seconds: 300)
        #expect(end.status == 0, "seed \(seed): \(end.output)\n\(end.error)")

        _ = try endings(data, unchangedFrom: settled, seed: seed)
        let reader = try StoreReader.open(directory: data)
        let sweep = try #require(try reader.sweeps().first)
        let rows = try reader.trials(of: sweep.id)
        #expect(rows.count == trials)
        #expect(rows.allSatisfy { $0.state == .completed }, "seed \(seed)")
        try expectOracle(folder.path + "/oracle", reader, rows, seed: seed)
        let verified = try Program.run(["verify", "--data", data])
        #expect(verified.status == 0, "seed \(seed): \(verified.output)\n\(verified.error)")
        #expect(TrialProcesses.alive(data: data).isEmpty)
        try expectSameConfigurations(rows, trials: trials)
    }

    /// How a trial ended: what a later process must not change.
    private struct Ended: Equatable {
        let value: Double?
        let attempts: Int
        let at: Timestamp?
    }

    /// The trials that are over, after making sure that those of `earlier` are as they were and that each was ended by
    /// exactly one attempt.
    private func endings(_ data: String, unchangedFrom earlier: [Int: Ended], seed: UInt64) throws -> [Int: Ended] {
        let reader = try StoreReader.open(directory: data)
        let sweep = try #require(try reader.sweeps().first)
        var result: [Int: Ended] = [:]
        for row in try reader.trials(of: sweep.id) where row.state == .completed {
            result[row.id.number] = Ended(value: row.value, attempts: row.attempts, at: row.endedAt)
            let completed = try reader.attempts(of: row.id).filter { $0.outcome == "completed" }.count
            #expect(completed == 1, "seed \(seed): trial \(row.id.number) was completed \(completed) times")
        }
        for (number, ended) in earlier {
            #expect(result[number] == ended, "seed \(seed): the end of trial \(number) was lost or changed")
        }
        return result
    }

    /// The examples' interpreter starts faster than one that a version switcher wraps.
    private func environment(_ folder: TemporaryFolder, seconds: Double) -> [String: String] {
        var result = ["ORACLE": folder.path + "/oracle", "BRANIN_SECONDS": "\(seconds)"]
        let venv = Program.root + "/.venv"
        if FileManager.default.fileExists(atPath: venv + "/bin/python") { result["VIRTUAL_ENV"] = venv }
        return result
    }

    /// Every report the worker was told is durable is there, once.
    private func expectOracle(_ path: String, _ reader: StoreReader, _ rows: [TrialRow], seed: UInt64) throws {
        let lines = read(path).split(separator: "\n")
        var stored: [String: Int] = [:]
        for row in rows {
            for report in try reader.reports(of: row.id) {
                stored["\(report.fence) \(report.step)", default: 0] += 1
            }
        }
        #expect(lines.count >= rows.count * 3)
        for line in lines { #expect(stored[String(line)] == 1, "seed \(seed): acknowledged report \(line)") }
        #expect(stored.values.allSatisfy { $0 == 1 }, "seed \(seed): a report is there twice")
    }

    private func expectSameConfigurations(_ rows: [TrialRow], trials: Int) throws {
        let folder = try TemporaryFolder()
        let file = try folder.write(Self.sweep(trials: trials), to: "sweep.yaml")
        let data = folder.path + "/data"
        let run = try Program.run(
            ["run", file, "--data", data, "--workers", "2", "--plain"],
            environment: environment(folder, seconds: 0), seconds: 300)
        #expect(run.status == 0, "\(run.output)\n\(run.error)")
        let reader = try StoreReader.open(directory: data)
        let sweep = try #require(try reader.sweeps().first)
        let unkilled = try reader.trials(of: sweep.id)
        #expect(unkilled.count == rows.count)
        #expect(Set(unkilled.map(\.configuration)).count == rows.count)
        for (one, other) in zip(unkilled, rows) {
            #expect(one.configuration == other.configuration, "trial \(one.id.number)")
        }
    }

    private func read(_ path: String) -> String {
        String(decoding: FileManager.default.contents(atPath: path) ?? Data(), as: UTF8.self)
    }
}
