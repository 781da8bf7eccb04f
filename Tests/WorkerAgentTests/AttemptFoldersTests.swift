// SPDX-License-Identifier: MIT

import Foundation
import SweepModel
import Testing
import WorkerProtocol

@testable import WorkerAgent

/// What is removed is old, an attempt's, and nobody's present concern.
@Suite struct AttemptFoldersTests {
    private let scratch: Scratch
    private var root: String { "\(scratch.path)/files" }
    private static let old = 1_700_000_000

    init() throws {
        scratch = try Scratch()
    }

    /// With a log and a checkpoint; everything in it is as old.
    private func makeAttempt(_ name: String, at seconds: Int = old) throws {
        let folder = "\(root)/\(name)"
        try FileManager.default.createDirectory(
            atPath: folder + "/checkpoints/step-1", withIntermediateDirectories: true)
        for file in ["output.log", "checkpoints/step-1/weights"] {
            try Data("x".utf8).write(to: URL(fileURLWithPath: "\(folder)/\(file)"))
        }
        for entry in ["checkpoints/step-1/weights", "checkpoints/step-1", "checkpoints", "output.log", ""] {
            try age("\(name)/\(entry)", to: seconds)
        }
    }

    private func age(_ name: String, to seconds: Int) throws {
        try FileManager.default.setAttributes(
            [.modificationDate: Date(timeIntervalSince1970: Double(seconds))], ofItemAtPath: "\(root)/\(name)")
    }

    private func lease(sweep: Int, trial: Int, resume: String? = nil) -> Lease {
        Lease(
            fence: Fence(99), sweep: SweepID(sweep), sweepName: "s", trial: trial, attempt: 1,
            configuration: Configuration([]), parametersDigest: "", seed: 1, objective: Objective(metric: "loss"),
            resume: resume.map { Checkpoint(step: 1, location: "\(root)/\($0)", digest: "", bytes: 0) })
    }

    private func untouched(except leases: [Lease] = []) -> [String] {
        AttemptFolders(root: root).untouched(since: Self.old + 100, except: leases)
            .map { String($0.dropFirst(root.count + 1)) }
    }

    @Test func onlyWhatIsOldIsNamed() throws {
        for name in ["1/0/a1", "1/0/a2", "1/7/a3", "20/0/a4"] { try makeAttempt(name) }
        try makeAttempt("1/7/a5", at: Self.old + 200)
        try age("1/0/a2/output.log", to: Self.old + 200)
        try age("1/7/a3/checkpoints/step-1", to: Self.old + 200)
        #expect(untouched() == ["1/0/a1", "20/0/a4"])
    }

    @Test func whatIsHeldStaysWithAllOfItsTrial() throws {
        for name in ["1/0/a1", "1/0/a2", "1/1/a3", "1/2/a4"] { try makeAttempt(name) }
        let leases = [
            lease(sweep: 1, trial: 0),
            // It continues another, whose checkpoint it begins with.
            lease(sweep: 2, trial: 5, resume: "1/1/a3/checkpoints/step-1"),
        ]
        #expect(untouched(except: leases) == ["1/2/a4"])
    }

    @Test func nothingElseIsNamed() throws {
        for name in ["1/0/b1", "1/0/a", "1/x/a1", "x/0/a1", "1/0/a1x"] { try makeAttempt(name) }
        try makeAttempt("../elsewhere/0/a1")
        try FileManager.default.createSymbolicLink(
            atPath: "\(root)/3", withDestinationPath: "\(scratch.path)/elsewhere")
        #expect(untouched() == [])
    }

    @Test func aWorkerElsewhereRemovesIt() throws {
        let coordinator = try SmallCoordinator()
        defer { coordinator.close() }
        try makeAttempt("1/0/a1")
        try makeAttempt("1/1/a2", at: time(nil))
        let agent = try coordinator.agent {
            $0.policy = LeasePolicy(isElsewhere: true, attemptsDirectory: root)
            $0.keepFiles = .seconds(3600)
        }
        #expect(wait { Files.exists("\(root)/1/0/a1") ? nil : true } == true)
        agent.requestStop()
        #expect(agent.join(within: .seconds(30)))
        #expect(Files.exists("\(root)/1/1/a2/output.log"))
    }

    /// Where the coordinator is on this machine the files are its own.
    @Test func nobodyElseDoes() throws {
        let coordinator = try SmallCoordinator()
        defer { coordinator.close() }
        try makeAttempt("1/0/a1")
        let agent = try coordinator.agent {
            $0.policy.attemptsDirectory = root
            $0.keepFiles = .seconds(3600)
        }
        coordinator.offer(coordinator.lease(["/bin/true"]))
        #expect(coordinator.end(1) != nil)
        agent.requestStop()
        #expect(agent.join(within: .seconds(30)))
        #expect(Files.exists("\(root)/1/0/a1/output.log"))
    }
}
