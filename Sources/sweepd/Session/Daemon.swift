// SPDX-License-Identifier: MIT

import Coordinator
import Foundation
import Logging
import SweepEngine
import SweepModel
import SweepStore
import WorkerAgent
import ZeroMQ

/// The long-lived coordinator with this machine's worker, until a signal ends it.
struct Daemon {
    let data: DataDirectory
    let listening: Listening?
    /// nil: the engine's own.
    let leaseLifetime: Duration?
    /// Of operators of other machines, on this one.
    let allowsCommands: Bool
    let allowsUnsafeFileSystem: Bool
    let worker: WorkerArguments
    let processGuard: ProcessGuard

    /// Trials of this machine get so long for a last checkpoint before the daemon goes.
    private static let farewell: Duration = .seconds(60)

    func run() throws {
        do { try serve() } catch { throw ErrorText.ofDaemon(error) }
    }

    private func serve() throws {
        try OpenFiles.raiseLimit()
        let ended = DispatchSemaphore(value: 0)
        let interrupts = Interrupts { ended.signal() }
        let logger = Logger(label: "sweepd") { LineLog.standardError(label: $0) }
        var options = CoordinatorOptions(version: Version.text, logger: logger)
        options.allowsUnsafeFileSystem = allowsUnsafeFileSystem
        options.servesAll = true
        options.listening = listening
        options.allowsCommandsFromElsewhere = allowsCommands
        if let leaseLifetime { options.timers = EngineTimers(leaseLifetime: leaseLifetime) }
        #if DEBUG
        options.timers = try options.timers.accelerated()
        #endif
        let context = try Context()
        let coordinator = try Coordinator(
            data: data, context: context, options: options, observer: DaemonLog(logger: logger))
        let sweeps = try coordinator.start()
        defer { coordinator.shutdown() }
        let agent = try startAgent(coordinator, context, logger)
        tell(sweeps, agent, logger)
        ServiceManager.notify("READY=1\nSTATUS=\(sweeps.count { $0.isUnfinished }) sweeps")
        while interrupts.number == 0, coordinator.failure == nil {
            _ = ended.wait(timeout: .now() + .seconds(1))
            if let agent, agent.hasEnded {
                throw UserError("the local worker ended unexpectedly", status: .internalError)
            }
        }
        ServiceManager.notify("STOPPING=1")
        if let failure = coordinator.failure { throw failure }
        logger.info("ending: everything acknowledged is on disk, workers elsewhere go on")
        agent?.requestStop()
        _ = agent?.join(within: Self.farewell)
    }

    private func startAgent(_ coordinator: Coordinator, _ context: Context, _ logger: Logger) throws -> WorkerAgent? {
        let gpus = try GPUSelection(worker.gpus)
        let workers = WorkerOptions(
            requested: worker.workers, gpus: gpus, token: try AgentToken.renew(data), processGuard: processGuard,
            logger: logger)
        guard workers.slots(nil) > 0 else { return nil }
        let agent = try WorkerAgent(
            options: workers.agentOptions(nil, data: data, runtime: coordinator.runtime), context: context)
        try agent.start()
        return agent
    }

    private func tell(_ sweeps: [SweepSummary], _ agent: WorkerAgent?, _ logger: Logger) {
        let unfinished = sweeps.count { $0.isUnfinished }
        logger.info("serving \(data.path): \(Format.plural(unfinished, "unfinished sweep"))")
        if let listening {
            let places = listening.endpoints.map(\.description).joined(separator: ", ")
            logger.info("listening at \(places), tested to refuse strangers; attach a worker with: \(invitation)")
        }
        logger.info("hand it a sweep with: \(Installation.called) launch sweep.yaml\(option)")
    }

    private var option: String {
        data.path == DataDirectory(DaemonOptions.defaultDirectory()).path
            ? "" : " --data \(ShellWord.quoted(data.path))"
    }
    private var invitation: String { "\(Installation.called) invite\(option)" }
}

/// What a daemon writes for its owner to read: the beginnings and ends that matter, one line each.
private struct DaemonLog: CoordinatorObserver {
    let logger: Logger

    func committed(_ entries: [JournalEntry], engine: borrowing Engine) {
        for entry in entries {
            switch entry.event {
            case .sweepCreated(let sweep, let definition, _):
                logger.info("sweep \(sweep) '\(Format.printable(definition.name))' begins")
            case .sweepFinished(let sweep, let reason): logger.info("sweep \(sweep) is over: \(reason.rawValue)")
            case .sweepPaused(let sweep, .failures(let message, _)):
                logger.warning("sweep \(sweep) is paused, its first trials failed: \(Format.printable(message))")
            case .sweepPaused(let sweep, .user): logger.info("sweep \(sweep) is paused")
            case .workerJoined(let worker, let facts):
                logger.info(
                    "worker \(worker) on \(Format.printable(facts.host)) with \(Format.plural(facts.slots, "slot"))")
            case .workerLeft(let worker, let reason): logger.info("worker \(worker) left: \(Format.printable(reason))")
            case .released(let fence, let reason, _) where reason == .lost || reason == .forgotten:
                logger.warning("attempt \(fence) lost its worker; its trial runs again")
            case .released(let fence, .unstarted, _):
                logger.warning("attempt \(fence) did not begin in time; its trial runs again")
            case .readopted(let fence): logger.info("the worker of attempt \(fence) is back and goes on with it")
            case .coordinatorStarted, .sweepRedefined, .sweepUnpaused, .spaceExhausted, .proposed, .leased, .accepted,
                .observed, .stopRequested, .judged, .ended, .released, .trialCancelled, .asked, .told, .trialRetried,
                .promoted, .retired, .checkpointDiscarded:
                break
            }
        }
    }

    func storeIsFull(_ isFull: Bool) {
        logger.warning(
            isFull
                ? "the disk is full: nothing is acknowledged until there is space; workers keep their reports"
                : "there is space again")
    }
}
