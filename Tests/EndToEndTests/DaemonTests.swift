// SPDX-License-Identifier: MIT

import Foundation
import Testing

/// `sweepd serve` and all that talks to it, as separate processes with separate homes, over real TCP with keys.
@Suite(.serialized) struct DaemonTests {
    private static let slow = """
        n=${SWEEPD_RESUME_STEP:-0}
        while [ $n -lt 12 ]; do
          n=$((n+1)); sleep 0.1
          sweepd report loss=$n --step $n
        done
        """
    private static let quick = "echo $SWEEPD_TRIAL >> begun\nsweepd report loss=1"

    @Test func severalSweepsAreServedAndWatched() throws {
        let daemon = try DaemonFolder(script: Self.quick)
        try daemon.serve("--workers", "2")
        for name in ["one", "two"] {
            let launched = try daemon.run("launch", "sweep.yaml", "--name", name, "--trials", "6")
            #expect(launched.status == 0, "\(launched.error)")
        }
        let again = try daemon.run("launch", "sweep.yaml", "--name", "one")
        #expect(again.status == 2 && again.error.contains("already"), "\(again.error)")
        for name in ["one", "two"] {
            let watched = try daemon.run("watch", name, "--plain")
            #expect(watched.status == 0 && watched.output.contains("6 of 6"), "\(watched.output)\(watched.error)")
        }
        // What is past its end goes on in the daemon.
        #expect(try daemon.run("extend", "one", "--trials", "+2").status == 0)
        #expect(try daemon.run("watch", "one", "--plain").status == 0)
        #expect(try daemon.run("enqueue", "one", "x=1.5").error.contains("finished"))
        daemon.terminate()
        let verified = try daemon.run("verify")
        #expect(verified.status == 0, "\(verified.output)\(verified.error)")
    }

    @Test func aWorkerElsewhereRunsItsOwnTasksAndNothingElse() throws {
        let daemon = try DaemonFolder(script: Self.quick)
        try daemon.serve("--workers", "0", "--listen", daemon.endpoint)
        let home = try daemon.home("gpu1")
        try daemon.write(
            "tasks:\n  mine:\n    command: [sh, mine.sh]\n    directory: gpu1\n", to: "tasks.yaml")
        try daemon.write("sweepd report loss=2\necho ran >> ran", to: "gpu1/mine.sh")
        try daemon.invite(to: "token")
        // A mistake in what it declares does not use up the invitation.
        let mistaken = try daemon.startWorker(home, "--join", "token", "--tasks", "taskz.yaml")
        #expect(mistaken.end(within: 40) == 2 && daemon.text("gpu1.log").contains("taskz.yaml"))
        let worker = try daemon.startWorker(home, "--join", "token", "--tasks", "tasks.yaml", "--label", "big")
        try daemon.waitForWorkers(1)
        // A command of the sweep file is not for it, and who launches, looks or watches is told so.
        let launched = try daemon.run("launch", "sweep.yaml", "--name", "command", "--trials", "2")
        let reason = "no attached worker runs commands"
        #expect(launched.status == 0 && launched.output.contains(reason), "\(launched)")
        let shown = try daemon.run("show", "command")
        #expect(shown.status == 0 && shown.output.contains(reason), "\(shown)")
        let watching = try daemon.follow("watch", "command", "--plain", into: "watch.log")
        #expect(wait { daemon.text("watch.log").contains(reason) }, "\(daemon.text("watch.log"))")
        watching.signal(SIGKILL)
        Thread.sleep(forTimeInterval: 0.5)
        #expect(daemon.text("begun").isEmpty)
        try daemon.write(SweepFolder.yaml(trials: 3, more: "task: mine\nrequires: [big]"), to: "sweep.yaml")
        #expect(try daemon.run("launch", "sweep.yaml", "--name", "task").status == 0)
        let watched = try daemon.run("watch", "task", "--plain")
        #expect(watched.status == 0, "\(watched.output)\(watched.error)\(daemon.text("gpu1.log"))")
        #expect(daemon.text("gpu1/ran").split(separator: "\n").count == 3 && daemon.text("begun").isEmpty)
        // The invitation was for one.
        let second = try daemon.startWorker(try daemon.home("gpu2"), "--join", "token", "--allow-command")
        #expect(second.end(within: 40) == 2)
        #expect(daemon.text("gpu2.log").contains("has been used"), "\(daemon.text("gpu2.log"))")
        // The key that was brought in serves again.
        worker.signal(SIGTERM)
        #expect(worker.end() == 0)
        let back = try daemon.startWorker(home, "--tasks", "tasks.yaml")
        try daemon.waitForWorkers(1)
        let revoked = try daemon.run("workers", "--revoke", try daemon.keys().first ?? "")
        #expect(revoked.status == 0, "\(revoked.error)")
        #expect(back.end(within: 10) != nil)
        try daemon.waitForWorkers(0)
        let late = try daemon.startWorker(home, "--tasks", "tasks.yaml")
        Thread.sleep(forTimeInterval: 1)
        #expect(try daemon.workers().isEmpty)
        late.signal(SIGKILL)
    }

