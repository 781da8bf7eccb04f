// SPDX-License-Identifier: MIT

import Foundation
import SweepModel
import Testing
import WorkerProtocol

@testable import WorkerAgent

/// Checkpoints through the whole agent: real folders, real children.
@Suite(.serialized) struct CheckpointTests {
    private let coordinator: SmallCoordinator
    private var scratch: Scratch { coordinator.scratch }

    init() throws { coordinator = try SmallCoordinator() }

    private func saved(_ step: Int64, _ content: String = "w") throws -> Checkpoint {
        let path = "\(scratch.path)/old/step-\(step)"
        try Files.makeDirectory(path)
        try scratch.write(content, to: "old/step-\(step)/w")
        let digest = try DirectoryDigest(of: path)
        return Checkpoint(step: step, location: path, digest: digest.hex, bytes: digest.bytes)
    }

    /// A checkpoint that takes minutes to read and no space.
    private func huge(_ step: Int64) throws -> Checkpoint {
        let checkpoint = try saved(step)
        #expect(truncate("\(checkpoint.location)/w", 1 << 40) == 0)
        return checkpoint
    }

    /// Says what it was told of checkpoints, and ends well.
    private func lease(fence: Int64 = 1, _ change: (inout Lease) -> Void = { _ in }) -> Lease {
        let script = """
            echo "$SWEEPD_RESUME_CHECKPOINT|$SWEEPD_RESUME_STEP|$SWEEPD_CHECKPOINT_DIR"
            [ -d "$SWEEPD_CHECKPOINT_DIR" ] && echo folder; echo loss=1
            """
        var lease = coordinator.lease(["/bin/sh", "-c", script], fence: fence)
        lease.metricPattern = "loss=(?<loss>.+)"
        change(&lease)
        return lease
    }

    private func events(
        of lease: Lease, change: (inout WorkerAgentOptions) -> Void = { _ in }
    ) throws -> [AttemptEvent] {
        defer { coordinator.close() }
        let agent = try coordinator.agent(change: change)
        coordinator.offer(lease)
        #expect(coordinator.end(lease.fence.number) != nil)
        agent.requestStop()
        agent.join(within: .seconds(60))
        return coordinator.events(lease.fence.number)
    }

    private func output(_ fence: Int64 = 1) -> [String] {
        scratch.text("a\(fence)/output.log").split(separator: "\n").map(String.init)
    }

    private var ownFolder: String { "\(scratch.path)/a1/checkpoints" }

    @Test func aWholeCheckpointIsGoneOnFrom() throws {
        let checkpoint = try saved(15)
        let events = try events(of: lease { $0.resume = checkpoint })
        #expect(events.first == .started(resumedFrom: 15))
        #expect(events.dropFirst().first == .report(step: 16, metrics: [MetricValue("loss", 1)]))
        #expect(output() == ["\(checkpoint.location)|15|\(ownFolder)", "folder", "loss=1"])
    }

