// SPDX-License-Identifier: MIT

import Coordinator
import Foundation
import Keys
import Logging
import SweepModel
import WorkerAgent
import ZeroMQ

/// A worker in a process of its own, until a signal ends it or it has nothing left to do.
struct AttachedWorker {
    let work: WorkerCommandOptions
    private let tasks: [TaskDeclaration]
    let processGuard: ProcessGuard
    private let logger = Logger(label: "worker") { LineLog.standardError(label: $0) }
    /// After trials have had their grace for a last checkpoint, the coordinator gets so long to take it: what is told
    /// to end by systemd (90 s) or before a time limit of Slurm (120 s) has little more.
    private static let farewell: Duration = .seconds(60)

    /// - Throws: `UserError` for a fault in what the machine declares.
    init(work: WorkerCommandOptions, processGuard: ProcessGuard) throws {
        self.work = work
        tasks = try work.declaredTasks()
        self.processGuard = processGuard
    }

    /// On this machine, for the same user: what the daemon's leases say is done.
    func run(at endpoint: EndpointFile) throws {
        var options = try options()
        options.endpoint = endpoint.workers
        options.policy = LeasePolicy(tasks: tasks)
        try run(options, to: "the daemon of this machine")
    }

    /// By its own key.
    func run(with connection: ConnectionFile) throws {
        var options = try options()
        options.connection = connection
        options.policy = LeasePolicy(
            tasks: tasks, allowsCommands: work.allowsCommands, isElsewhere: true,
            attemptsDirectory: try attemptsDirectory(connection),
            commandDirectory: FileManager.default.currentDirectoryPath, checkpointRoots: work.checkpoints)
        tellPermissions()
        let places = connection.endpoints.map(\.description).joined(separator: " or ")
        try run(options, to: "\(places) as '\(Format.printable(connection.name))'")
    }

    private func options() throws -> WorkerAgentOptions {
        let gpus = try GPUSelection(work.gpus)
        let slots = work.slots ?? WorkerOptions.slots(cards: gpus.resolved().count, perSlot: work.gpusPerSlot)
        var options = WorkerAgentOptions(
            endpoint: "", slots: slots, gpus: gpus,
            agentName: Version.text, scratchDirectory: try scratchDirectory(),
            pythonClientPath: Installation.pythonClient, reportExecutable: Installation.executable,
            processGuard: processGuard, logger: logger)
        options.gpusPerSlot = work.gpusPerSlot
        options.prefetch = options.slots
        options.labels = work.label
        options.offlineRun = Quantity.duration(work.offline) ?? options.offlineRun
        options.keepFiles = work.keepFiles.flatMap { Quantity.duration($0) }
        options.goodbye = Self.farewell
        options.wayOut = "another Ctrl-C ends this at once"
        options.idleLimit = work.leavesWhenIdle ? Quantity.duration(work.idle) : nil
        return options
    }

    private func run(_ options: WorkerAgentOptions, to place: String) throws {
        let ended = DispatchSemaphore(value: 0)
        let interrupts = Interrupts { ended.signal() }
        let agent = try WorkerAgent(options: options, context: try Context())
        try agent.start()
        logger.info("attached to \(place): \(Format.plural(options.slots, "slot"))")
        var seen = 0
        while !agent.hasEnded {
            _ = ended.wait(timeout: .now() + .milliseconds(200))
            guard interrupts.number > seen else { continue }
            seen = interrupts.number
            switch seen {
            case 1:
                logger.info("finishing what runs and starting nothing new; Ctrl-C again hands it back at once")
                agent.requestDrain()
            // Where nothing runs any more, a second Ctrl-C can only mean the wait.
            case 2 where interrupts.isTerminated || !agent.isWaiting:
                logger.info("handing back what runs, with a last checkpoint")
                agent.requestStop()
            default: agent.requestKill()
            }
        }
        agent.join(within: Self.farewell)
        rmdir((options.scratchDirectory as NSString).deletingLastPathComponent)
        if let refusal = agent.refusal { throw UserError(refusal) }
        // It has said what.
        if agent.loss != nil { throw ExitStatus.internalError }
    }

    private func tellPermissions() {
        if work.allowsCommands {
            logger.warning("--allow-command: whoever can launch a sweep there runs any command here as your user")
        } else if tasks.isEmpty {
            logger.warning(
                """
                this worker runs nothing yet: declare tasks with --tasks FILE, or allow every sweep's command with \
                --allow-command
                """)
        } else {
            logger.info("tasks: \(tasks.map(\.name).joined(separator: ", "))")
        }
    }

    /// One for each daemon: their numbers of sweeps and trials are the same.
    private func attemptsDirectory(_ connection: ConnectionFile) throws -> String {
        let base = work.files ?? DaemonOptions.defaultDirectory([:]) + "/worker"
        let path =
            URL(fileURLWithPath: base).standardizedFileURL.path + "/"
            + RuntimeDirectory.shortName(of: connection.server.text)
        try FileManager.default.createDirectory(
            atPath: path, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
        return path
    }

    /// Short, for sockets' sake; two workers of one machine have one each.
    private func scratchDirectory() throws -> String {
        let runtime = RuntimeDirectory(dataDirectory: "worker-\(getpid())")
        try runtime.create()
        return runtime.path + "/a"
    }
}