    @Test func aKilledDaemonTakesUpItsWorkersAgain() throws {
        let daemon = try DaemonFolder(script: Self.slow)
        try daemon.serve("--workers", "0", "--listen", daemon.endpoint)
        try daemon.invite(to: "token")
        _ = try daemon.startWorker(
            try daemon.home("gpu1"), "--join", "token", "--allow-command", "--slots", "2")
        try daemon.waitForWorkers(1)
        #expect(try daemon.run("launch", "sweep.yaml", "--trials", "4").status == 0)
        try #require(wait { (try? daemon.running()) == 2 })
        daemon.kill()
        Thread.sleep(forTimeInterval: 0.6)
        try daemon.serve("--workers", "0", "--listen", daemon.endpoint)
        let watched = try daemon.run("watch", "s", "--plain", seconds: 90)
        #expect(watched.status == 0, "\(watched.output)\(watched.error)\(daemon.text("gpu1.log"))")
        daemon.terminate()
        let trials = try daemon.trials()
        #expect(trials.count == 4 && trials.allSatisfy { $0["state"] as? String == "completed" })
        // Nobody began anew: each trial has one attempt.
        #expect(trials.allSatisfy { $0["attempts"] as? Int == 1 }, "\(trials)")
        #expect(try daemon.run("verify").status == 0)
    }

    /// Nothing is queued ahead in a sweep that learns: what the daemon asks its sampler for when it begins must come.
    @Test(arguments: ["bayes", "grid"]) func aDaemonThatIsStartedAgainProposes(method: String) throws {
        let parameters = method == "grid" ? "x: {values: [1, 2, 3, 4, 5, 6]}" : "x: {min: 1.0, max: 2.0}"
        let daemon = try DaemonFolder(script: Self.quick)
        try daemon.write(
            SweepFolder.yaml(method: method, trials: method == "grid" ? nil : 6, parameters: parameters),
            to: "sweep.yaml")
        try daemon.serve("--workers", "0")
        #expect(try daemon.run("launch", "sweep.yaml").status == 0)
        daemon.kill()
        try daemon.serve("--workers", "1")
        let watched = try daemon.run("watch", "s", "--plain", seconds: 40)
        #expect(watched.status == 0, "\(watched.output)\(watched.error)")
        daemon.terminate()
        #expect(try daemon.trials().count == 6)
        #expect(try daemon.run("verify").status == 0)
    }

