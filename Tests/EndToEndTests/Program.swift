// SPDX-License-Identifier: MIT

import Foundation
import Testing

/// The built `sweepd`, run as a user would.
struct Program {
    struct Result {
        let status: Int32
        let output: String
        let error: String
    }

    /// Beside the test bundle: the debug build, whose engine checks its invariants after each step.
    static var path: String {
        let link = try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")
        let bundle = CommandLine.arguments.first { $0.hasSuffix(".xctest") } ?? link ?? ""
        for start in [bundle, link ?? ""] {
            var folder = URL(fileURLWithPath: start).deletingLastPathComponent()
            for _ in 0..<4 {
                let candidate = folder.appendingPathComponent("sweepd").path
                var isDirectory: ObjCBool = false
                if FileManager.default.fileExists(atPath: candidate, isDirectory: &isDirectory), !isDirectory.boolValue
                {
                    return candidate
                }
                folder.deleteLastPathComponent()
            }
        }
        return "sweepd"
    }

    static var root: String {
        URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent().path
    }

    static func start(
        _ arguments: [String], in directory: String? = nil, environment: [String: String] = [:],
        output: String? = nil
    ) throws -> Process {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: path)
        process.arguments = arguments
        process.environment = ProcessInfo.processInfo.environment.merging(environment) { _, new in new }
        if let directory { process.currentDirectoryURL = URL(fileURLWithPath: directory) }
        process.standardInput = FileHandle.nullDevice
        if let output {
            _ = FileManager.default.createFile(atPath: output, contents: nil)
            let handle = try FileHandle(forWritingTo: URL(fileURLWithPath: output))
            process.standardOutput = handle
            process.standardError = handle
        }
        try process.run()
        return process
    }

    /// Runs to the end; fails the test when it takes longer than `seconds`.
    static func run(
        _ arguments: [String], in directory: String? = nil, environment: [String: String] = [:],
        input: String? = nil, seconds: Double = 60, sourceLocation: SourceLocation = #_sourceLocation
    ) throws -> Result {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: path)
        process.arguments = arguments
        process.environment = ProcessInfo.processInfo.environment.merging(environment) { _, new in new }
        if let directory { process.currentDirectoryURL = URL(fileURLWithPath: directory) }
        process.standardInput = input.flatMap { FileHandle(forReadingAtPath: $0) } ?? FileHandle.nullDevice
        let folder = try TemporaryFolder()
        let files = ["out", "err"].map { folder.path + "/" + $0 }
        for (index, file) in files.enumerated() {
            _ = FileManager.default.createFile(atPath: file, contents: nil)
            let handle = try FileHandle(forWritingTo: URL(fileURLWithPath: file))
            if index == 0 { process.standardOutput = handle } else { process.standardError = handle }
        }
        try process.run()
        let deadline = Date().addingTimeInterval(seconds)
        while process.isRunning, Date() < deadline { Thread.sleep(forTimeInterval: 0.01) }
        if process.isRunning {
            kill(process.processIdentifier, SIGKILL)
            Issue.record("\(arguments) took longer than \(seconds) s", sourceLocation: sourceLocation)
        }
        process.waitUntilExit()
        let texts = files.map { String(decoding: FileManager.default.contents(atPath: $0) ?? Data(), as: UTF8.self) }
        return Result(status: process.terminationStatus, output: texts[0], error: texts[1])
    }
}

/// A folder that goes when its owner does.
final class TemporaryFolder {
    let path: String

    init() throws {
        var generator = SystemRandomNumberGenerator()
        let name = "sweepd-test-" + String(generator.next() as UInt64, radix: 36)
        path = URL(fileURLWithPath: NSTemporaryDirectory()).appendingPathComponent(name).path
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }

    func write(_ text: String, to name: String) throws -> String {
        let file = path + "/" + name
        try text.write(toFile: file, atomically: true, encoding: .utf8)
        return file
    }
}

/// Trial scripts that are alive: processes whose environment names the data directory.
enum TrialProcesses {
    static func alive(data: String) -> [Int32] {
        let entries = (try? FileManager.default.contentsOfDirectory(atPath: "/proc")) ?? []
        return entries.compactMap { Int32($0) }.filter { process in
            guard let environment = FileManager.default.contents(atPath: "/proc/\(process)/environ") else {
                return false
            }
            let text = String(decoding: environment, as: UTF8.self)
            return text.contains("SWEEPD_FENCE=") && text.contains(data)
        }
    }
}
