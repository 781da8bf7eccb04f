// SPDX-License-Identifier: MIT

import Foundation
import SweepModel
import Testing
import WorkerProtocol

@testable import WorkerAgent

/// The agent with real children, against a small coordinator.
@Suite(.serialized) struct WorkerAgentTests {
    /// Sends its arguments, a line each, to the report socket; then prints what comes back until the end.
    static let client = """
        import os, socket, sys, time
        s = socket.socket(socket.AF_UNIX); s.connect(os.environ['SWEEPD_SOCKET']); f = s.makefile('rwb')
        def say(line):
            f.write(line.encode() + b'\\n'); f.flush()

        """

    private func run(
        _ script: String, python: Bool = true, enclosure: MemoryEnclosure? = nil,
        change: (inout Lease) -> Void = { _ in },
        during: (SmallCoordinator, WorkerAgent) -> Void = { _, _ in }
    ) throws -> (events: [AttemptEvent], coordinator: SmallCoordinator) {
        let coordinator = try SmallCoordinator()
        defer { coordinator.close() }
        try coordinator.scratch.write(python ? Self.client + script : script, to: python ? "t.py" : "t.sh")
        var lease = coordinator.lease(python ? ["python3", "t.py"] : ["/bin/bash", "t.sh"])
        change(&lease)
        let agent = try coordinator.agent(enclosure: enclosure)
        coordinator.offer(lease)
        during(coordinator, agent)
        let end = coordinator.end(1)
        #expect(end != nil)
        agent.requestStop()
        agent.join(within: .seconds(60))
        return (coordinator.events(1), coordinator)
    }

    private func failure(_ events: [AttemptEvent]) throws -> AttemptFailure {
        guard case .failed(let failure, _)? = events.last else {
            throw Unexpected(events: events)
        }
        return failure
    }

    private func outcome(_ events: [AttemptEvent]) throws -> AttemptEvent.Outcome {
        guard case .finished(let outcome, _)? = events.last else { throw Unexpected(events: events) }
        return outcome
    }

    private func warnings(_ events: [AttemptEvent]) -> [String] {
        events.compactMap { if case .warning(let text) = $0 { text } else { nil } }
    }

    struct Unexpected: Error { let events: [AttemptEvent] }

    @Test func aTrialReportsAndCompletes() throws {
        let script = """
            say('{"type":"hello"}')
            say('{"type":"report","metrics":{"loss":0.5},"id":1}'); print(f.readline())
            say('{"type":"report","step":5,"metrics":{"loss":NaN,"acc":1}}')
            say('{"type":"report","step":3,"metrics":{"loss":0.25}}')
            say('{"type":"checkpoint","step":5,"path":"/c/5","bytes":3}')
            print(open(os.environ['SWEEPD_PARAMS']).read(), os.environ['SWEEPD_SEED'])
            """
        let (events, coordinator) = try run(script)
        #expect(try outcome(events) == .completed)
        #expect(events.count == 7)
        #expect(events[0] == .started(resumedFrom: nil))
        #expect(events[1] == .report(step: 1, metrics: [MetricValue("loss", 0.5)]))
        #expect(events[4] == .report(step: 3, metrics: [MetricValue("loss", 0.25)]))
        #expect(events[5] == .checkpoint(Checkpoint(step: 5, location: "/c/5", digest: "", bytes: 3)))
        #expect(warnings(events).count == 1)
        let output = coordinator.scratch.text("a1/output.log")
        #expect(output.contains(#"{"type":"ok","id":1}"#))
        #expect(output.contains(#"{"lr":0.1}"#) && output.contains("18446744073709551615"))
        #expect(coordinator.scratch.text("a1/wandb-params.yaml") == "wandb_version: 1\n\n\"lr\":\n  value: 0.1\n")
        #expect(coordinator.goodbye == "stopped")
        #expect(!FileManager.default.fileExists(atPath: "\(coordinator.scratch.path)/s"))
    }

