// SPDX-License-Identifier: MIT

import ArgumentParser
import Foundation
import Testing

@testable import sweepd

@Suite struct SlurmTests {
    private static let least = SlurmJob(
        logFolder: "/home/ann/logs", executable: "/opt/sweepd/bin/sweepd", joinFile: "/home/ann/.sweepd/invitation")

    private static func job(_ change: (inout SlurmJob) -> Void) -> SlurmJob {
        var job = least
        change(&job)
        return job
    }

    /// Its batch script is refused; the message.
    private func refusal(_ change: (inout SlurmJob) -> Void) -> String {
        do {
            let script = try Self.job(change).script()
            return "accepted: \(script)"
        } catch let error as UserError {
            return error.message
        } catch {
            return "another error: \(error)"
        }
    }

    // The script.

    @Test func `the least script`() throws {
        #expect(
            try Self.least.script() == """
                #!/bin/bash
                #SBATCH --job-name=sweepd
                #SBATCH --array=0-0
                #SBATCH --nodes=1
                #SBATCH --ntasks=1
                #SBATCH --signal=B:TERM@120
                #SBATCH --requeue
                #SBATCH --open-mode=append
                #SBATCH --output=/home/ann/logs/%A_%a.log

                program=/opt/sweepd/bin/sweepd
                invitation=/home/ann/.sweepd/invitation
                if ! [ -x "$program" ] || ! [ -r "$invitation" ]; then
                    echo "$(hostname): $program or $invitation is not there: both belong on a file system the nodes share" >&2
                    exit 78
                fi
                exec "$program" worker --join "$invitation" --once --leave-when-idle --slots 1

                """)
    }

    @Test func `a script with everything`() throws {
        let job = Self.job {
            ($0.tasks, $0.atOnce, $0.partition, $0.timeLimit) = (8, 4, "gpu,gpu-long", "1-12:30:00")
            ($0.cpus, $0.gpus, $0.memory, $0.handBack) = (6, "a100:2", "48G", 300)
            ($0.extra, $0.name) = (["--account=physics", "--exclusive"], "sweepd-digits")
            $0.joinFile = "/home/ann lee/it's here"
            $0.workerArguments = ["--label", "team=a b", "$(id)"]
        }
        let script = try job.script()
        #expect(
            script.split(separator: "\n").filter { $0.hasPrefix("#") } == [
                "#!/bin/bash", "#SBATCH --job-name=sweepd-digits", "#SBATCH --array=0-7%4",
                "#SBATCH --partition=gpu,gpu-long", "#SBATCH --nodes=1", "#SBATCH --ntasks=1",
                "#SBATCH --cpus-per-task=6", "#SBATCH --gpus-per-task=a100:2", "#SBATCH --mem=48G",
                "#SBATCH --time=1-12:30:00", "#SBATCH --signal=B:TERM@300", "#SBATCH --requeue",
                "#SBATCH --open-mode=append", "#SBATCH --output=/home/ann/logs/%A_%a.log", "#SBATCH --account=physics",
                "#SBATCH --exclusive",
            ])
        #expect(script.contains(#"invitation='/home/ann lee/it'\''s here'"#))
        #expect(
            script.contains(
                #"exec "$program" worker --join "$invitation" --once --leave-when-idle --slots 2 --label 'team=a b' '$(id)'"#
            ))
    }

    @Test(
        arguments: [(nil, nil, 1), ("3", nil, 3), ("a100:2", nil, 2), ("2", 5, 5), (nil, 4, 4)]
            as [(String?, Int?, Int)])
    func `a slot for each GPU unless the user says otherwise`(gpus: String?, slots: Int?, expected: Int) throws {
        let script = try Self.job { ($0.gpus, $0.slots) = (gpus, slots) }.script()
        #expect(script.contains(" --slots \(expected)\n"))
    }

    @Test(arguments: [("4", 2, 2), ("a100:5", 2, 2), ("2", 2, 1)])
    func `trials that take several GPUs`(gpus: String, each: Int, expected: Int) throws {
        let script = try Self.job { ($0.gpus, $0.gpusPerSlot) = (gpus, each) }.script()
        #expect(script.contains(" --slots \(expected)\n"))
    }

    @Test func `more GPUs a trial than a job gets`() {
        #expect(
            refusal { ($0.gpus, $0.gpusPerSlot) = ("a100:2", 4) }
                == "--gpus-per-slot: '4' is more than the job gets (--job-gpus a100:2)")
    }

    @Test func `what the worker was told goes with it`() throws {
        let work = try WorkerCommandOptions.parse([
            "--label", "a", "--allow-command", "--checkpoints", "/c", "--checkpoints", "s3://b/runs", "--checkpoints",
            "rel", "--gpus", "0,1", "--gpus-per-slot", "2", "--keep-files", "14d", "--offline", "2h", "--idle", "5m",
        ])
        #expect(
            try SlurmArguments.words(work) { "/here/\($0)" } == [
                "--label", "a", "--allow-command", "--checkpoints", "/c", "--checkpoints", "s3://b/runs",
                "--checkpoints", "/here/rel", "--keep-files", "14d", "--gpus", "0,1", "--gpus-per-slot", "2",
                "--offline", "2h", "--idle", "5m",
            ])
        #expect(try SlurmArguments.words(try WorkerCommandOptions.parse([])) { $0 } == [])
    }

    @Test(arguments: ["s3://b/runs", "s3://b", "/c", "file:///c", "rel/c"])
    func `checkpoints lie in a folder or below a URI`(place: String) throws {
        #expect(try WorkerCommandOptions.parse(["--checkpoints", place]).checkpoints == [place])
    }

    @Test(arguments: ["s3:x", "s3://", "s3://b/../c", "s3://b/%2e%2e/c", "s3://b?endpoint=x", "s3://b/p#x"])
    func `and below nothing that says too little`(place: String) {
        #expect(throws: (any Error).self) { try WorkerCommandOptions.parse(["--checkpoints", place]) }
    }

    @Test(arguments: ["59m", "0", "often"]) func `files are kept for an hour at least`(duration: String) {
        #expect(throws: (any Error).self) { try WorkerCommandOptions.parse(["--keep-files", duration]) }
    }

    @Test func `bash runs the worker with the very words, as the same process`() throws {
        let folder = try Place()
        // Prints its process and its words.
        let program = try folder.write("pro gram", "#!/bin/bash\necho $$ $PPID\nprintf '%s\\n' \"$@\"\n", mode: 0o700)
        let invitation = try folder.write("in'vi$(ta)tion", "", mode: 0o600)
        let words = ["a b", "'", "\"", "$HOME", "`id`", "\\", "", "*", "#SBATCH --array=0-99", "-x", "ü"]
        let script = try Self.job {
            ($0.executable, $0.joinFile, $0.workerArguments) = (program, invitation, words)
        }.script()
        let file = try folder.write("script", script)
        #expect(try folder.run("/bin/bash", ["-n", file]).status == 0)
        let result = try folder.run("/bin/bash", [file])
        #expect(result.status == 0)
        let lines = result.output.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
        #expect(lines.first?.hasPrefix("\(result.process) ") == true, "the worker is not the shell's own process")
        #expect(
            Array(lines.dropFirst())
                == ["worker", "--join", invitation, "--once", "--leave-when-idle", "--slots", "1"] + words + [""])
    }

    @Test func `a node that lacks the files says so`() throws {
        let folder = try Place()
        let program = try folder.write("program", "#!/bin/bash\n", mode: 0o700)
        let script = try Self.job { ($0.executable, $0.joinFile) = (program, folder.path + "/none") }.script()
        let result = try folder.run("/bin/bash", [folder.write("script", script)])
        #expect(result.status == 78)
        #expect(result.output.contains("\(folder.path)/none is not there"))
    }

    // Refusals.

    static let hostile = [
        "", " ", "a b", "gpu\n#SBATCH --uid=root", "gpu;id", "$(id)", "`id`", "a'b", "a\"b", "a\\b", "gpu#x", "-x",
        "a\u{0}b", "é",
        "gpu\u{2028}x", "a\tb", String(repeating: "a", count: 5000),
    ]

    @Test(arguments: hostile)
    func `hostile text gets into no line of the script`(text: String) {
        let changes: [(option: SlurmOption, change: (inout SlurmJob) -> Void)] = [
            (.partition, { $0.partition = text }), (.timeLimit, { $0.timeLimit = text }),
            (.gpus, { $0.gpus = text }), (.gpus, { $0.gpus = text + ":1" }), (.memory, { $0.memory = text }),
            (.name, { $0.name = text }), (.extra, { $0.extra = [text] }),
            (.extra, { $0.extra = ["--" + text + "=1"] }),
        ]
        for (option, change) in changes {
            let message = refusal(change)
            #expect(message.hasPrefix("\(option.rawValue): '"), "\(message)")
            #expect(!message.contains("\n"))
        }
    }

    @Test(arguments: hostile.filter { $0 != "-x" })
    func `hostile text gets into no path of the logs and no extra value`(text: String) {
        #expect(refusal { $0.logFolder = "/" + text }.hasPrefix("--logs: '") == !text.isEmpty)
        #expect(refusal { $0.extra = ["--comment=" + text] }.hasPrefix("--sbatch: '"))
    }

    @Test(arguments: ["a", "./a", "", "/a\nb", "/a\u{0}", "/a\u{2029}b"])
    func `paths are absolute and on one line`(path: String) {
        #expect(refusal { $0.joinFile = path }.hasPrefix("--join: '"))
        #expect(refusal { $0.executable = path }.hasPrefix("sweepd: '"))
        #expect(refusal { $0.logFolder = path }.hasPrefix("--logs: '"))
    }

    @Test(arguments: [
        ("30", 1800), ("30:30", 1860), ("2:00:00", 7200), ("1-0", 86_400), ("1-2", 93_600), ("1-2:30", 95_400),
        ("1-2:30:01", 95_460), ("0:30", 60), ("0", nil), ("0:00", nil), ("2h", nil), ("1:2:3:4", nil), ("-1", nil),
        ("1-", nil), ("1-2-3", nil), (":5", nil), ("1.5", nil), ("+5", nil), ("UNLIMITED", nil), ("9999999999", nil),
    ])
    func `times as Slurm reads them`(text: String, seconds: Int?) {
        #expect(SlurmText.seconds(text) == seconds)
    }

    @Test func `a time limit that leaves nothing after handing back`() throws {
        #expect(
            refusal { ($0.timeLimit, $0.handBack) = ("2", 61) }
                == "--time: '2' leaves no time to work: workers hand back their trials up to 121 s before the end (--hand-back 61)"
        )
        #expect(try Self.job { ($0.timeLimit, $0.handBack) = ("2", 60) }.script().contains("--signal=B:TERM@60\n"))
    }

    @Test(arguments: [
        ("16G", true), ("500M", true), ("4096", true), ("1T", true), ("0", false), ("8GiB", false), ("G", false),
        ("-1G", false), ("1.5G", false),
    ])
    func `amounts of memory`(text: String, isFit: Bool) {
        #expect(SlurmText.isMemory(text) == isFit)
    }

    @Test(arguments: [
        ("--array=0-5", "use --array"), ("--arr=0-5", "use --array"), ("--time=5", "use --time"),
        ("--mem=5", "use --memory"), ("--output=/x", "use --logs"), ("--signal=KILL", "use --hand-back"),
        ("--no-requeue", "sweepd decides"), ("--no-req", "sweepd decides"), ("--wrap=id", "sweepd decides"),
        ("--test-only", "sweepd decides"), ("--parsable", "sweepd decides"),
    ])
    func `options of sbatch that would undo ours`(option: String, remedy: String) {
        let message = refusal { $0.extra = ["--account=x", option] }
        #expect(message.hasPrefix("--sbatch: '\(option)' cannot be given here: "))
        #expect(message.contains(remedy))
    }

    @Test(arguments: [
        "--account=physics", "--constraint=[a100|h100]&ib", "--mem-per-gpu=8G", "--mail-user=ann@example.org",
        "--exclusive", "--exclude=node[1-3,7]", "--gres=gpu:2",
    ])
    func `other options of sbatch`(option: String) throws {
        #expect(try Self.job { $0.extra = [option] }.script().contains("\n#SBATCH \(option)\n"))
    }

    @Test func `numbers out of range`() {
        #expect(refusal { $0.tasks = 0 } == "--array: '0' is not between 1 and 100000")
        #expect(refusal { ($0.tasks, $0.atOnce) = (2, 3) } == "--at-once: '3' is not between 1 and 2")
        #expect(refusal { $0.cpus = -1 }.hasPrefix("--cpus: '-1'"))
        #expect(refusal { $0.slots = 0 }.hasPrefix("--slots: '0'"))
        #expect(refusal { $0.handBack = 0 }.hasPrefix("--hand-back: '0'"))
        #expect(refusal { $0.gpus = "0" }.hasPrefix("--job-gpus: '0'"))
    }

    @Test func `an invitation on the command line is refused and not repeated`() {
        let message = refusal { $0.workerArguments = ["--join=sweepd1.c2VjcmV0"] }
        #expect(message.contains("--join"))
        #expect(message.contains("0600"))
        #expect(!message.contains("c2VjcmV0"))
    }

    // Handing it in.

    /// A job whose files are there, and an sbatch of our own.
    private struct Desk {
        let place: Place
        let job: SlurmJob

        init(sbatch: String?) throws {
            place = try Place()
            if let sbatch { _ = try place.write("bin/sbatch", "#!/bin/sh\n" + sbatch, mode: 0o700) }
            job = SlurmJob(
                logFolder: place.path + "/logs/deep", executable: "/bin/true",
                joinFile: try place.write("invitation", "sweepd1.x", mode: 0o600))
        }

        func submit(_ environment: [String: String] = [:]) throws -> SlurmSubmission.Receipt {
            let path = place.path + "/bin"
            return try SlurmSubmission(environment: environment.merging(["PATH": path]) { $1 }).submit(job)
        }

        func refusal() -> String {
            do { return "accepted: \(try submit())" } catch { return (error as? UserError)?.message ?? "\(error)" }
        }
    }

    @Test func `sbatch gets the script on its standard input`() throws {
        let desk = try Desk(
            sbatch:
                "printf '%s ' \"$@\" > \"${0%/*}/words\"; /bin/cat > \"${0%/*}/script\"; echo 'site says hello'; echo 4711\n"
        )
        let receipt = try desk.submit()
        #expect(receipt.job == "4711")
        #expect(receipt.cancelCommand == "scancel 4711")
        #expect(try desk.place.text("bin/words") == "--parsable ")
        #expect(try desk.place.text("bin/script") == desk.job.script())
        var isFolder: ObjCBool = false
        #expect(
            FileManager.default.fileExists(atPath: desk.job.logFolder, isDirectory: &isFolder) && isFolder.boolValue)
    }

    @Test func `sbatch's own words when it refuses, and when it reads nothing`() throws {
        let desk = try Desk(
            sbatch:
                "echo 'sbatch: error: invalid partition specified: x' >&2\necho 'sbatch: error: Batch job submission failed: Invalid partition name specified' >&2; exit 1\n"
        )
        #expect(
            desk.refusal()
                == "sbatch refused the job: invalid partition specified: x; Batch job submission failed: Invalid partition name specified"
        )
        #expect(try Desk(sbatch: "exit 3\n").refusal() == "sbatch refused the job: it says nothing, with exit code 3")
        #expect(try Desk(sbatch: "kill -9 $$\n").refusal().hasPrefix("sbatch refused the job: "))
        #expect(try Desk(sbatch: "echo done\n").refusal().contains("no job number"))
        #expect(try Desk(sbatch: nil).refusal().contains("no sbatch on PATH"))
    }

    @Test func `an invitation that others can read`() throws {
        let desk = try Desk(sbatch: "echo 1\n")
        for mode in [0o640, 0o604, 0o660] as [mode_t] {
            chmod(desk.job.joinFile, mode)
            #expect(desk.refusal().contains("can be read by others: chmod 600"))
        }
        chmod(desk.job.joinFile, 0o400)
        #expect(try desk.submit().job == "1")
        unlink(desk.job.joinFile)
        #expect(desk.refusal().contains("is no file"))
        symlink("/etc/hostname", desk.job.joinFile)
        #expect(desk.refusal().contains("is no file"))
        #expect(!FileManager.default.fileExists(atPath: desk.job.joinFile + "/logs"))
    }

    @Test func `the environment that sbatch sees`() {
        let job = Self.job { ($0.timeLimit, $0.memory) = ("60", "1G") }
        let kept = [
            "PATH": "/bin", "SBATCH_ACCOUNT": "physics", "SBATCH_PARTITION": "gpu", "VIRTUAL_ENV": "/v",
            "SWEEPD_PYTHON_CLIENT": "/p",
        ]
        let dropped = [
            "SBATCH_TIMELIMIT": "1", "SBATCH_SIGNAL": "KILL", "SBATCH_ARRAY_INX": "0-9", "SBATCH_NO_REQUEUE": "1",
            "SBATCH_MEM_PER_CPU": "1", "SBATCH_WAIT": "1", "SWEEPD_TRIAL": "3", "INVITATION": "sweepd1.c2VjcmV0",
        ]
        #expect(SlurmSubmission.environment(kept.merging(dropped) { $1 }, for: job) == kept)
    }

    @Test(
        arguments: [
            ("12\n", "12", nil), ("12;east\n", "12", "east"), ("hello\n12\n", "12", nil), ("", nil, nil),
            ("12 13\n", nil, nil),
            ("12;\n", nil, nil), ("12;a;b\n", nil, nil), ("12;$(id)\n", nil, nil), ("-3\n", nil, nil),
        ] as [(String, String?, String?)])
    func `what sbatch answers`(answer: String, job: String?, cluster: String?) {
        let receipt = SlurmSubmission.receipt(answer)
        #expect(receipt?.job == job)
        #expect(receipt?.cluster == cluster)
        if let cluster { #expect(receipt?.cancelCommand == "scancel --clusters=\(cluster) 12") }
    }
}

/// A folder of a test, gone with it.
private final class Place {
    let path: String

    init() throws {
        path = NSTemporaryDirectory() + "/sweepd-slurm-\(UUID().uuidString)"
        try FileManager.default.createDirectory(atPath: path + "/bin", withIntermediateDirectories: true)
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }

    /// Its path.
    func write(_ name: String, _ text: String, mode: mode_t = 0o600) throws -> String {
        let file = path + "/" + name
        try Data(text.utf8).write(to: URL(fileURLWithPath: file))
        chmod(file, mode)
        return file
    }

    func text(_ name: String) throws -> String {
        String(decoding: try Data(contentsOf: URL(fileURLWithPath: path + "/" + name)), as: UTF8.self)
    }

    /// Both outputs together.
    func run(_ program: String, _ arguments: [String]) throws -> (status: Int32, process: Int32, output: String) {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: program)
        process.arguments = arguments
        let pipe = Pipe()
        (process.standardOutput, process.standardError, process.standardInput) = (pipe, pipe, FileHandle.nullDevice)
        try process.run()
        let output = String(decoding: pipe.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        process.waitUntilExit()
        return (process.terminationStatus, process.processIdentifier, output)
    }
}