    @Test func aWorkerThatIsToldToGoHandsItsTrialsBack() throws {
        let daemon = try DaemonFolder(script: Self.slow)
        try daemon.serve("--workers", "0", "--listen", daemon.endpoint)
        try daemon.invite(to: "token", "--uses", "2")
        let first = try daemon.startWorker(
            try daemon.home("a"), "--join", "token", "--once", "--allow-command", "--slots", "1")
        try daemon.waitForWorkers(1)
        #expect(try daemon.run("launch", "sweep.yaml", "--trials", "1").status == 0)
        try #require(wait { (try? daemon.running()) == 1 })
        #expect(try daemon.keys().count == 1)
        first.signal(SIGTERM)
        #expect(first.end(within: 20) == 0)
        // It kept no key, and nobody else has it.
        #expect(wait { (try? daemon.keys().isEmpty) == true })
        _ = try daemon.startWorker(try daemon.home("b"), "--join", "token", "--allow-command", "--slots", "1")
        let watched = try daemon.run("watch", "s", "--plain")
        #expect(watched.status == 0, "\(watched.output)\(watched.error)")
        daemon.terminate()
        let trial = try #require(try daemon.trials().first)
        #expect(trial["attempts"] as? Int == 2 && trial["state"] as? String == "completed")
    }

