// SPDX-License-Identifier: MIT

import ArgumentParser
import Foundation
import WorkerProtocol

/// The options of `sweepd worker --slurm`.
struct SlurmArguments: ParsableArguments {
    @Flag(
        name: .customLong("slurm"),
        help: "Print a batch script whose array tasks attach here; with --submit hand it in.")
    var isWanted = false
    @Flag(help: "Hand the job to sbatch instead of printing it.") var submit = false
    @Option(name: .customLong("array"), help: "Workers: tasks of the array job.") var tasks = 1
    @Option(name: .customLong("at-once"), help: "How many of them at once.") var atOnce: Int?
    @Option(help: "Slurm's partition.") var partition: String?
    @Option(name: .customLong("time"), help: "Slurm's time limit, such as 4:00:00.") var timeLimit: String?
    @Option(help: "CPUs for each worker.") var cpus: Int?
    @Option(name: .customLong("job-gpus"), help: "GPUs for each worker, such as 2 or a100:2.") var gpus: String?
    @Option(help: "Memory for each worker, such as 16G.") var memory: String?
    @Option(name: .customLong("hand-back"), help: "Seconds before the time limit at which trials are handed back.")
    var handBack = 120
    @Option(
        help: ArgumentHelp(
            "Any other option of sbatch, such as --account=physics; may be repeated.", valueName: "option"))
    var sbatch: [String] = []
    @Option(name: .customLong("job-name"), help: "The job's name.") var jobName = "sweepd"
    @Option(
        name: .customLong("logs"), help: ArgumentHelp("Where the tasks' logs go (default: here).", valueName: "dir"))
    var logFolder: String?

    func run(join: String, work: WorkerCommandOptions) throws {
        let job = try job(join: join, work: work)
        guard submit else { return Terminal.write(try job.script()) }
        let receipt = try SlurmSubmission().submit(job)
        Terminal.line("submitted job \(receipt.job); all of it is ended by:  \(receipt.cancelCommand)")
    }

    private func job(join: String, work: WorkerCommandOptions) throws -> SlurmJob {
        func absolute(_ path: String) -> String { URL(fileURLWithPath: path).standardizedFileURL.path }
        var job = SlurmJob(
            logFolder: absolute(logFolder ?? "."), executable: Installation.executable, joinFile: absolute(join))
        job.tasks = tasks
        job.atOnce = atOnce
        job.partition = partition
        job.timeLimit = timeLimit
        job.cpus = cpus
        job.gpus = gpus
        job.memory = memory
        job.handBack = handBack
        job.extra = sbatch
        job.name = jobName
        job.slots = work.slots
        job.gpusPerSlot = work.gpusPerSlot
        job.workerArguments = try Self.words(work, absolute)
        return job
    }

    static func words(_ work: WorkerCommandOptions, _ absolute: (String) -> String) throws -> [String] {
        // Only what differs from what the worker would do anyway.
        let standard = try WorkerCommandOptions.parse([])
        var words: [String] = []
        for label in work.label { words += ["--label", label] }
        if let tasks = work.tasks { words += ["--tasks", absolute(tasks)] }
        if work.allowsCommands { words.append("--allow-command") }
        for place in work.checkpoints {
            // A URI is the same from everywhere.
            words += ["--checkpoints", CheckpointLocation(place) == nil ? absolute(place) : place]
        }
        if let files = work.files { words += ["--files", absolute(files)] }
        if let keepFiles = work.keepFiles { words += ["--keep-files", keepFiles] }
        if work.gpus != standard.gpus { words += ["--gpus", work.gpus] }
        if work.gpusPerSlot != standard.gpusPerSlot { words += ["--gpus-per-slot", String(work.gpusPerSlot)] }
        if work.offline != standard.offline { words += ["--offline", work.offline] }
        if work.idle != standard.idle { words += ["--idle", work.idle] }
        return words
    }
}
