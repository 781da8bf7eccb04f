// SPDX-License-Identifier: MIT

/// Workers as one array job of Slurm, a worker a task: what it asks the cluster for, and its batch script.
///
/// A pure value: `script()` checks every word that goes into the script and touches nothing; `SlurmSubmission` hands it
/// in. The script names the file of the invitation and never holds it: whoever may list jobs can read their scripts.
struct SlurmJob: Hashable, Sendable {
    /// Of the array, each with one worker.
    var tasks = 1
    /// How many of them at once; nil for as many as the cluster gives.
    var atOnce: Int?
    /// One, or several separated by commas; nil for the cluster's default.
    var partition: String?
    /// As Slurm writes times (`90` minutes, `2:30:00`, `1-12`); nil for the partition's default.
    var timeLimit: String?
    /// A task.
    var cpus: Int?
    /// A task: `2`, or `a100:2`.
    var gpus: String?
    /// A task: `16G`, `500M`, or mebibytes.
    var memory: String?
    /// How many seconds before its time limit a worker is told to hand back its trials.
    ///
    /// Slurm looks at time limits every 30 seconds and signals at the last look that is not too late, so up to a minute
    /// earlier than it was asked to.
    var handBack = 120
    /// Further options of sbatch, `--account=physics`, each to its own line.
    var extra: [String] = []
    var name = "sweepd"
    /// An absolute path; gets a file `JOB_TASK.log` for each task.
    var logFolder: String
    /// This program, where the nodes have it.
    var executable: String
    /// The absolute path of the invitation, on a file system that the nodes share.
    var joinFile: String
    /// Trials at once in each worker; nil for as many as the GPUs are enough for, or one.
    var slots: Int?
    var gpusPerSlot = 1
    /// Further words for `sweepd worker`.
    var workerArguments: [String] = []

    /// The batch script.
    ///
    /// The worker replaces the shell, so that it is the process Slurm signals before the time limit (`B:`) and its exit
    /// code is the task's. A task that ended is not run again; one whose node failed or was taken away is (`--requeue`),
    /// and goes on with the same log.
    func script() throws -> String {
        let wanted = try checked()
        let directives =
            wanted.directives + [
                "--signal=B:TERM@\(handBack)",
                "--requeue",
                "--open-mode=append",
                "--output=\(logFolder)/%A_%a.log",
            ] + extra
        return """
            #!/bin/bash
            \(directives.map { "#SBATCH \($0)" }.joined(separator: "\n"))

            program=\(ShellWord.quoted(executable))
            invitation=\(ShellWord.quoted(joinFile))
            if ! [ -x "$program" ] || ! [ -r "$invitation" ]; then
                echo "$(hostname): $program or $invitation is not there: both belong on a file system the nodes share" >&2
                exit 78
            fi
            exec "$program" \(WorkerWords.arguments(join: "\"$invitation\"", slots: wanted.slots, workerArguments))

            """
    }

    /// How `sweepd worker` is called in a job, and the one place that says so.
    private enum WorkerWords {
        static func arguments(join: String, slots: Int, _ further: [String]) -> String {
            (["worker", "--join", join, "--once", "--leave-when-idle", "--slots", "\(slots)"]
                + further.map(ShellWord.quoted))
                .joined(separator: " ")
        }
    }
}

/// The options of `sweepd worker --slurm`, as error messages call them: the one place of their names.
enum SlurmOption: String {
    case tasks = "--array"
    case atOnce = "--at-once"
    case partition = "--partition"
    case timeLimit = "--time"
    case cpus = "--cpus"
    case gpus = "--job-gpus"
    case memory = "--memory"
    case handBack = "--hand-back"
    case extra = "--sbatch"
    case name = "--job-name"
    case logFolder = "--logs"
    case joinFile = "--join"
    case slots = "--slots"
    case gpusPerSlot = "--gpus-per-slot"
    /// Not an option: this program's own path.
    case executable = "sweepd"
    /// Not an option: the words after `--`.
    case workerArguments = "--"

    func refuses(_ value: String, _ expected: String) -> UserError {
        UserError("\(rawValue): '\(Format.printable(value))' \(expected)")
    }
}