    @Test func aScriptThatKnowsNothingIsReadByAPattern() throws {
        let (events, _) = try run("echo 'step 1: loss=2.5'; printf 'step 2: loss=1.5'", python: false) {
            $0.metricPattern = #"step (?<step>\d+): (?<name>\w+)=(?<value>\S+)"#
        }
        #expect(try outcome(events) == .completed)
        #expect(events.contains(.report(step: 2, metrics: [MetricValue("loss", 1.5)])))
    }

    @Test(arguments: [
        ("exit 3", AttemptFailure.Cause.user, "exit code 3"),
        ("exit 0", .user, "no metric 'loss' was reported, nor any other"),
        ("echo m_los=1", .user, "no metric 'loss' was reported; reported: m_los"),
        ("echo lossy=1", .user, "did you mean 'lossy'?"),
        ("echo loss=1; echo loss=nan", .diverged, "was NaN at the end"),
        ("echo loss=inf", .diverged, "was infinite at the end"),
        ("kill -SEGV $$", .signal, "killed by SIGSEGV (11)"),
        ("kill -KILL $$", .signal, "killed by SIGKILL (9)"),
        ("echo 'MemoryError'; exit 1", .memory, "out of memory"),
    ])
    func tellsWhatWentWrong(script: String, cause: AttemptFailure.Cause, message: String) throws {
        let (events, _) = try run(script, python: false) { $0.metricPattern = #"(?<name>\w+)=(?<value>\S+)"# }
        let failure = try failure(events)
        #expect(failure.cause == cause)
        #expect(failure.message.contains(message), "\(failure.message)")
    }

    @Test(arguments: [
        (["trian.py"], "cannot start 'trian.py': No such file or directory"),
        (["./t.shh"], "cannot start './t.shh': No such file or directory; did you mean './t.sh'?"),
        (["./t.sh"], "Permission denied; make it executable"), (["t.sh"], "write './t.sh'"),
        ([], "has no command"),
    ])
    func tellsWhyNothingStarts(command: [String], message: String) throws {
        let (events, _) = try run("exit 0", python: false) { $0.command = command }
        let failure = try failure(events)
        #expect(failure.cause == .user)
        #expect(failure.message.contains(message), "\(failure.message)")
    }

    @Test func aMissingProgramIsNamedWithTheNearest() throws {
        let (events, _) = try run("exit 0", python: false) {
            $0.command = []
            $0.program = "t.hs"
        }
        #expect(try failure(events).message.contains("did you mean 't.sh'?"))
    }

    @Test func badLinesAreAnsweredWarnedOnceAndBounded() throws {
        let script = """
            say('{"type":"hello"}')
            for _ in range(3): say('nonsense'); assert b'"error"' in f.readline()
            f.write(b'x' * (10 << 20) + b'\\n'); f.flush(); assert b'"error"' in f.readline()
            f.write(b'{"type":"\\xff"}\\n'); f.flush(); assert b'"error"' in f.readline()
            say('{"type":"report","step":1,"metrics":{"loss":1},"id":9}'); assert b'"ok"' in f.readline()
            sys.stdout.buffer.write(b'\\xff\\xfe' + b'y' * (10 << 20)); print('end')
            """
        let (events, coordinator) = try run(script)
        #expect(try outcome(events) == .completed)
        #expect(warnings(events).count == 3)
        #expect(events.contains(.report(step: 1, metrics: [MetricValue("loss", 1)])))
        #expect(
            FileManager.default.contents(atPath: "\(coordinator.scratch.path)/a1/output.log")?.count == 10 << 20 | 6)
    }

    @Test func everyReportBeforeTheEndArrives() throws {
        let script = """
            for i in range(3000): f.write(b'{"type":"report","step":%d,"metrics":{"loss":%d}}\\n' % (i, i))
            f.flush(); os._exit(0)
            """
        let (events, _) = try run(script)
        #expect(try outcome(events) == .completed)
        #expect(events.count == 3002)
    }

