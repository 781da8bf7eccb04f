// SPDX-License-Identifier: MIT

import Foundation
import SweepModel
import Testing
import WorkerProtocol

@testable import WorkerAgent

/// Real processes that take more than they may. Where control groups cannot be had, their half is skipped and says why.
@Suite(.serialized) struct MemoryEnclosureTests {
    private struct End {
        let exit: ChildProcess.Exit
        let tail: String
        let limit: Int64?

        var failure: AttemptFailure? {
            let verdict = AttemptVerdict(
                objective: Objective(metric: "loss"),
                progress: ReportProgress(objective: Objective(metric: "loss"), resumedFrom: nil), isResumed: false,
                exit: exit, processID: 1, tail: tail, resources: Resources(), memoryLimit: limit)
            if case .failed(let failure, _) = verdict.event { return failure }
            return nil
        }
    }

    /// Established once: the process may be moved.
    private static let established = MemoryEnclosure.establish()
    static let hasGroups = established.controlGroup != nil
    static let hasMemory = established.limitsMemory
    static let why = Comment(rawValue: established.reason)

    private func run(
        _ script: String, in enclosure: MemoryEnclosure, limit: Int64?, environment: [String: String] = [:],
        whileRunning: (borrowing ChildProcess) -> Void = { _ in }
    ) throws -> End {
        let python = try #require(Interpreter.find("python3", environment: ProcessInfo.processInfo.environment))
        let variables = ProcessInfo.processInfo.environment.merging(environment) { $1 }
        let child = try ChildProcess.start(
            path: python, arguments: [python, "-c", script], environment: variables, directory: "/",
            enclosure: try enclosure.fence("t\(UInt32.random(in: 0...999_999))", limit: limit))
        whileRunning(child)
        let (exit, output) = child.outputAtEnd()
        return End(exit: exit, tail: String(decoding: output, as: UTF8.self), limit: limit)
    }

    private static let greedy = "x = bytearray(200 << 20); x[::4096] = b'1' * len(x[::4096]); print('survived')"

    // MARK: Without control groups

    /// More than may ever be mapped: Python itself says so.
    @Test func anAllocationBeyondTheDataLimitFails() throws {
        let gibibytes = 2 + ProcessInfo.processInfo.processorCount
        let end = try run("bytearray(\(gibibytes) << 30)", in: .sampling, limit: 100 << 20)
        #expect(end.exit.kind == .code(1))
        let failure = try #require(end.failure)
        #expect(failure.cause == .memory)
        #expect(failure.message == "out of memory: MemoryError (exit code 1)")
    }

    /// What is mapped and never touched must not fail a trial: 64 stacks are half a gibibyte.
    @Test func idleThreadsFitIntoASmallLimit() throws {
        let script = """
            import threading
            gate = threading.Event(); threads = [threading.Thread(target=gate.wait) for _ in range(64)]
            for t in threads: t.start()
            print([l for l in open('/proc/self/limits') if 'data size' in l][0]); gate.set()
            """
        let end = try run(script, in: .sampling, limit: 64 << 20)
        #expect(end.exit.kind == .code(0))
        let expected = (64 << 20) + (1 << 30) + (64 << 20) * ProcessInfo.processInfo.processorCount
        #expect(end.tail.split(separator: " ").contains("\(expected)"), "\(end.tail)")
    }