    /// A trial that ends while the daemon is away, on a worker that was told to go.
    private func drainWithoutADaemon(_ body: (DaemonFolder, Process) throws -> Void) throws {
        // `sweepd report` would wait until the daemon has it.
        let daemon = try DaemonFolder(script: "sleep 1.5; echo loss=1")
        try daemon.write(SweepFolder.yaml(metric: "{name: loss, pattern: '^loss=(?<loss>.+)$'}"), to: "sweep.yaml")
        try daemon.serve("--workers", "0", "--listen", daemon.endpoint)
        try daemon.invite(to: "token")
        let worker = try daemon.startWorker(
            try daemon.home("gpu1"), "--join", "token", "--allow-command", "--slots", "1", "--gpus", "none")
        try daemon.waitForWorkers(1)
        #expect(try daemon.run("launch", "sweep.yaml", "--trials", "1").status == 0)
        try #require(wait { (try? daemon.running()) == 1 })
        daemon.kill()
        worker.signal(SIGINT)
        try #require(
            wait { daemon.text("gpu1.log").contains("waiting for the coordinator") }, "\(daemon.text("gpu1.log"))")
        try body(daemon, worker)
    }

    @Test func aWorkerThatLeavesKeepsItsResultUntilTheDaemonIsBack() throws {
        try drainWithoutADaemon { daemon, worker in
            // Longer than a goodbye takes.
            Thread.sleep(forTimeInterval: 6)
            #expect(worker.isRunning, "\(daemon.text("gpu1.log"))")
            try daemon.serve("--workers", "0", "--listen", daemon.endpoint)
            #expect(worker.end(within: 60) == 0, "\(daemon.text("gpu1.log"))")
            daemon.terminate()
            let trial = try #require(try daemon.trials().first)
            #expect(trial["attempts"] as? Int == 1 && trial["state"] as? String == "completed", "\(trial)")
        }
    }

    @Test func aWorkerThatIsToldTwiceSaysWhatIsLost() throws {
        try drainWithoutADaemon { daemon, worker in
            worker.signal(SIGINT)
            #expect(worker.end(within: 20) == 1)
            let log = daemon.text("gpu1.log")
            #expect(log.contains("lost with this worker") && log.contains("of trial 0 of sweep 1"), "\(log)")
        }
    }

    /// As `nohup` starts it.
    @Test func whatOutlivesItsTerminalIsNotEndedByAHangup() throws {
        let folder = try TemporaryFolder()
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/bin/sh")
        process.arguments = ["-c", "trap '' HUP; exec \"$0\" serve --workers 0", Program.path]
        process.environment = ProcessInfo.processInfo.environment.merging(
            ["SWEEPD_DATA": folder.path + "/data", "XDG_RUNTIME_DIR": "", "HOME": folder.path]) { $1 }
        process.standardInput = FileHandle.nullDevice
        process.standardError = FileHandle.nullDevice
        try process.run()
        let isServing = wait { FileManager.default.fileExists(atPath: folder.path + "/data/endpoint.json") }
        process.signal(SIGHUP)
        Thread.sleep(forTimeInterval: 1)
        #expect(isServing && process.isRunning)
        process.signal(SIGTERM)
        #expect(process.end() == 0)
    }

    @Test func anOperatorElsewhereLaunchesAndSteers() throws {
        let daemon = try DaemonFolder(script: Self.slow)
        try daemon.serve("--workers", "1", "--listen", daemon.endpoint, "--allow-command")
        let laptop = try daemon.operatorsHome("laptop")
        func remotely(_ arguments: String...) throws -> Program.Result {
            try Program.run(arguments + ["--remote"], in: daemon.path, environment: laptop)
        }
        #expect(try remotely("launch", "sweep.yaml", "--trials", "9").status == 0)
        #expect(try remotely("pause", "s").status == 0)
        #expect(try remotely("enqueue", "s", "x=1.5").status == 0)
        let wrong = try remotely("enqueue", "s", "x=7")
        #expect(wrong.status == 2 && wrong.error.contains("x"), "\(wrong.error)")
        #expect(try remotely("launch", "sweep.yaml", "--name", "other").status == 0)
        let cancelled = try remotely("cancel", "other")
        #expect(cancelled.status == 0 && cancelled.output.contains("'other'"), "\(cancelled.error)")
        #expect(try remotely("cancel", "other").status == 2)
        let extended = try remotely("extend", "s", "--trials", "+1", "--json")
        #expect(extended.status == 0 && extended.output.contains("\"trials\":10"), "\(extended)")
        let less = try remotely("extend", "s", "--trials", "2")
        #expect(less.status == 2 && less.error.contains("only ever raised"), "\(less.error)")
        // Without a terminal: a line for each change, and the exit code of a run.
        let watched = try remotely("launch", "sweep.yaml", "--name", "short", "--trials", "1", "--watch")
        #expect(
            watched.status == 0 && watched.output.hasSuffix("short: finished · 1 of 1 done · best 1\n"), "\(watched)")
        let again = try remotely("watch", "short", "--json")
        #expect(again.status == 0 && again.output.contains("\"schema\":\"sweepd.watch/1\""), "\(again)")
        #expect(try remotely("watch", "other", "--plain").status == 3)
        #expect(try remotely("stop", "s").status == 0)
        #expect(try remotely("workers").output.contains("any command"))
        // Who is let in is the daemon's owner's affair.
        for arguments in [["invite"], ["invite", "--operator"], ["workers", "--revoke", "laptop"]] {
            let refused = try Program.run(arguments + ["--remote"], in: daemon.path, environment: laptop)
            #expect(refused.status == 2 && refused.error.contains("on the daemon's machine only"), "\(refused)")
        }
        // A worker's key may not do that.
        try daemon.invite(to: "token2")
        let gpu = try daemon.home("gpu1")
        let worker = try daemon.startWorker(gpu, "--join", "token2", "--allow-command")
        try daemon.waitForWorkers(2)
        worker.signal(SIGTERM)
        _ = worker.end()
        let forged = try Program.run(
            ["workers", "--connection", (gpu["XDG_CONFIG_HOME"] ?? "") + "/sweepd/worker.json"], in: daemon.path,
            environment: gpu)
        #expect(forged.status == 2 && forged.error.contains("operator"), "\(forged.error)")
    }

    /// The evaluation is the operator's own; what is known is the daemon's.
    @Test func anOperatorElsewhereAsksAndTells() throws {
        let daemon = try DaemonFolder(script: Self.quick)
        try daemon.serve("--workers", "1", "--listen", daemon.endpoint)
        let laptop = try daemon.operatorsHome("laptop")
        func remotely(_ arguments: String...) throws -> Program.Result {
            try Program.run(arguments + ["--remote"], in: daemon.path, environment: laptop)
        }
        // The file's sweep is launched, confined as any that comes from elsewhere.
        let asked = try remotely("ask", "sweep.yaml", "--json")
        #expect(asked.status == 0 && asked.output.contains("\"schema\":\"sweepd.ask/1\""), "\(asked)")
        let document = try JSONSerialization.jsonObject(with: Data(asked.output.utf8)) as? [String: Any]
        #expect(document?["trial"] as? Int == 0 && document?["seed"] is Int)
        #expect(((document?["parameters"] as? [String: Any])?["x"] as? Double).map { (1...2).contains($0) } == true)
        let second = try remotely("ask", "s")
        #expect(second.status == 0 && second.output.hasPrefix("trial 1: --x="), "\(second)")
        let told = try remotely("tell", "sweep.yaml", "0", "--value", "0.25")
        #expect(told.status == 0 && told.output == "trial 0 of 's' completed: 0.25\n", "\(told)")
        #expect(try remotely("tell", "s", "1", "--failed").output == "trial 1 of 's' failed\n")
        let twice = try remotely("tell", "s", "0", "--value", "1")
        #expect(twice.status == 2 && twice.error.contains("already completed"), "\(twice)")
        #expect(try remotely("tell", "s", "9", "--value", "1").error.contains("no trial 9"))
        daemon.terminate()
        let trials = try daemon.trials()
        #expect(trials.first?["value"] as? Double == 0.25)
        #expect(daemon.text("begun").isEmpty, "the daemon's own worker ran an operator's command")
    }

    @Test func anOperatorElsewhereHasTrialsTrainedFurther() throws {
        let daemon = try DaemonFolder(script: Self.quick)
        try daemon.write(
            SweepFolder.yaml(
                method: "grid", trials: 3, parameters: "x: {values: [1, 2, 3]}",
                command: "[\"${interpreter}\", train.py, \"${args}\"]", more: "order: wandb"), to: "sweep.yaml")
        try daemon.write(
            """
            import sweepd
            with sweepd.trial(checkpoint_every=None) as trial:
                end = trial.max_step or 4
                for step in range(trial.resume_step + 1, end + 1):
                    trial.report(step, loss=trial.params["x"] / step)
                    if step == end:
                        with trial.new_checkpoint(step) as folder: (folder / "state").write_text(str(step))
            """, to: "train.py")
        try daemon.serve("--workers", "1", "--listen", daemon.endpoint)
        #expect(try daemon.run("launch", "sweep.yaml").status == 0)
        #expect(try daemon.run("watch", "s", "--plain").status == 0)
        let laptop = try daemon.operatorsHome("laptop")
        func remotely(_ arguments: String...) throws -> Program.Result {
            try Program.run(arguments + ["--remote"], in: daemon.path, environment: laptop)
        }
        let continued = try remotely("continue", "1", "s", "--steps", "6")
        #expect(
            continued.output == "trial 3 continues trial 1 to step 10, in the running sweep 's'\n", "\(continued)")
        try #require(wait { (try? daemon.trials().dropFirst(3).first?["state"] as? String) == "completed" })
        let promoted = try remotely("promote", "s", "--top", "2", "--steps", "6", "--json")
        #expect(promoted.status == 0, "\(promoted)")
        let document = try JSONSerialization.jsonObject(with: Data(promoted.output.utf8)) as? [String: Any]
        let begun = document?["continued"] as? [[String: Any]]
        #expect(begun?.compactMap { $0["parent"] as? Int } == [0], "\(promoted)")
        #expect(begun?.first?["until_step"] as? Int == 10 && begun?.first?["parent_value"] as? Double == 0.25)
        #expect(promoted.error.contains("trial 1 is skipped: trial 3 has continued it to step 10 already"))
        try #require(wait { (try? daemon.trials().dropFirst(4).first?["value"] as? Double) == 0.1 })
        let nothing = try remotely("promote", "s", "--top", "2", "--steps", "6")
        #expect(nothing.status == 2 && nothing.error.contains("none of the best 2 can be continued"), "\(nothing)")
        #expect(try remotely("continue", "9", "s", "--steps", "6").error.contains("no trial 9"))
        daemon.terminate()
        #expect(try daemon.run("verify").status == 0)
    }

    /// An operator's key is no account on the daemon's machine, also after a restart.
    @Test func anOperatorsCommandRunsOnNoWorkerOfTheDaemonsMachine() throws {
        let daemon = try DaemonFolder(script: Self.quick)
        try daemon.serve("--workers", "0", "--listen", daemon.endpoint)
        let laptop = try daemon.operatorsHome("laptop")
        let launched = try Program.run(
            ["launch", "sweep.yaml", "--name", "far", "--trials", "2", "--remote"], in: daemon.path, environment: laptop
        )
        #expect(launched.status == 0, "\(launched.error)")
        daemon.terminate()
        try daemon.serve("--workers", "1", "--listen", daemon.endpoint, "--allow-command")
        // The owner's own runs at once.
        #expect(try daemon.run("launch", "sweep.yaml", "--name", "near", "--trials", "2").status == 0)
        let near = try daemon.run("watch", "near", "--plain")
        #expect(near.status == 0, "\(near.output)\(near.error)")
        Thread.sleep(forTimeInterval: 0.5)
        #expect(daemon.text("begun").split(separator: "\n").count == 2)
        try daemon.invite(to: "token2")
        _ = try daemon.startWorker(try daemon.home("gpu1"), "--join", "token2", "--allow-command")
        let far = try Program.run(["watch", "far", "--remote"], in: daemon.path, environment: laptop)
        #expect(far.status == 0 && far.output.contains("far: finished"), "\(far)\(daemon.text("gpu1.log"))")
    }

    @Test func mistakesAreToldWithTheRemedy() throws {
        let daemon = try DaemonFolder(script: Self.quick)
        let nobody = try daemon.run("launch", "sweep.yaml")
        #expect(nobody.status == 2 && nobody.error.contains("sweepd serve"), "\(nobody.error)")
        try daemon.serve("--workers", "0")
        let deaf = try daemon.run("invite")
        #expect(deaf.status == 2 && deaf.error.contains("--listen"), "\(deaf.error)")
        let second = try daemon.run("serve", "--data", daemon.data)
        #expect(second.status == 2 && second.error.contains("already works on"), "\(second.error)")
        for listen in ["tcp://*:5570", "ipc:///tmp/x", "tcp://127.0.0.1", "hello"] {
            let refused = try daemon.run("serve", "--data", daemon.path + "/other", "--listen", listen)
            #expect(refused.status == 2, "\(listen): \(refused.error)")
        }
        let shown = try daemon.run("worker", "--join", "sweepd1.abc")
        #expect(shown.status == 2 && shown.error.contains("standard input") && !shown.error.contains("sweepd1.abc"))
        let keyless = try daemon.run("worker", "--allow-command")
        #expect(keyless.status == 2 && keyless.error.contains("sweepd invite"), "\(keyless.error)")
    }
}