    @Test func aDamagedOneGivesWayToTheOneBefore() throws {
        let (new, old) = (try saved(15), try saved(10))
        try scratch.write("x", to: "old/step-15/w")
        let events = try events(
            of: lease {
                $0.resume = new
                $0.fallbacks = [old]
            })
        #expect(
            events.prefix(3) == [
                .started(resumedFrom: 10),
                .warning(
                    "the checkpoint of step 15 at \(new.location) is damaged (its digest differs); "
                        + "going on from the one of step 10"),
                .report(step: 11, metrics: [MetricValue("loss", 1)]),
            ])
        #expect(output().first == "\(old.location)|10|\(ownFolder)")
    }

    @Test func withoutAnyTheTrialStartsFromTheBeginning() throws {
        let missing = Checkpoint(step: 15, location: "/other/machine/15", digest: "", bytes: 0)
        let events = try events(of: lease { $0.resume = missing })
        #expect(events.first == .started(resumedFrom: nil))
        guard case .warning(let text)? = events.dropFirst().first else {
            Issue.record("no warning: \(events)")
            return
        }
        #expect(text.contains("lies at /other/machine/15, which this machine can't reach: put checkpoints on a path"))
        #expect(text.hasSuffix("the trial starts from the beginning"))
        #expect(output().first == "||\(ownFolder)")
    }

    /// An attempt that goes on from a checkpoint may end without a word; one that starts over may not.
    @Test(arguments: [true, false]) func silenceIsJudgedByWhatWasGoneOnFrom(isWhole: Bool) throws {
        let checkpoint = try saved(15)
        if !isWhole { try scratch.write("x", to: "old/step-15/w") }
        let events = try events(
            of: lease {
                $0.resume = checkpoint
                $0.command = ["/bin/true"]
            })
        let isFinished = if case .finished? = events.last { true } else { false }
        #expect(isFinished == isWhole)
    }

    @Test func aUriIsPassedOn() throws {
        let uri = Checkpoint(step: 15, location: "s3://bucket//run/15", digest: "", bytes: 0)
        let events = try events(
            of: lease {
                $0.resume = uri
                $0.checkpointDirectory = "s3://bucket//new"
            })
        #expect(events.first == .started(resumedFrom: 15))
        #expect(output() == ["s3://bucket//run/15|15|s3://bucket//new", "loss=1"])
        #expect(!Files.exists(ownFolder))
    }

    @Test(arguments: ["", "file://"]) func theSharedFolderIsMade(prefix: String) throws {
        let folder = "\(scratch.path)/shared/t/1/a1"
        _ = try events(of: lease { $0.checkpointDirectory = prefix + folder })
        #expect(output() == ["||\(folder)", "folder", "loss=1"])
        #expect(!Files.exists(ownFolder))
    }

    @Test func aSharedFolderThatCannotBeMadeIsTheUsersAffair() throws {
        try scratch.write("", to: "file")
        let events = try events(of: lease { $0.checkpointDirectory = "\(scratch.path)/file/t/1/a1" })
        guard case .failed(let failure, _)? = events.first else {
            Issue.record("no failure: \(events)")
            return
        }
        #expect(events.count == 1)
        #expect(failure.cause == .user)
        #expect(failure.message.hasPrefix("cannot make the checkpoint folder '\(scratch.path)/file/t/1/a1': "))
        #expect(failure.message.contains("Not a directory; the sweep file's checkpoints: {path: …} must be a folder"))
    }

    enum End: CaseIterable { case stop, abandon, drain, workerStops, workerDrains }

    /// Minutes of reading hold up neither the beats, nor the other slot, nor the end.
    @Test(arguments: End.allCases) func whatIsBeingPreparedCanBeEnded(_ end: End) throws {
        defer { coordinator.close() }
        let checkpoint = try huge(15)
        let agent = try coordinator.agent(slots: 2)
        coordinator.offer(lease { $0.resume = checkpoint })
        #expect(wait { coordinator.digest(1) } != nil)
        coordinator.offer(lease(fence: 2))
        #expect(coordinator.end(2) != nil)
        let beats = coordinator.beats(1)
        #expect(wait { coordinator.beats(1) > beats + 3 ? true : nil } == true)
        #expect(coordinator.events(1).isEmpty)
        switch end {
        case .stop:
            coordinator.want(.stop, 1)
            #expect(coordinator.end(1) == .finished(.stopped, Resources(seconds: 0)))
        case .abandon: coordinator.want(.abandon, 1)
        case .drain, .workerStops, .workerDrains:
            switch end {
            case .workerStops: agent.requestStop()
            case .workerDrains: agent.requestDrain()
            case .stop, .abandon, .drain: coordinator.drain()
            }
            guard case .failed(let failure, _)? = coordinator.end(1) else {
                Issue.record("not handed back")
                return
            }
            #expect(failure.cause == .infrastructure)
        }
        if end == .stop || end == .abandon {
            // Its slot is free again: both can be taken.
            for fence: Int64 in 3...6 { coordinator.offer(lease(fence: fence)) }
            for fence: Int64 in 3...6 { #expect(coordinator.end(fence) != nil) }
        }
        agent.requestStop()
        #expect(agent.join(within: .seconds(20)))
        #expect(coordinator.goodbye != nil)
        #expect(coordinator.events(1).count == (end == .abandon ? 0 : 1))
        #expect(!Files.exists("\(scratch.path)/a1/output.log"))
    }

    @Test func aCheckpointReportedThroughALinkIsRefused() throws {
        let checkpoint = try saved(3)
        symlink("step-3", "\(scratch.path)/old/latest")
        let script =
            WorkerAgentTests.client + """
                say('{"type":"checkpoint","step":3,"path":"\(scratch.path)/old/latest/","id":1}'); print(f.readline())
                say('{"type":"checkpoint","step":3,"path":"\(scratch.path)/old/./step-3/","id":2}'); print(f.readline())
                say('{"type":"checkpoint","step":4,"uri":"s3://b/4","id":3}'); print(f.readline())
                """
        try scratch.write(script, to: "t.py")
        let events = try events(of: lease { $0.command = ["python3", "t.py"] })
        let told = events.compactMap { if case .checkpoint(let checkpoint) = $0 { checkpoint } else { nil } }
        // A temporary folder's path may have two slashes in a row.
        #expect(told.map(\.location) == [checkpoint.location.replacing("//", with: "/"), "s3://b/4"])
        let answers = output().filter { $0.contains("type") }
        #expect(answers.count == 3)
        #expect(answers[0].contains(#"{"type":"error","id":1,"#) && answers[0].contains("is a link"))
        #expect(answers[1].contains(#"{"type":"ok","id":2}"#))
    }

    /// What the coordinator may not have is told after the beginning, beside what is wrong with the rest.
    @Test func whatTheWorkersOwnerDidNotNameIsNotGoneOnFrom() throws {
        let (outside, inside) = (try saved(15), try saved(10))
        try Files.makeDirectory("\(scratch.path)/shared")
        symlink("\(scratch.path)/old/step-15", "\(scratch.path)/shared/out")
        try Files.makeDirectory("\(scratch.path)/files/1/1/a0")
        #expect(rename(inside.location, "\(scratch.path)/files/1/1/a0/step-10") == 0)
        let kept = Checkpoint(
            step: 10, location: "\(scratch.path)/files/1/1/a0/step-10", digest: inside.digest, bytes: inside.bytes)
        let lease = lease {
            $0.resume = outside
            $0.fallbacks = [kept]
            $0.checkpointDirectory = "\(scratch.path)/shared/out/x"
        }
        let events = try events(of: lease) { options in
            options.policy = LeasePolicy(
                isElsewhere: true, attemptsDirectory: "\(scratch.path)/files", commandDirectory: scratch.path,
                checkpointRoots: ["\(scratch.path)/shared"])
        }
        #expect(events.first == .started(resumedFrom: 10))
        let warnings = events.compactMap { if case .warning(let text) = $0 { text } else { nil } }
        #expect(warnings.count == 2)
        #expect(warnings.first?.hasPrefix("checkpoints stay on this worker") == true)
        #expect(warnings.last?.hasPrefix("1 checkpoints of earlier attempts") == true)
        #expect(!Files.exists("\(outside.location)/x"))
    }

    /// The agent beats and serves others while a checkpoint's storage does not answer; what comes after waits its turn.
    @Test(arguments: [true, false]) func storageThatDoesNotAnswerHoldsUpNobody(endsMeanwhile: Bool) throws {
        defer { coordinator.close() }
        let (asked, answer) = (DispatchSemaphore(value: 0), DispatchSemaphore(value: 0))
        let script =
            WorkerAgentTests.client + """
                say('{"type":"report","step":1,"metrics":{"loss":1}}')
                say('{"type":"checkpoint","step":1,"path":"/silent/1","id":1}')
                say('{"type":"report","step":2,"metrics":{"loss":2}}')
                if \(endsMeanwhile ? "False" : "True"): print(f.readline())
                """
        try scratch.write(script, to: "t.py")
        let agent = try coordinator.agent(slots: 2) { options in
            options.isLink = { path in
                guard path == "/silent/1" else { return Files.isLink(path) }
                asked.signal()
                answer.wait()
                return false
            }
        }
        coordinator.offer(lease { $0.command = ["python3", "t.py"] })
        asked.wait()
        coordinator.offer(lease(fence: 2))
        #expect(coordinator.end(2) != nil)
        let beats = coordinator.beats(1)
        #expect(wait { coordinator.beats(1) > beats + 3 ? true : nil } == true)
        #expect(coordinator.events(1).count == 2)
        answer.signal()
        let end = coordinator.end(1)
        let isCompleted = if case .finished(.completed, _)? = end { true } else { false }
        #expect(isCompleted, "\(end as Any)")
        let saved = Checkpoint(step: 1, location: "/silent/1", digest: "", bytes: 0)
        #expect(
            coordinator.events(1).dropLast() == [
                .started(resumedFrom: nil), .report(step: 1, metrics: [MetricValue("loss", 1)]), .checkpoint(saved),
                .report(step: 2, metrics: [MetricValue("loss", 2)]),
            ])
        if !endsMeanwhile { #expect(output().contains { $0.contains(#""ok""#) }) }
        agent.requestStop()
        #expect(agent.join(within: .seconds(20)))
    }

    /// Whoever goes on from it looks again; what is saved must not be lost, nor the attempt's end.
    @Test func storageThatNeverAnswersLosesNothing() throws {
        defer { coordinator.close() }
        let answer = DispatchSemaphore(value: 0)
        defer { answer.signal() }
        let script =
            WorkerAgentTests.client + """
                for step in range(1, 4):
                    say('{"type":"checkpoint","step":%d,"path":"/silent/%d"}' % (step, step))
                say('{"type":"report","step":3,"metrics":{"loss":3}}')
                """
        try scratch.write(script, to: "t.py")
        let agent = try coordinator.agent { options in
            options.isLink = { _ in
                answer.wait()
                return true
            }
        }
        coordinator.offer(lease { $0.command = ["python3", "t.py"] })
        let end = coordinator.end(1)
        let isCompleted = if case .finished(.completed, _)? = end { true } else { false }
        #expect(isCompleted, "\(end as Any)")
        #expect(coordinator.events(1).count { if case .checkpoint = $0 { true } else { false } } == 3)
        agent.requestStop()
        #expect(agent.join(within: .seconds(20)))
    }
}
