// SPDX-License-Identifier: MIT

import Foundation
import Keys
import WorkerAgent

/// Hands a job to Slurm.
struct SlurmSubmission {
    /// What sbatch called the job.
    struct Receipt: Hashable, Sendable {
        let job: String
        /// Where several clusters are served from one place.
        let cluster: String?

        /// The line that ends all of it.
        var cancelCommand: String { "scancel \(cluster.map { "--clusters=\($0) " } ?? "")\(job)" }
    }

    private let environment: [String: String]

    init(environment: [String: String] = ProcessInfo.processInfo.environment) {
        self.environment = environment
    }

    /// Checks the files that the job names, makes its folder of logs (without which Slurm would lose the output and the
    /// job) and submits it.
    func submit(_ job: SlurmJob) throws -> Receipt {
        let script = try job.script()
        try checkInvitation(job.joinFile)
        guard FileManager.default.isExecutableFile(atPath: job.executable) else {
            throw SlurmOption.executable.refuses(job.executable, "is no program")
        }
        guard let sbatch = Interpreter.find("sbatch", environment: environment) else {
            throw UserError("there is no sbatch on PATH: run this where jobs are submitted, on a login node")
        }
        do {
            try FileManager.default.createDirectory(atPath: job.logFolder, withIntermediateDirectories: true)
        } catch {
            throw SlurmOption.logFolder.refuses(job.logFolder, "cannot be made: \(error.localizedDescription)")
        }
        return try submit(script, of: job, to: sbatch)
    }

    /// Only its owner may read it, since whoever reads it may join.
    private func checkInvitation(_ path: String) throws {
        var status = stat()
        guard lstat(path, &status) == 0, status.st_mode & S_IFMT == S_IFREG else {
            throw SlurmOption.joinFile.refuses(path, "is no file: put what `sweepd invite` prints into it")
        }
        guard status.st_uid == geteuid(), status.st_mode & 0o077 == 0 else {
            throw SlurmOption.joinFile.refuses(
                path, "can be read by others: chmod 600 \(ShellWord.quoted(path)), and make a new invitation")
        }
    }

    private func submit(_ script: String, of job: SlurmJob, to sbatch: String) throws -> Receipt {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: sbatch)
        process.arguments = ["--parsable"]
        process.environment = Self.environment(environment, for: job)
        // Files and not pipes: a pipe that sbatch does not read, or that nobody empties, stops both sides.
        let (input, output, errors) = (try scratchFile(), try scratchFile(), try scratchFile())
        try input.write(contentsOf: Data(script.utf8))
        try input.seek(toOffset: 0)
        (process.standardInput, process.standardOutput, process.standardError) = (input, output, errors)
        do { try process.run() } catch {
            throw UserError("\(sbatch) does not run: \(error.localizedDescription)")
        }
        let watchdog = DispatchWorkItem { process.terminate() }
        DispatchQueue.global().asyncAfter(deadline: .now() + 120, execute: watchdog)
        process.waitUntilExit()
        watchdog.cancel()
        let (answer, complaint) = (try text(of: output), try text(of: errors))
        guard process.terminationReason == .exit, process.terminationStatus == 0 else {
            throw UserError("sbatch refused the job: \(Self.complaint(complaint, status: process.terminationStatus))")
        }
        guard let receipt = Self.receipt(answer) else {
            throw UserError(
                "sbatch answered '\(Format.printable(String(answer.prefix(200))))' and no job number: look with squeue whether it took the job",
                status: .internalError)
        }
        return receipt
    }

    /// Slurm keeps a job's environment, so what is meant for this process only stays here; and sbatch prefers its
    /// variables to the script, so those that speak of what the script says are left out.
    static func environment(_ environment: [String: String], for job: SlurmJob) -> [String: String] {
        var spoken = [
            "ARRAY_INX", "SIGNAL", "OPEN_MODE", "REQUEUE", "NO_REQUEUE", "OUTPUT", "ERROR", "INPUT", "JOB_NAME", "WAIT",
        ]
        if job.partition != nil { spoken.append("PARTITION") }
        if job.timeLimit != nil { spoken.append("TIMELIMIT") }
        if job.gpus != nil { spoken += ["GPUS", "GPUS_PER_TASK", "GPUS_PER_NODE"] }
        if job.memory != nil { spoken += ["MEM_PER_NODE", "MEM_PER_CPU", "MEM_PER_GPU"] }
        let dropped = Set(spoken.map { "SBATCH_\($0)" })
        return environment.filter { name, value in
            !dropped.contains(name) && !value.contains(JoinToken.prefix)
                && (!name.hasPrefix("SWEEPD_") || name == "SWEEPD_PYTHON_CLIENT")
        }
    }

    /// Of `1234` or `1234;cluster`, on the last line: a site's own scripts may print before it.
    static func receipt(_ answer: String) -> Receipt? {
        guard let line = answer.split(whereSeparator: \.isNewline).last else { return nil }
        let parts = line.split(separator: ";", omittingEmptySubsequences: false)
        guard (1...2).contains(parts.count), (1...18).contains(parts[0].utf8.count),
            parts[0].utf8.allSatisfy({ (0x30...0x39).contains($0) }),
            parts.count == 1 || SlurmText.isName(String(parts[1]))
        else { return nil }
        return Receipt(job: String(parts[0]), cluster: parts.count == 2 ? String(parts[1]) : nil)
    }

    /// What it said, without its name before each line.
    static func complaint(_ text: String, status: Int32) -> String {
        let lines = text.split(whereSeparator: \.isNewline).map { line in
            var rest = line
            for prefix in ["sbatch: ", "error: ", "fatal: "] where rest.hasPrefix(prefix) {
                rest = rest.dropFirst(prefix.count)
            }
            return Format.printable(String(rest.prefix(300)))
        }
        return lines.isEmpty ? "it says nothing, with exit code \(status)" : lines.suffix(5).joined(separator: "; ")
    }

    /// Nameless, so that nothing is left behind.
    private func scratchFile() throws -> FileHandle {
        var template = Array((FileManager.default.temporaryDirectory.path + "/sweepd-sbatch.XXXXXX").utf8CString)
        let descriptor = mkstemp(&template)
        guard descriptor >= 0 else {
            throw UserError(
                "no temporary file in \(FileManager.default.temporaryDirectory.path): \(String(cString: strerror(errno)))",
                status: .internalError)
        }
        unlink(&template)
        _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC)
        return FileHandle(fileDescriptor: descriptor, closeOnDealloc: true)
    }

    private func text(of file: FileHandle) throws -> String {
        try file.seek(toOffset: 0)
        return String(decoding: try file.readToEnd() ?? Data(), as: UTF8.self)
    }
}
