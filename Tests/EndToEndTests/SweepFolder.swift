// SPDX-License-Identifier: MIT

import Foundation
import Testing

/// A folder with a sweep file and a script, and the program used in it. Everything started here dies with it.
final class SweepFolder {
    let folder: TemporaryFolder
    private var started: [Process] = []

    var path: String { folder.path }
    var data: String { folder.path + "/.sweepd" }

    init(_ yaml: String? = nil, script: String? = nil) throws {
        folder = try TemporaryFolder()
        if let yaml { try write(yaml, to: "sweep.yaml") }
        if let script { try write(script, to: "train.sh") }
    }

    deinit {
        for process in started where process.isRunning {
            kill(process.processIdentifier, SIGKILL)
            process.waitUntilExit()
        }
    }

    /// A sweep of one parameter that runs `sh train.sh`.
    static func yaml(
        name: String = "s", method: String = "random", trials: Int? = 4, metric: String = "{name: loss}",
        parameters: String = "x: {min: 1.0, max: 2.0}", command: String = "[sh, train.sh, \"${args}\"]",
        more: String = ""
    ) -> String {
        """
        name: \(name)
        method: \(method)
        metric: \(metric)
        seed: 7
        grace: 1s
        \(trials.map { "trials: \($0)" } ?? "")
        parameters:
          \(parameters)
        command: \(command)
        \(more)
        """
    }

    func write(_ text: String, to name: String) throws { _ = try folder.write(text, to: name) }

    func text(_ name: String) -> String {
        String(decoding: FileManager.default.contents(atPath: path + "/" + name) ?? Data(), as: UTF8.self)
    }

    /// Runs to the end.
    @discardableResult
    func run(
        _ arguments: String..., environment: [String: String] = [:], seconds: Double = 60,
        sourceLocation: SourceLocation = #_sourceLocation
    ) throws -> Program.Result {
        try Program.run(
            arguments, in: path, environment: environment, seconds: seconds, sourceLocation: sourceLocation)
    }

    /// Runs in the background; what it prints is `text("out")`.
    func start(_ arguments: String..., environment: [String: String] = [:], output: String = "out") throws -> Process {
        let process = try Program.start(arguments, in: path, environment: environment, output: path + "/" + output)
        started.append(process)
        return process
    }

    /// What the command prints with --json.
    func json(_ arguments: String..., sourceLocation: SourceLocation = #_sourceLocation) throws -> [String: Any] {
        let result = try Program.run(arguments + ["--json"], in: path, sourceLocation: sourceLocation)
        let value = try? JSONSerialization.jsonObject(with: Data(result.output.utf8))
        return try #require(
            value as? [String: Any], "\(arguments): \(result.output)\n\(result.error)", sourceLocation: sourceLocation)
    }

    /// The sweep's trials, as `export` has them, in the order of their numbers.
    func trials(of sweep: String = "s", sourceLocation: SourceLocation = #_sourceLocation) throws -> [[String: Any]] {
        try exported(sweep, sourceLocation: sourceLocation).filter { $0["type"] as? String == "trial" }
    }

    func reports(of sweep: String = "s") throws -> [[String: Any]] {
        try exported(sweep).filter { $0["type"] as? String == "report" }
    }

    func exported(_ sweep: String, sourceLocation: SourceLocation = #_sourceLocation) throws -> [[String: Any]] {
        let result = try Program.run(
            ["export", sweep, "--data", data, "--format", "jsonl", "--reports"], in: path,
            sourceLocation: sourceLocation)
        #expect(result.status == 0, "\(result.error)", sourceLocation: sourceLocation)
        return try result.output.split(separator: "\n").map { line in
            let value = try JSONSerialization.jsonObject(with: Data(line.utf8))
            return try #require(value as? [String: Any], sourceLocation: sourceLocation)
        }
    }

    func states(of sweep: String = "s") throws -> [String] {
        try trials(of: sweep).map { $0["state"] as? String ?? "none" }
    }

    func expectSound(sourceLocation: SourceLocation = #_sourceLocation) throws {
        let result = try run("verify", "--data", data)
        #expect(result.status == 0, "\(result.output)\n\(result.error)", sourceLocation: sourceLocation)
    }
}

/// Waits, looking every 10 ms.
@discardableResult
func wait(seconds: Double = 20, until condition: () -> Bool) -> Bool {
    let deadline = Date().addingTimeInterval(seconds)
    while Date() < deadline {
        if condition() { return true }
        Thread.sleep(forTimeInterval: 0.01)
    }
    return condition()
}

extension Process {
    /// Waits for its end, killing it when the time is up; the exit code, or nil when a signal ended it.
    func end(within seconds: Double = 30, sourceLocation: SourceLocation = #_sourceLocation) -> Int32? {
        let hasEnded = wait(seconds: seconds) { !isRunning }
        #expect(hasEnded, "it still runs after \(seconds) s", sourceLocation: sourceLocation)
        if !hasEnded { kill(processIdentifier, SIGKILL) }
        waitUntilExit()
        return terminationReason == .exit ? terminationStatus : nil
    }

    func signal(_ number: Int32) { kill(processIdentifier, number) }
}

/// Whether a process does anything yet: one that nobody reaped has ended.
func isAlive(_ process: Int32) -> Bool {
    let status = FileManager.default.contents(atPath: "/proc/\(process)/stat") ?? Data()
    let text = String(decoding: status, as: UTF8.self)
    guard let name = text.lastIndex(of: ")") else { return false }
    let state = text[name...].dropFirst(2).first
    return state != nil && state != "Z" && state != "X"
}
