// SPDX-License-Identifier: MIT

import Foundation

/// Which graphics cards the slots get: one slot each, never shared.
package enum GPUSelection: Hashable, Sendable {
    /// All there are.
    case automatic
    case none
    /// Indices, or UUIDs as `nvidia-smi -L` prints them.
    case cards([String])

    package struct Failure: Error, CustomStringConvertible {
        package let description: String
    }

    /// Reads `--gpus`.
    package init(_ text: String) throws(Failure) {
        switch text {
        case "auto": self = .automatic
        case "none", "": self = .none
        default:
            let cards = text.split(separator: ",", omittingEmptySubsequences: false).map {
                $0.trimmingCharacters(in: .whitespaces)
            }
            guard cards.allSatisfy({ Int($0).map { $0 >= 0 } ?? ($0.hasPrefix("GPU-") || $0.hasPrefix("MIG-")) }) else {
                throw Failure(description: "--gpus '\(text)': expected auto, none, or indices such as 0,1")
            }
            guard Set(cards).count == cards.count else {
                throw Failure(description: "--gpus '\(text)' names a card twice: two trials would share it")
            }
            self = .cards(cards)
        }
    }

    /// The cards, in the form `CUDA_VISIBLE_DEVICES` takes.
    package func resolved(environment: [String: String] = ProcessInfo.processInfo.environment) -> [String] {
        switch self {
        case .none: []
        case .cards(let cards): cards
        case .automatic: Self.present(environment: environment)
        }
    }

    private static func present(environment: [String: String]) -> [String] {
        // Someone (Slurm, a container) already says which of them are ours.
        if let visible = environment["CUDA_VISIBLE_DEVICES"] {
            return visible.split(separator: ",").map { $0.trimmingCharacters(in: .whitespaces) }.filter { $0 != "-1" }
        }
        let listed = Files.entries(of: "/proc/driver/nvidia/gpus").count
        if listed > 0 { return (0..<listed).map(String.init) }
        guard let tool = Interpreter.find("nvidia-smi", environment: environment) else { return [] }
        return (0..<count(listedBy: tool)).map(String.init)
    }

    private static func count(listedBy tool: String) -> Int {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: tool)
        process.arguments = ["-L"]
        process.standardError = FileHandle.nullDevice
        let output = Pipe()
        process.standardOutput = output
        do { try process.run() } catch { return 0 }
        // A driver in trouble makes nvidia-smi hang.
        let watchdog = DispatchWorkItem { process.terminate() }
        DispatchQueue.global().asyncAfter(deadline: .now() + 10, execute: watchdog)
        let text = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        process.waitUntilExit()
        watchdog.cancel()
        return text.split(separator: "\n").count { $0.hasPrefix("GPU ") }
    }
}
