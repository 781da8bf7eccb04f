// SPDX-License-Identifier: MIT

import ArgumentParser
import Coordinator
import Foundation
import Keys
import SweepModel
import WorkerAgent
import WorkerProtocol

struct Worker: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Attach this machine to a daemon, here or elsewhere.",
        discussion: """
            With --join it takes an invitation (`sweepd invite` prints the line), makes a key pair of this machine's own \
            and keeps it in ~/.config/sweepd/worker.json; afterwards `sweepd worker` attaches again with it. It goes on \
            training when the network or the daemon is away, and hands over what happened when it is back.

            A daemon elsewhere can have nothing run here but the tasks that this machine declares (--tasks), unless \
            --allow-command is given: then it runs the commands of sweep files, as your user. Ctrl-C lets running \
            trials finish; a second one, or SIGTERM, hands them back with a last checkpoint.

            Examples:
              sweepd worker --join - <<< sweepd1.…            # as `sweepd invite` printed it
              sweepd worker --tasks tasks.yaml --label gpu=a100
              sweepd worker --allow-command --slots 4
              sweepd worker --data ~/.local/share/sweepd      # a daemon on this machine
              sweepd worker --slurm --array 8 --join token.txt --partition gpu --time 4:00:00
            """)

    @Option(help: ArgumentHelp("An invitation: - for standard input, or a file.", valueName: "file")) var join: String?
    @Option(help: ArgumentHelp("This machine's key (default: ~/.config/sweepd/worker.json).", valueName: "file"))
    var connection: String?
    @Flag(help: "Keep no key: for jobs that join anew each time.") var once = false
    @Option(
        name: .customLong("data"),
        help: ArgumentHelp("The data directory of a daemon on this machine, instead of a network.", valueName: "dir"))
    var directory: String?

    @OptionGroup var work: WorkerCommandOptions
    @OptionGroup var slurm: SlurmArguments

    func validate() throws {
        if join != nil, directory != nil {
            throw ValidationError("--join is for a daemon elsewhere, --data for one here")
        }
        if once, join == nil { throw ValidationError("--once needs --join") }
    }

    func run() throws {
        if slurm.isWanted {
            guard let join, join != "-" else {
                throw UserError(
                    "--slurm needs --join FILE: an invitation in a file of mode 0600 on a file system that the nodes share, as "
                        + "from  sweepd invite --uses \(slurm.tasks) --ttl 1d --token > token.txt")
            }
            return try slurm.run(join: join, work: work)
        }
        // Before any thread: the guard is a fork that ends our children when we are killed.
        let processGuard = try ProcessGuard.start()
        // What it declares is read first: a mistake there must not use up the invitation.
        let attached = try AttachedWorker(work: work, processGuard: processGuard)
        if let directory {
            try attached.run(at: try local(directory))
        } else {
            try attached.run(with: try admitted())
        }
    }

    private func local(_ directory: String) throws -> EndpointFile {
        let location = DataDirectory(directory)
        guard let endpoint = EndpointFile(reading: location.endpointFile) else {
            throw UserError("no daemon is running on \(location.path): start one with  \(Installation.called) serve")
        }
        return endpoint
    }

    private func admitted() throws -> ConnectionFile {
        let path = connection ?? ConnectionFile.defaultPath(of: .worker)
        if let join {
            let input = try TokenInput(join)
            return try input.join(as: .worker, keepingAt: once ? nil : path)
        }
        guard SecretFile(path).exists else {
            throw UserError(
                """
                this machine has no key yet (\(path)).
                On the daemon's machine run  sweepd invite  and paste the line it prints here; or name the data \
                directory of a daemon on this machine with --data.
                """)
        }
        return try ConnectionFile(reading: path, as: .worker)
    }
}