/// A daemon's data directory, the folder of a sweep beside it, and the homes of other machines.
final class DaemonFolder {
    let folder: SweepFolder
    let endpoint: String
    private var daemon: Process?
    private var attached: [Process] = []
    private var runs = 0

    init(script: String) throws {
        folder = try SweepFolder(SweepFolder.yaml(trials: 4), script: script)
        endpoint = "tcp://127.0.0.1:\(Self.freePort())"
    }

    deinit {
        for process in attached + [daemon].compactMap({ $0 }) where process.isRunning {
            Foundation.kill(process.processIdentifier, SIGKILL)
        }
    }

    var path: String { folder.path }
    var data: String { folder.path + "/data" }
    private var environment: [String: String] {
        ["SWEEPD_DATA": data, "XDG_CONFIG_HOME": path + "/conf", "XDG_RUNTIME_DIR": "", "HOME": path]
    }

    func write(_ text: String, to name: String) throws {
        let parent = (path + "/" + name as NSString).deletingLastPathComponent
        try FileManager.default.createDirectory(atPath: parent, withIntermediateDirectories: true)
        try text.write(toFile: path + "/" + name, atomically: true, encoding: .utf8)
    }

    func text(_ name: String) -> String { folder.text(name) }

    func run(_ arguments: String..., seconds: Double = 60) throws -> Program.Result {
        try Program.run(arguments, in: path, environment: environment, seconds: seconds)
    }

