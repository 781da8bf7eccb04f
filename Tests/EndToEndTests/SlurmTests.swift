// SPDX-License-Identifier: MIT

import Foundation
import Testing

/// Workers as an array job of a real Slurm, on this machine's loopback (Scripts/slurm/slurm_bed.py).
@Suite(.serialized, .enabled(if: SlurmBed.isInstalled, "apt-get install slurm-wlm munge brings a Slurm to test with"))
struct SlurmTests {
    static let isLong = ProcessInfo.processInfo.environment["SLURM_LONG"] == "1"

    @Test(.timeLimit(.minutes(2))) func anArrayRunsASweepAndACancelledTaskCostsNoTrial() throws {
        let bed = try SlurmBed(trials: 5)
        // Scripts that SIGTERM kills on the spot, before or after it has reached the worker.
        try bed.folder.write("", to: "plain")
        let job = try bed.submit("--time", "5")
        try #require(wait { bed.lines.count == 2 }, "\(bed.story)")
        let first = bed.lines
        #expect(Set(first.map(\.task)) == ["0", "1"] && Set(first.map(\.trial)) == ["0", "1"])
        try bed.expectNoSecret(job)

        let cancelled = try #require(first.first { $0.task == "0" })
        // So that there is something to go on from.
        try #require(wait { bed.hasCheckpoint(cancelled.trial) }, "\(bed.story)")
        #expect(bed.slurm("scancel", "\(job)_0").status == 0)
        try #require(bed.reaches("CANCELLED", job, task: "0"), "\(bed.story)")
        // The other task gets it as soon as it is free; what else it may hold by then ends at once.
        for trial in 0..<5 where String(trial) != cancelled.trial { try bed.folder.write("", to: "go-\(trial)") }
        let again = { bed.lines.first { $0.trial == cancelled.trial && $0.attempt == "2" } }
        try #require(wait { again() != nil }, "\(bed.story)")
        let continued = try #require(again())
        #expect(continued.task == "1")
        #expect(continued.start > 0, "it began anew")

        try bed.folder.write("", to: "go")
        #expect(bed.reaches("COMPLETED", job, task: "1"), "it does not leave: \(bed.story)")
        #expect(bed.field("ExitCode", job, task: "1") == "0:0")
        let trials = try bed.folder.trials()
        #expect(trials.count == 5)
        // `retries` is 0: one charge would have failed it.
        for trial in trials { #expect(trial["state"] as? String == "completed", "\(trial)") }
        try bed.folder.expectSound()
        #expect(TrialProcesses.alive(data: bed.folder.path).isEmpty)
    }

    @Test(.enabled(if: isLong, "minutes: set SLURM_LONG=1"), .timeLimit(.minutes(4)))
    func beforeTheTimeLimitTrialsAreHandedBackAndASecondJobGoesOnWithThem() throws {
        let bed = try SlurmBed(trials: 4)
        // Slurm's signal comes 30 to 90 s after the beginning.
        let job = try bed.submit("--time", "2", "--hand-back", "30")
        try #require(wait { bed.lines.count == 2 }, "\(bed.story)")
        let begun = Date()
        let haveEnded = ["0", "1"].allSatisfy { bed.reaches("COMPLETED", job, task: $0, within: 110) }
        try #require(haveEnded, "\(bed.story)")
        print("handed back after \(Int(Date().timeIntervalSince(begun))) s")
        for task in ["0", "1"] {
            #expect(bed.field("ExitCode", job, task: task) == "0:0")
            let log = bed.folder.text("logs/\(job)_\(task).log")
            #expect(log.contains("handing back what runs, with a last checkpoint"), "\(log)")
        }
        // Nothing is charged, nothing is over.
        for trial in try bed.folder.trials() { #expect(trial["state"] as? String != "failed", "\(trial)") }
        #expect(bed.lines.count == 2)

        let second = try bed.submit("--time", "5")
        try #require(wait { bed.lines.count == 4 }, "\(bed.story)")
        for line in bed.lines.dropFirst(2) {
            #expect(line.attempt == "2" && ["0", "1"].contains(line.trial))
            // The last checkpoint was made at the end: half a minute of steps of 0.1 s, less what starting took.
            #expect(line.start > 100, "trial \(line.trial) went on from step \(line.start)")
        }
        try bed.folder.write("", to: "go")
        let haveLeft = ["0", "1"].allSatisfy { bed.reaches("COMPLETED", second, task: $0, within: 60) }
        #expect(haveLeft, "\(bed.story)")
        let trials = try bed.folder.trials()
        #expect(trials.count == 4)
        for trial in trials { #expect(trial["state"] as? String == "completed", "\(trial)") }
        #expect(trials.prefix(2).allSatisfy { $0["attempts"] as? Int == 2 })
        try bed.folder.expectSound()
    }
}

/// A Slurm of our own, a daemon that listens, and a sweep whose trials last until the file `go` or `go-TRIAL` is there.
private final class SlurmBed {
    /// Where trial scripts began, a line each.
    struct Line {
        let trial, attempt, task: String
        /// The step that its checkpoint was of; 0 without one.
        let start: Int
    }

    private static let script = Program.root + "/Tests/EndToEndTests/Scripts/slurm/slurm_bed.py"

    static let isInstalled: Bool = {
        (try? Command.run("python3", [script, "check"]).status) == 0
    }()

    let folder: SweepFolder
    private let bed: TemporaryFolder
    private var environment: [String: String]
    private let daemon: Process

    init(trials: Int) throws {
        folder = try SweepFolder(
            """
            name: s
            method: random
            seed: 7
            trials: \(trials)
            metric: {name: loss}
            parameters: {x: {min: 0.0, max: 1.0}}
            task: train
            grace: 5s
            """)
        try folder.write(folder.text("sweep.yaml") + "\ncheckpoints: {path: \(folder.path)/shared}\n", to: "sweep.yaml")
        try folder.write("tasks:\n  train:\n    command: [python3, train.py]\n", to: "tasks.yaml")
        try folder.write(Self.training, to: "train.py")
        try FileManager.default.createDirectory(atPath: folder.path + "/shared", withIntermediateDirectories: true)
        // A folder of its own: Slurm's sockets bear no long paths, and the bed wants it empty.
        bed = try TemporaryFolder()
        let owner = String(ProcessInfo.processInfo.processIdentifier)
        let started = try Command.run("python3", [Self.script, "start", bed.path, "--owner", owner])
        let answer = try JSONSerialization.jsonObject(with: Data(started.output.utf8)) as? [String: Any]
        environment = try #require(answer?["env"] as? [String: String], "\(started)")
        environment["SWEEPD_DATA"] = folder.data
        environment["XDG_CONFIG_HOME"] = folder.path + "/config"
        let port = try #require(Self.freePort())
        daemon = try folder.start(
            "serve", "--listen", "tcp://127.0.0.1:\(port)", "--workers", "0", environment: environment,
            output: "serve.log")
        let endpoint = folder.data + "/endpoint.json"
        try #require(wait { FileManager.default.fileExists(atPath: endpoint) }, "\(folder.text("serve.log"))")
        let launched = try folder.run("launch", "sweep.yaml", environment: environment)
        try #require(launched.status == 0, "\(launched)")
        let invited = try folder.run(
            "invite", "--uses", "4", "--ttl", "1d", "--token", environment: environment)
        try #require(invited.status == 0, "\(invited)")
        try folder.write(invited.output, to: "token")
        chmod(folder.path + "/token", 0o600)
    }

    deinit {
        _ = try? Command.run("python3", [Self.script, "stop", bed.path])
        daemon.terminate()
        daemon.waitUntilExit()
    }

    /// Ends at once on SIGTERM where the file `plain` is; else sweepd's client makes a last checkpoint.
    private static let training = """
        import os, pathlib, signal, time
        import sweepd
        here = pathlib.Path(__file__).parent
        with sweepd.trial() as trial:
            if (here / "plain").exists():
                signal.signal(signal.SIGTERM, signal.SIG_DFL)
            start = 0
            if trial.checkpoint:
                start = trial.resume_step
                assert (trial.checkpoint / "step").read_text() == str(start)
            number = os.environ["SWEEPD_TRIAL"]
            with open(here / "begun", "a") as file:
                file.write(f"{number} {os.environ['SWEEPD_ATTEMPT']} {start} {os.environ['SLURM_ARRAY_TASK_ID']}\\n")
            for step in range(start + 1, 100_000):
                time.sleep(0.1)
                trial.report(step, loss=1 / step)
                if trial.should_checkpoint() or step == 5:
                    with trial.new_checkpoint(step) as folder:
                        (folder / "step").write_text(str(step))
                if (here / "go").exists() or (here / f"go-{number}").exists():
                    break
        """

    private static func freePort() -> UInt16? {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        defer { close(descriptor) }
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        return withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { name in
                bind(descriptor, name, length) == 0 && getsockname(descriptor, name, &length) == 0
            }
        } ? UInt16(bigEndian: address.sin_port) : nil
    }

    /// The job's number.
    func submit(_ options: String..., sourceLocation: SourceLocation = #_sourceLocation) throws -> String {
        let words = [
            "worker", "--slurm", "--submit", "--array", "2", "--join", "token", "--tasks", "tasks.yaml",
            "--checkpoints", "shared", "--files", "files", "--logs", "logs", "--idle", "3s",
        ]
        let result = try Program.run(words + options, in: folder.path, environment: environment)
        let pattern = /submitted job (\d+); all of it is ended by:  scancel (\d+)\n/
        let match = try #require(
            result.output.wholeMatch(of: pattern), "\(result)", sourceLocation: sourceLocation)
        #expect(match.1 == match.2, sourceLocation: sourceLocation)
        return String(match.1)
    }

    func slurm(_ words: String...) -> Command.Result {
        (try? Command.run(words[0], Array(words.dropFirst()), environment: environment))
            ?? Command.Result(status: -1, output: "")
    }

    /// Of a task's record in Slurm, which keeps it for ten minutes.
    func field(_ name: String, _ job: String, task: String) -> String? {
        let records = slurm("scontrol", "show", "job", job, "--oneliner").output.split(separator: "\n")
        let record = records.first { $0.split(separator: " ").contains("ArrayTaskId=\(task)") }
        return record?.split(separator: " ").first { $0.hasPrefix(name + "=") }.map {
            String($0.dropFirst(name.count + 1))
        }
    }

    /// Asks a few times a second: each is a process.
    func reaches(_ state: String, _ job: String, task: String, within seconds: Double = 20) -> Bool {
        let deadline = Date().addingTimeInterval(seconds)
        while Date() < deadline {
            if field("JobState", job, task: task) == state { return true }
            Thread.sleep(forTimeInterval: 0.2)
        }
        return false
    }

    var lines: [Line] {
        folder.text("begun").split(separator: "\n").compactMap { line in
            let words = line.split(separator: " ").map(String.init)
            guard words.count == 4, let start = Int(words[2]) else { return nil }
            return Line(trial: words[0], attempt: words[1], task: words[3], start: start)
        }
    }

    func hasCheckpoint(_ trial: String) -> Bool {
        let path = "\(folder.path)/shared/s/\(trial)/"
        let files = FileManager.default.enumerator(atPath: path)?.compactMap { $0 as? String } ?? []
        return files.contains { $0.hasSuffix("step-5/step") }
    }

    /// Whoever may use the cluster sees jobs, their scripts, and the processes of the nodes.
    func expectNoSecret(_ job: String, sourceLocation: SourceLocation = #_sourceLocation) throws {
        let token = folder.text("token").trimmingCharacters(in: .whitespacesAndNewlines)
        #expect(token.hasPrefix("sweepd1.") && token.utf8.count > 100, sourceLocation: sourceLocation)
        let shown = [
            slurm("scontrol", "write", "batch_script", job, "-"), slurm("scontrol", "show", "job", job),
            slurm("ps", "-eo", "args", "-ww"),
        ]
        for result in shown {
            #expect(result.status == 0 && !result.output.isEmpty, sourceLocation: sourceLocation)
            #expect(!result.output.contains(token), sourceLocation: sourceLocation)
        }
        // They were looked at in the right place.
        #expect(shown[0].output.contains("invitation=\(folder.path)/token"), sourceLocation: sourceLocation)
        #expect(shown[2].output.contains("worker --join \(folder.path)/token"), sourceLocation: sourceLocation)
    }

    /// What happened, for a failure's message.
    var story: String {
        let logs = (try? FileManager.default.contentsOfDirectory(atPath: folder.path + "/logs").sorted()) ?? []
        let files = ["serve.log", "begun"] + logs.map { "logs/" + $0 }
        return files.map { "--- \($0)\n\(folder.text($0))" }.joined() + slurm("squeue", "--long").output
    }
}

/// Any program.
private enum Command {
    struct Result {
        let status: Int32
        /// Both outputs.
        let output: String
    }

    static func run(_ program: String, _ arguments: [String], environment: [String: String] = [:]) throws -> Result {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments = [program] + arguments
        process.environment = ProcessInfo.processInfo.environment.merging(environment) { $1 }
        process.standardInput = FileHandle.nullDevice
        // A file: the bed's daemons would keep a pipe open.
        let folder = try TemporaryFolder()
        let file = try folder.write("", to: "output")
        let handle = try FileHandle(forWritingTo: URL(fileURLWithPath: file))
        (process.standardOutput, process.standardError) = (handle, handle)
        try process.run()
        process.waitUntilExit()
        let output = FileManager.default.contents(atPath: file) ?? Data()
        return Result(status: process.terminationStatus, output: String(decoding: output, as: UTF8.self))
    }
}