    @Test func aScriptThatFollowsAlongIsAskedToStop() throws {
        let script = """
            say('{"type":"hello"}'); say('{"type":"report","metrics":{"loss":1}}')
            line = f.readline(); print('heard', line.decode())
            say('{"type":"checkpoint","step":1,"path":"/c"}')
            """
        let (events, coordinator) = try run(script) {
            $0.grace = .seconds(20)
        } during: { coordinator, _ in
            _ = wait { coordinator.events(1).count >= 2 ? true : nil }
            coordinator.want(.stop, 1, reason: "rung 1")
        }
        #expect(try outcome(events) == .stopped)
        #expect(coordinator.scratch.text("a1/output.log").contains(#"heard {"type":"stop","reason":"rung 1"}"#))
        #expect(events.contains(.checkpoint(Checkpoint(step: 1, location: "/c", digest: "", bytes: 0))))
    }

    @Test(arguments: ["exec sleep 300", "trap '' TERM; while true; do sleep 1; done"])
    func aScriptThatDoesNotIsEndedWithItsGroup(script: String) throws {
        let (events, coordinator) = try run("sleep 300 & echo $! > g; \(script)", python: false) { _ in
        } during: { coordinator, _ in
            _ = coordinator.scratch.number(in: "g")
            coordinator.want(.stop, 1)
        }
        #expect(try outcome(events) == .stopped)
        let grandchild = try #require(coordinator.scratch.number(in: "g"))
        #expect(wait { hasEnded(grandchild) ? true : nil } == true)
    }

    /// nil: the best this machine has.
    @Test(arguments: [MemoryEnclosure.sampling, nil]) func limitsHold(enclosure: MemoryEnclosure?) throws {
        let timeout = try failure(
            try run("sleep 300", python: false, enclosure: enclosure) { $0.timeLimit = .milliseconds(500) }.events)
        #expect(timeout.cause == .timeout)
        #expect(timeout.message.contains("limit of 0.5 s"))
        let memory = try failure(
            try run(
                "x = bytearray(200 << 20); x[::4096] = b'1' * len(x[::4096]); time.sleep(300)", enclosure: enclosure
            ) {
                $0.memoryLimit = 100 << 20
            }.events)
        #expect(memory.cause == .memory)
        #expect(memory.message.contains("limit of 100.0 MiB"))
    }

    /// It is asked, has its grace, and is killed; so are a child of its group and one that forked twice and left it.
    @Test(arguments: [MemoryEnclosure.sampling, nil])
    func theTimeLimitEndsAWholeTreeThatIgnoresIt(enclosure: MemoryEnclosure?) throws {
        let script = """
            trap 'echo asked >> asked' TERM
            (trap '' TERM; echo $BASHPID > g; while true; do sleep 1; done) &
            (setsid bash -c "trap '' TERM; echo \\$\\$ > z; while true; do sleep 1; done" &)
            until [ -s g ] && [ -s z ]; do sleep 0.01; done
            echo ready > r
            while true; do sleep 0.05; done
            """
        let (events, coordinator) = try run(script, python: false, enclosure: enclosure) {
            $0.timeLimit = .milliseconds(1500)
        }
        #expect(try failure(events).cause == .timeout)
        #expect(coordinator.scratch.text("r") == "ready\n")
        #expect(coordinator.scratch.text("asked") == "asked\n")
        for name in ["g", "z"] {
            let process = try #require(coordinator.scratch.number(in: name))
            #expect(wait { hasEnded(process) ? true : nil } == true)
        }
    }

    /// A slot's next trial must not find the last one's processes, also when nothing else runs that would look for them.
    @Test func whatLeftItsGroupEndsWithItsAttempt() throws {
        let coordinator = try SmallCoordinator()
        defer { coordinator.close() }
        let agent = try coordinator.agent(slots: 1)
        let stray = "setsid sh -c 'echo $$ > z; exec sleep 300' > /dev/null 2>&1 &"
        coordinator.offer(
            coordinator.lease(["/bin/bash", "-c", "\(stray) until [ -s z ]; do sleep 0.01; done; exit 3"]))
        #expect(coordinator.end(1) != nil)
        let process = try #require(coordinator.scratch.number(in: "z"))
        #expect(wait { hasEnded(process) ? true : nil } == true)
        agent.requestStop()
        agent.join(within: .seconds(60))
    }

