// SPDX-License-Identifier: MIT

import Coordinator
import Foundation
import Logging
import SweepModel
import WorkerAgent

/// How many local slots a run gets, and what its agent is told.
struct WorkerOptions {
    let requested: Int?
    let gpus: GPUSelection
    let token: String
    let processGuard: ProcessGuard
    let logger: Logger

    /// The command line's number, else the file's, else GPUs if there are any, else cores / 2, at least 1.
    ///
    /// - Parameter definition: nil where the worker serves many.
    func slots(_ definition: SweepDefinition?) -> Int {
        if let requested { return requested }
        if let workers = definition?.workers { return workers }
        return Self.slots(cards: gpus.resolved().count)
    }

    /// As many as the cards are enough for; without cards, half the cores.
    static func slots(cards: Int, perSlot: Int = 1) -> Int {
        max(1, cards > 0 ? cards / perSlot : ProcessInfo.processInfo.activeProcessorCount / 2)
    }

    func agentOptions(
        _ definition: SweepDefinition?, data: DataDirectory, runtime: RuntimeDirectory
    ) -> WorkerAgentOptions {
        // Leases ahead are asked for as many as the slots: the engine grants them only while trials are short.
        WorkerAgentOptions(
            endpoint: runtime.workerEndpoint, slots: slots(definition), gpus: gpus, prefetch: slots(definition),
            agentName: Version.text, scratchDirectory: "\(runtime.path)/a", token: token,
            pythonClientPath: Installation.pythonClient, reportExecutable: Installation.executable,
            processGuard: processGuard, logger: logger)
    }
}

/// Where this program and what belongs to it lie.
enum Installation {
    static var executable: String {
        (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")) ?? CommandLine.arguments[0]
    }

    /// The bundled Python client: beside an installed sweepd in `share/sweepd/python`, or in the source tree that the
    /// build directory belongs to.
    static var pythonClient: String? {
        if let path = ProcessInfo.processInfo.environment["SWEEPD_PYTHON_CLIENT"] { return path }
        var folder = URL(fileURLWithPath: executable).deletingLastPathComponent()
        let installed = folder.deletingLastPathComponent().appendingPathComponent("share/sweepd/python").path
        if FileManager.default.fileExists(atPath: installed + "/sweepd") { return installed }
        for _ in 0..<6 {
            let source = folder.appendingPathComponent("Workers/Python/src").path
            if FileManager.default.fileExists(atPath: source + "/sweepd") { return source }
            folder.deleteLastPathComponent()
        }
        return nil
    }

    /// The command as the user called it, for hints to paste.
    static var called: String {
        let name = CommandLine.arguments.first ?? "sweepd"
        return name.contains(" ") ? "'\(name)'" : name
    }
}