    @Test func withoutALimitNothingIsSet() throws {
        let own = try run("print(open('/proc/self/limits').read())", in: .sampling, limit: nil)
        let ours = String(decoding: try #require(Files.read("/proc/self/limits")), as: UTF8.self)
        func line(_ text: String) -> Substring? { text.split(separator: "\n").first { $0.contains("data size") } }
        #expect(line(own.tail) == line(ours))
    }

    /// What other languages and libraries say when they get no memory.
    @Test(arguments: [
        ("numpy._core._exceptions._ArrayMemoryError: Unable to allocate 8 GiB", ChildProcess.Exit.Kind.code(1), true),
        ("terminate called after throwing an instance of 'std::bad_alloc'", .signal(SIGABRT), true),
        ("RuntimeError: DefaultCPUAllocator: can't allocate memory: you tried", .code(1), true),
        ("OSError: [Errno 12] Cannot allocate memory", .code(1), true), ("ValueError: no", .code(1), false),
        ("Aborted", .signal(SIGABRT), false),
    ])
    func wordsTellOfMemory(tail: String, kind: ChildProcess.Exit.Kind, isMemory: Bool) {
        let end = End(exit: ChildProcess.Exit(kind: kind, peakMemory: nil), tail: tail, limit: nil)
        #expect((end.failure?.cause == .memory) == isMemory)
    }

    @Test func aKillForTheMachinesSakeIsNotTheTrials() {
        for kind in [ChildProcess.Exit.Kind.signal(SIGKILL), .code(1)] {
            let exit = ChildProcess.Exit(kind: kind, peakMemory: nil, memoryKill: .elsewhere)
            #expect(End(exit: exit, tail: "MemoryError", limit: 1 << 30).failure?.cause == .infrastructure)
        }
    }

    @Test func aFallbackSaysWhy() {
        #expect(MemoryEnclosure.sampling.controlGroup == nil)
        #expect(!Self.established.reason.isEmpty && !MemoryEnclosure.foreseen.contains("\n"))
        // The looker and the taker agree, except where we had to be moved first.
        #expect(MemoryEnclosure.foreseen.hasPrefix("control groups") == Self.hasGroups, "\(Self.why)")
    }

    // MARK: With memory's controller

    @Test(.enabled(if: hasMemory, why)) func theKernelHoldsTheLimit() throws {
        let end = try run(Self.greedy, in: Self.established, limit: 100 << 20)
        #expect(end.exit.kind == .signal(SIGKILL) && end.exit.memoryKill == .ownLimit)
        let failure = try #require(end.failure)
        #expect(failure.cause == .memory)
        #expect(failure.message == "resident memory reached the limit of 100.0 MiB")
        #expect((end.exit.peakMemory ?? 0) > 90 << 20 && (end.exit.peakMemory ?? 0) < 110 << 20)
        let within = try run(Self.greedy, in: Self.established, limit: 300 << 20)
        #expect(within.exit.kind == .code(0) && within.exit.memoryKill == .none)
        #expect((within.exit.peakMemory ?? 0) > 200 << 20 && (within.exit.peakMemory ?? 0) < 260 << 20)
    }

    /// None of them is large, and all of them die.
    @Test(.enabled(if: hasMemory, why)) func manySmallChildrenAreCountedTogether() throws {
        let scratch = try Scratch()
        let script = """
            import os, time
            for i in range(40):
                if os.fork() == 0:
                    if i % 2: os.setsid()
                    x = bytearray(8 << 20); x[::4096] = b'1' * len(x[::4096])
                    time.sleep(300); os._exit(0)
                open('\(scratch.path)/n', 'w').write(str(i + 1))
            time.sleep(300)
            """
        let end = try run(script, in: Self.established, limit: 128 << 20, environment: ["SWEEPD_AGENT": scratch.path])
        #expect(end.exit.memoryKill == .ownLimit)
        #expect(end.failure?.cause == .memory)
        #expect(wait { Leftovers.find(token: scratch.path).isEmpty ? true : nil } == true)
    }

    /// A trial that reads more than its limit from disk is not out of memory, and has not used it.
    @Test(.enabled(if: hasMemory, why)) func theFilesCacheFailsNobody() throws {
        // A temporary folder may be memory itself.
        let script = """
            import tempfile
            with tempfile.TemporaryFile(dir='/var/tmp') as f:
                for _ in range(200): f.write(b'1' * (1 << 20))
                f.seek(0)
                while f.read(1 << 20): pass
            """
        let end = try run(script, in: Self.established, limit: 100 << 20)
        #expect(end.exit.kind == .code(0) && end.exit.memoryKill == .none, "\(end.tail)")
        #expect((end.exit.peakMemory ?? 0) < 60 << 20)
    }

    // MARK: With control groups of whatever kind

    /// Twice forked, in a session of its own, deaf to SIGTERM, without our mark in its environment.
    @Test(.enabled(if: hasGroups, why)) func nothingLeavesItsGroup() throws {
        let scratch = try Scratch()
        let script = """
            import os, signal, time
            signal.signal(signal.SIGTERM, signal.SIG_IGN)
            if os.fork() == 0:
                os.setsid()
                if os.fork() == 0:
                    open('\(scratch.path)/g.new', 'w').write(str(os.getpid()))
                    os.rename('\(scratch.path)/g.new', '\(scratch.path)/g')
                    os.execve('/bin/sleep', ['sleep', '300'], {})
                os._exit(0)
            os.wait(); time.sleep(300)
            """
        let end = try run(script, in: Self.established, limit: nil) { child in
            _ = scratch.number(in: "g")
            child.signalGroup(SIGTERM)
            #expect(child.reap() == nil)
            child.signalGroup(SIGKILL)
        }
        #expect(end.exit.kind == .signal(SIGKILL) && end.exit.memoryKill == .none)
        let grandchild = try #require(scratch.number(in: "g"))
        #expect(wait { hasEnded(grandchild) ? true : nil } == true)
    }

    @Test(.enabled(if: hasGroups, why)) func groupsGoWithTheirAttempts() throws {
        let folder = try #require(Self.established.controlGroup)
        var group: ControlGroup?
        _ = try run("print(open('/proc/self/cgroup').read())", in: Self.established, limit: nil) { child in
            group = child.group
        }
        let path = try #require(group?.path)
        #expect(path.hasPrefix(folder + "/"))
        #expect(!Files.exists(path))
        #expect(throws: ChildProcess.Failure.self) {
            _ = try ChildProcess.start(
                path: "/no/such", arguments: ["x"], environment: [:], directory: "/",
                enclosure: try Self.established.fence("none", limit: nil))
        }
        #expect(!Files.exists("\(folder)/none"))
    }