    @Test func whatIsAbandonedDiesSilently() throws {
        let coordinator = try SmallCoordinator()
        defer { coordinator.close() }
        let agent = try coordinator.agent()
        coordinator.offer(coordinator.lease(["/bin/sh", "-c", "echo $$ > p; exec sleep 300"]))
        let child = try #require(coordinator.scratch.number(in: "p"))
        coordinator.want(.abandon, 1)
        #expect(wait { hasEnded(child) ? true : nil } == true)
        agent.requestDrain()
        agent.join(within: .seconds(60))
        #expect(coordinator.events(1) == [.started(resumedFrom: nil)])
        #expect(coordinator.goodbye == "drained")
    }

    @Test func stoppingHandsBackWhatRunsAndKillsWhatLeftItsGroup() throws {
        let coordinator = try SmallCoordinator()
        defer { coordinator.close() }
        let agent = try coordinator.agent(slots: 1)
        coordinator.offer(
            coordinator.lease(["/bin/sh", "-c", "setsid sh -c 'echo $$ > g; exec sleep 300' >&2 & exec sleep 300"]))
        coordinator.offer(coordinator.lease(["/bin/true"], fence: 2))
        let grandchild = try #require(coordinator.scratch.number(in: "g"))
        agent.requestStop()
        agent.join(within: .seconds(60))
        #expect(coordinator.events(1) == [.started(resumedFrom: nil)])
        #expect(coordinator.events(2).count <= 1)
        #expect(coordinator.goodbye == "stopped")
        #expect(hasEnded(grandchild))
        #expect(agent.hasEnded)
    }