/// What a worker does with its leases, however it is attached.
struct WorkerCommandOptions: ParsableArguments {
    @Option(help: "Trials at once (default: one a GPU or group of GPUs, else cores / 2).") var slots: Int?
    @Option(help: "GPUs to hand out: auto, none, or indices like 0,1.") var gpus = "auto"
    @Option(name: .customLong("gpus-per-slot"), help: "How many GPUs each trial gets.") var gpusPerSlot = 1
    @Option(help: ArgumentHelp("A label that sweeps can require; may be repeated.", valueName: "label")) var label:
        [String] = []
    @Option(
        help: ArgumentHelp("The tasks that a daemon elsewhere may have run here.", valueName: "file"),
        completion: .file(extensions: ["yaml", "yml"]))
    var tasks: String?
    @Flag(
        name: .customLong("allow-command"),
        help: "Run the commands of sweep files too, whatever they are, as your user.")
    var allowsCommands = false
    @Option(
        help: ArgumentHelp(
            "A folder, or a URI such as s3://bucket/runs, below which sweeps may keep checkpoints that other machines "
                + "reach too; may be repeated.",
            valueName: "place"))
    var checkpoints: [String] = []
    @Option(
        help: ArgumentHelp("Where attempts' files go (default: ~/.local/share/sweepd/worker).", valueName: "dir"))
    var files: String?
    @Option(
        name: .customLong("keep-files"),
        help: ArgumentHelp(
            "Remove attempts' files, checkpoints too, that nothing has touched for so long (default: never).",
            valueName: "duration"))
    var keepFiles: String?
    @Flag(name: .customLong("leave-when-idle"), help: "End when there was nothing to do for a while.")
    var leavesWhenIdle = false
    @Option(help: ArgumentHelp("How long that while is.", valueName: "duration")) var idle = "1m"
    @Option(
        name: .customLong("offline"),
        help: ArgumentHelp(
            "Without a daemon for so long, trials are stopped with a checkpoint, and a worker that leaves goes.",
            valueName: "duration"))
    var offline = "30m"

    func validate() throws {
        if let slots, !(1...4096).contains(slots) {
            throw ValidationError("--slots must be from 1 to 4096, not \(slots)")
        }
        if !(1...64).contains(gpusPerSlot) {
            throw ValidationError("--gpus-per-slot must be from 1 to 64, not \(gpusPerSlot)")
        }
        for label in label where !Placement.isName(label) {
            throw ValidationError("--label '\(label)': 1 to 64 letters, digits and any of _ . = : -")
        }
        for place in checkpoints {
            guard case .uri? = CheckpointLocation(place), StoragePrefix(place) == nil else { continue }
            throw ValidationError(
                "--checkpoints '\(place)': expected a folder, or a URI such as s3://bucket/runs (no '..', '?' or '#')"
            )
        }
        if Quantity.duration(offline) == nil {
            throw ValidationError("--offline must be a duration such as 30m or 2h, not '\(offline)'")
        }
        if let keepFiles, Quantity.duration(keepFiles).map({ $0 < .seconds(3600) }) ?? true {
            throw ValidationError("--keep-files must be a duration of at least 1h, such as 14d, not '\(keepFiles)'")
        }
        if Quantity.duration(idle) == nil {
            throw ValidationError("--idle must be a duration such as 1m or 1h, not '\(idle)'")
        }
    }

    /// Those of the file, with folders made absolute.
    func declaredTasks() throws -> [TaskDeclaration] {
        guard let tasks else { return [] }
        let path = URL(fileURLWithPath: tasks).standardizedFileURL.path
        let bytes = try InputFile(path: path, shown: tasks, kind: "a file of tasks").bytes(limit: 1 << 20)
        guard let text = String(validating: bytes, as: UTF8.self) else { throw UserError("\(tasks): not UTF-8 text") }
        do {
            let folder = (path as NSString).deletingLastPathComponent
            return try TaskFile.parse(text, file: tasks).map { task in
                task.placed(
                    in: URL(fileURLWithPath: task.directory, relativeTo: URL(fileURLWithPath: folder + "/"))
                        .standardizedFileURL.path)
            }
        } catch {
            throw UserError("\(error)")
        }
    }
}