    /// Starts a command that goes on until it is ended.
    func follow(_ arguments: String..., into log: String) throws -> Process {
        let process = try Program.start(arguments, in: path, environment: environment, output: path + "/" + log)
        attached.append(process)
        return process
    }

    /// Starts the daemon and waits until commands reach it.
    func serve(
        _ arguments: String..., environment more: [String: String] = [:],
        sourceLocation: SourceLocation = #_sourceLocation
    ) throws {
        let (_, log) = try start(arguments, environment: more)
        try #require(
            wait { (try? self.run("workers", "--json").status) == 0 }, "\(text(log))", sourceLocation: sourceLocation)
    }

    /// Starts the daemon, which may end before anything reaches it; its process and the name of its log.
    func start(_ arguments: [String], environment more: [String: String]) throws -> (process: Process, log: String) {
        runs += 1
        let log = "serve-\(runs).log"
        let process = try Program.start(
            ["serve"] + arguments, in: path, environment: environment.merging(more) { $1 }, output: path + "/" + log)
        daemon = process
        return (process, log)
    }

    func terminate() {
        daemon?.signal(SIGTERM)
        #expect(daemon?.end(within: 30) == 0)
    }

    func kill() {
        daemon?.signal(SIGKILL)
        daemon?.waitUntilExit()
    }

    /// The environment of another machine's user.
    func home(_ name: String) throws -> [String: String] {
        let home = path + "/" + name
        try FileManager.default.createDirectory(atPath: home, withIntermediateDirectories: true)
        return ["HOME": home, "XDG_CONFIG_HOME": home + "/conf", "SWEEPD_DATA": home + "/data", "NAME": name]
    }

    /// The environment of an operator who has joined.
    func operatorsHome(_ name: String) throws -> [String: String] {
        try invite(to: "token", "--operator")
        let home = try home(name)
        let joined = try Program.run(["join"], in: path, environment: home, input: path + "/token")
        #expect(joined.status == 0, "\(joined.error)")
        return home
    }

    /// One of this machine.
    func startWorker(_ name: String) throws -> Process {
        try startWorker(environment.merging(["NAME": name]) { $1 }, "--data", data, "--slots", "1", "--gpus", "none")
    }

    func startWorker(_ home: [String: String], _ arguments: String...) throws -> Process {
        let worker = try Program.start(
            ["worker"] + arguments, in: path, environment: home, output: "\(path)/\(home["NAME"] ?? "worker").log")
        attached.append(worker)
        return worker
    }

    func invite(to name: String, _ arguments: String...) throws {
        let invited = try Program.run(["invite", "--token"] + arguments, in: path, environment: environment)
        #expect(invited.status == 0, "\(invited.error)")
        try write(invited.output, to: name)
        chmod(path + "/" + name, 0o600)
    }

    func workers() throws -> [[String: Any]] {
        try list("workers")["workers"] as? [[String: Any]] ?? []
    }

    func keys() throws -> [String] {
        try list("workers")["keys"] as? [String] ?? []
    }

    func waitForWorkers(_ count: Int, sourceLocation: SourceLocation = #_sourceLocation) throws {
        try #require(
            wait { (try? self.workers().count { $0["state"] as? String == "attached" }) == count },
            sourceLocation: sourceLocation)
    }

    /// Trials that run, of all sweeps.
    func running() throws -> Int {
        try workers().reduce(0) { $0 + (($1["busy"] as? Int) ?? 0) }
    }

    func trials(of sweep: String = "s") throws -> [[String: Any]] {
        let exported = try Program.run(
            ["export", sweep, "--format", "jsonl", "--data", data], in: path, environment: environment)
        return exported.output.split(separator: "\n").compactMap {
            try? JSONSerialization.jsonObject(with: Data($0.utf8)) as? [String: Any]
        }.filter { $0["type"] as? String == "trial" }
    }

    private func list(_ command: String) throws -> [String: Any] {
        let result = try Program.run([command, "--json"], in: path, environment: environment)
        return try JSONSerialization.jsonObject(with: Data(result.output.utf8)) as? [String: Any] ?? [:]
    }

    private static func freePort() -> Int {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        defer { close(descriptor) }
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { name in
                _ = bind(descriptor, name, length)
                _ = getsockname(descriptor, name, &length)
            }
        }
        return Int(UInt16(bigEndian: address.sin_port))
    }
}
