// SPDX-License-Identifier: MIT

import Coordinator
import Foundation
import Logging
import SearchAlgorithms
import SweepEngine
import SweepModel
import SweepStore
import WorkerAgent
import ZeroMQ

/// A data directory opened for running: the lock is held, the journal replayed, the sockets bound.
struct Workspace {
    let coordinator: Coordinator
    let sweeps: [SweepSummary]
    private let follower: SweepFollower
    private let context: Context
    private let interrupts: Interrupts
    private let logger: Logger
    private let token: String
    private let processGuard: ProcessGuard

    /// Opens the directory, and closes it whatever becomes of `body`.
    ///
    /// - Parameter processGuard: forked before anything here started a thread.
    static func with<Result>(
        _ data: DataDirectory, allowsUnsafeFileSystem: Bool, processGuard: ProcessGuard,
        _ body: (Workspace) throws -> Result
    ) throws -> Result {
        let workspace = try open(
            data, allowsUnsafeFileSystem: allowsUnsafeFileSystem, processGuard: processGuard)
        let result: Result
        do {
            result = try body(workspace)
        } catch {
            workspace.coordinator.shutdown()
            throw error
        }
        workspace.coordinator.shutdown()
        if let failure = workspace.coordinator.failure, workspace.interrupts.number == 0 { throw failure }
        return result
    }

    private static func open(_ data: DataDirectory, allowsUnsafeFileSystem: Bool, processGuard: ProcessGuard) throws
        -> Workspace
    {
        let context = try Context()
        let follower = SweepFollower()
        let logger = Logger(label: "sweepd") { LineLog.file("\(data.path)/sweepd.log", label: $0) }
        var options = CoordinatorOptions(version: Version.text, logger: logger)
        options.allowsUnsafeFileSystem = allowsUnsafeFileSystem
        let interrupts = Interrupts { follower.changed.signal() }
        let coordinator = try Coordinator(data: data, context: context, options: options, observer: follower)
        let sweeps = try coordinator.start()
        let token: String
        do {
            token = try AgentToken.renew(data)
        } catch {
            coordinator.shutdown()
            throw error
        }
        return Workspace(
            coordinator: coordinator, sweeps: sweeps, follower: follower, context: context, interrupts: interrupts,
            logger: logger, token: token, processGuard: processGuard)
    }

    /// Makes a sweep of the definition.
    func launch(_ source: SweepSource, _ definition: SweepDefinition) throws -> SweepID {
        let entries = try coordinator.submit(
            [.launch(definition.withChoicesMade, directory: source.directory)], isAbandoned: { interrupts.number > 0 })
        guard case .sweepCreated(let sweep, _, _)? = entries.first?.event else { throw CoordinatorEnded() }
        return sweep
    }

    func sweep(named name: String) -> SweepSummary? {
        sweeps.last { $0.definition.name == name }
    }

    /// Runs the sweep to its end, or until the awaited trials are over.
    func run(
        _ sweep: SweepID, _ definition: SweepDefinition, verb: String, arguments: WorkerArguments, json: Bool,
        awaited: [Int] = []
    ) throws -> RunSession.Outcome {
        let session = RunSession(
            coordinator: coordinator, follower: follower, context: context, sweep: sweep, definition: definition,
            workers: WorkerOptions(
                requested: arguments.workers, gpus: try GPUSelection(arguments.gpus), token: token,
                processGuard: processGuard,
                logger: logger),
            interrupts: interrupts, awaited: awaited,
            earlier: try StoreReader.open(directory: coordinator.data.path).trialSeconds(of: sweep))
        let stream: Terminal.Stream = json ? .error : .output
        let isLive = Terminal.isInteractive(stream) && !arguments.plain
        var view: any SweepView = isLive ? LiveView(stream) : PlainView(stream)
        return try session.run(&view, verb: verb)
    }
}