    @Test(.enabled(if: hasGroups, why)) func theGuardKillsTheGroup() throws {
        let processGuard = try ProcessGuard.start()
        let child = try ChildProcess.start(
            path: "/bin/sleep", arguments: ["sleep", "300"], environment: [:], directory: "/",
            enclosure: try Self.established.fence("guarded", limit: nil))
        processGuard.watch(Self.established)
        #expect(child.reap() == nil)
        // It has been told of no process and of no token.
        processGuard.end()
        #expect(wait { child.reap() }?.kind == .signal(SIGKILL))
    }

    /// The name of its group says that the agent is gone.
    @Test(.enabled(if: hasGroups, why)) func whatAKilledAgentLeftIsRemovedAtTheNextStart() throws {
        // Not where other tests' agents look.
        let base = try ControlGroup.make(
            at: "\(try #require(Self.established.controlGroup))/base", memoryLimit: nil)
        let place = ControlGroupPlace(base: base, mustMove: false, hasMemory: false)
        let own = try place.take()
        let left = try ControlGroup.make(at: "\(base.path)/sweepd-\(getpid()).1.7", memoryLimit: nil)
        let attempt = try ControlGroup.make(at: "\(left.path)/12", memoryLimit: nil)
        let child = try ChildProcess.start(
            path: "/bin/sleep", arguments: ["sleep", "300"], environment: [:], directory: "/",
            enclosure: ChildProcess.Enclosure(group: attempt))
        #expect(attempt.processes == [child.id])
        place.removeLeftovers()
        #expect(!Files.exists(left.path))
        #expect(wait { child.reap() }?.kind == .signal(SIGKILL))
        #expect(Files.exists(own.path))
        #expect(base.remove(within: .seconds(1)))
    }
}