    /// The goodbye releases the trial, and what it releases must find its last checkpoint: it is not said before that is
    /// durable. A word of the trial's end would be charged to it.
    @Test func whatIsHandedBackHasItsCheckpointAndNoEnd() throws {
        let coordinator = try SmallCoordinator()
        defer { coordinator.close() }
        let script = """
            say('{"type":"hello"}'); say('{"type":"report","metrics":{"loss":1}}')
            f.readline(); say('{"type":"checkpoint","step":1,"path":"/c"}')
            """
        try coordinator.scratch.write(Self.client + script, to: "t.py")
        let agent = try coordinator.agent(slots: 1) { $0.goodbye = .seconds(60) }
        var lease = coordinator.lease(["python3", "t.py"])
        lease.grace = .seconds(20)
        coordinator.offer(lease)
        #expect(wait { coordinator.events(1).count >= 2 ? true : nil } == true)
        coordinator.withholdAcknowledgements()
        agent.requestStop()
        #expect(wait { coordinator.events(1).count >= 3 ? true : nil } == true)
        let beats = coordinator.beats(1)
        // The child has ended by now, or soon does.
        #expect(wait { coordinator.beats(1) >= beats + 20 ? true : nil } == true)
        #expect(coordinator.goodbye == nil)
        coordinator.acknowledgeWithheld()
        #expect(agent.join(within: .seconds(30)))
        #expect(coordinator.goodbye == "stopped")
        #expect(
            coordinator.events(1) == [
                .started(resumedFrom: nil), .report(step: 1, metrics: [MetricValue("loss", 1)]),
                .checkpoint(Checkpoint(step: 1, location: "/c", digest: "", bytes: 0)),
            ])
    }

    /// A coordinator that wants it ended hears how it ended, also when the worker is told to go right afterwards.
    @Test func whatWasToStopAnywayEndsAsEver() throws {
        let coordinator = try SmallCoordinator()
        defer { coordinator.close() }
        let agent = try coordinator.agent(slots: 1)
        let script = "trap 'touch asked' TERM; echo $$ > p; until [ -e go ]; do sleep 0.01; done"
        var lease = coordinator.lease(["/bin/bash", "-c", script])
        lease.grace = .seconds(20)
        coordinator.offer(lease)
        #expect(coordinator.scratch.number(in: "p") != nil)
        coordinator.want(.stop, 1, reason: "rung 1")
        #expect(wait { Files.exists("\(coordinator.scratch.path)/asked") ? true : nil } == true)
        agent.requestStop()
        try coordinator.scratch.write("", to: "go")
        #expect(try outcome(wait { coordinator.events(1).count > 1 ? coordinator.events(1) : nil } ?? []) == .stopped)
        #expect(agent.join(within: .seconds(30)))
    }

    /// The worker stays, so no goodbye would release the trial.
    @Test func aWorkerWithoutACoordinatorSaysWhyItEndedATrial() throws {
        let coordinator = try SmallCoordinator()
        let agent = try coordinator.agent(slots: 1) { $0.offlineRun = .milliseconds(1500) }
        coordinator.offer(coordinator.lease(["/bin/sh", "-c", "echo $$ > p; exec sleep 300"]))
        let child = try #require(coordinator.scratch.number(in: "p"))
        #expect(wait { coordinator.events(1).isEmpty ? nil : true } == true)
        coordinator.pause()
        #expect(wait { hasEnded(child) ? true : nil } == true)
        coordinator.proceed()
        let failure = try failure(wait { coordinator.events(1).count > 1 ? coordinator.events(1) : nil } ?? [])
        #expect(failure.cause == .infrastructure)
        #expect(failure.message == "the worker had heard of no coordinator for 1.5 s")
        agent.requestStop()
        #expect(agent.join(within: .seconds(30)))
        coordinator.close()
    }

    @Test func aCoordinatorThatDrainsGetsBackWhatNeverBegan() throws {
        let coordinator = try SmallCoordinator()
        defer { coordinator.close() }
        let agent = try coordinator.agent(slots: 1)
        coordinator.offer(coordinator.lease(["/bin/sh", "-c", "until [ -e go ]; do sleep 0.01; done; exit 7"]))
        coordinator.offer(coordinator.lease(["/bin/true"], fence: 2))
        _ = wait { coordinator.digest(2) }
        coordinator.drain()
        guard case .failed(let failure, _)? = coordinator.end(2) else {
            Issue.record("not handed back")
            return
        }
        #expect(failure.cause == .infrastructure)
        #expect(coordinator.events(2).count == 1)
        try coordinator.scratch.write("", to: "go")
        #expect(coordinator.end(1) != nil)
        agent.requestStop()
        agent.join(within: .seconds(60))
    }

    /// What runs may take days yet: nothing that never began must wait for it.
    @Test func aWorkerThatDrainsTakesNothingAndKeepsNothingWaiting() throws {
        let coordinator = try SmallCoordinator()
        defer { coordinator.close() }
        let agent = try coordinator.agent(slots: 1)
        let script = "echo $$ > p; until [ -e go ]; do sleep 0.01; done; exit 7"
        coordinator.offer(coordinator.lease(["/bin/sh", "-c", script]))
        #expect(coordinator.scratch.number(in: "p") != nil)
        coordinator.offer(coordinator.lease(["/bin/true"], fence: 2))
        #expect(wait { coordinator.digest(2) } != nil)
        agent.requestDrain()
        guard case .failed(let failure, _)? = coordinator.end(2) else {
            Issue.record("not handed back")
            return
        }
        #expect(failure.cause == .infrastructure)
        #expect(coordinator.events(2).count == 1)
        coordinator.offer(coordinator.lease(["/bin/true"], fence: 3))
        #expect(wait { coordinator.declined(3) } == "this worker is leaving")
        #expect(coordinator.digest(3) == nil)
        #expect(coordinator.events(1) == [.started(resumedFrom: nil)])
        try coordinator.scratch.write("", to: "go")
        #expect(agent.join(within: .seconds(30)))
        #expect(coordinator.events(1).count == 2)
        #expect(coordinator.goodbye == "drained")
    }

    @Test func slotsRunSideBySideAndNoMore() throws {
        let coordinator = try SmallCoordinator()
        defer { coordinator.close() }
        let agent = try coordinator.agent(slots: 2)
        for fence: Int64 in 1...6 {
            let script = "mkdir r$0 && ls -d r* | wc -l >> n; sleep 0.1; rmdir r$0"
            coordinator.offer(coordinator.lease(["/bin/bash", "-c", script, String(fence)], fence: fence))
        }
        for fence: Int64 in 1...6 { #expect(coordinator.end(fence) != nil) }
        agent.requestDrain()
        agent.join(within: .seconds(60))
        let counts = coordinator.scratch.text("n").split(separator: "\n").compactMap { Int($0) }
        #expect(counts.count == 6)
        #expect(counts.max() ?? 9 <= 2)
    }
}
