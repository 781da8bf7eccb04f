// SPDX-License-Identifier: MIT

import Foundation
import SweepModel
import Testing
import WorkerProtocol

@testable import WorkerAgent

/// What a coordinator elsewhere may make a worker do.
@Suite struct LeasePolicyTests {
    private func lease(_ change: (inout Lease) -> Void = { _ in }) -> Lease {
        var lease = Lease(
            fence: Fence(7), sweep: SweepID(2), sweepName: "../../evil", trial: 3, attempt: 1,
            configuration: Configuration([]), parametersDigest: "", seed: 1,
            objective: Objective(metric: "loss", goal: .minimize), command: ["rm", "-rf", "/"], program: "x.py",
            workingDirectory: "/etc", attemptDirectory: "/etc/cron.d")
        change(&lease)
        return lease
    }

    private func folder() throws -> String {
        let path = NSTemporaryDirectory() + "policy-\(UUID().uuidString)"
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
        return path
    }

    private static let tasks = [
        TaskDeclaration(
            name: "digits", command: ["train"], program: nil, directory: "/home/me",
            environment: [.init(name: "A", value: "1")])
    ]

    @Test func onThisMachineTheLeaseIsWhatItIs() {
        let given = lease {
            $0.checkpointDirectory = "/etc/cron.d"
            $0.resume = Checkpoint(step: 1, location: "s3://any/where", digest: "", bytes: 0)
        }
        #expect(LeasePolicy.local.admitted(given) == given)
        let (reachable, warnings) = LeasePolicy.local.reachable(given)
        #expect(reachable == given && warnings.isEmpty)
    }

    @Test func aTaskIsTheWorkersOwn() throws {
        let policy = LeasePolicy(
            tasks: Self.tasks, allowsCommands: false, isElsewhere: true, attemptsDirectory: try folder())
        let admitted = policy.admitted(lease { $0.task = "digits" })
        #expect(admitted.command == ["train"] && admitted.program == nil && admitted.workingDirectory == "/home/me")
        #expect(policy.environment(of: lease { $0.task = "digits" }).map { $0.name } == ["A"])
        #expect(admitted.attemptDirectory == policy.attemptsDirectory + "/2/3/a7")
        // Should the session ever let it through, nothing is run.
        #expect(policy.admitted(lease()).command.isEmpty)
        let offer = policy.offer(labels: ["x"])
        #expect(!offer.runsCommands && !offer.hasFunction && offer.labels == ["x"])
        #expect(offer.tasks.first?.digest.count == 64)
    }

    @Test func allowedCommandsRunWhereTheWorkerWasStarted() throws {
        let policy = LeasePolicy(
            isElsewhere: true, attemptsDirectory: try folder(), commandDirectory: "/home/me/work")
        let admitted = policy.admitted(lease())
        #expect(admitted.command == ["rm", "-rf", "/"] && admitted.workingDirectory == "/home/me/work")
    }

    @Test func checkpointsLieBelowWhatWasNamed() throws {
        let root = try folder(), attempts = try folder()
        let policy = LeasePolicy(isElsewhere: true, attemptsDirectory: attempts, checkpointRoots: [root])
        func checkpoint(_ location: String) -> Checkpoint {
            Checkpoint(step: 1, location: location, digest: "", bytes: 0)
        }
        try FileManager.default.createDirectory(atPath: root + "/good", withIntermediateDirectories: true)
        symlink("/etc", root + "/link")
        symlink("/nowhere/yet", root + "/dangling")
        let bad = ["/etc/passwd", root + "/../x", root + "/link/x", root + "/dangling/x", root, "file:///etc/passwd"]
        let (reachable, warnings) = policy.reachable(
            lease {
                $0.resume = checkpoint("/etc/passwd")
                $0.fallbacks = bad.map(checkpoint) + [checkpoint(root + "/good"), checkpoint(attempts + "/2/1/a3/x")]
                $0.checkpointDirectory = "/etc/cron.d"
            })
        #expect(reachable.resume?.location == root + "/good")
        #expect(reachable.fallbacks.map(\.location) == [attempts + "/2/1/a3/x"])
        #expect(reachable.checkpointDirectory.isEmpty && warnings.count == 2)
        let (kept, none) = policy.reachable(lease { $0.checkpointDirectory = root + "/new/deep" })
        #expect(kept.checkpointDirectory == root + "/new/deep" && none.isEmpty)
    }

    /// It is said of storage that may not answer, and that is judged elsewhere.
    @Test func whatIsAdmittedKeepsItsCheckpoints() throws {
        let policy = LeasePolicy(isElsewhere: true, attemptsDirectory: try folder())
        #expect(policy.admitted(lease { $0.checkpointDirectory = "/etc/x" }).checkpointDirectory == "/etc/x")
        #expect(policy.reachable(lease { $0.checkpointDirectory = "/etc/x" }).lease.checkpointDirectory.isEmpty)
    }

    /// A folder that was named says nothing of URIs, and a URI only of what lies below it.
    @Test func aURIIsHandedOnBelowOneThatWasNamed() throws {
        let attempts = try folder(), root = try folder()
        func taken(_ location: String, by roots: [String]) -> Bool {
            let policy = LeasePolicy(isElsewhere: true, attemptsDirectory: attempts, checkpointRoots: roots)
            let (reachable, warnings) = policy.reachable(
                lease {
                    $0.resume = Checkpoint(step: 1, location: location, digest: "", bytes: 0)
                    $0.checkpointDirectory = location
                })
            let isTaken = reachable.resume != nil
            #expect(reachable.checkpointDirectory.isEmpty == !isTaken && warnings.count == (isTaken ? 0 : 2))
            return isTaken
        }
        let uris = ["s3://bucket/a", "gs://other"]
        for roots in [[], [root], [root, "file://\(root)"]] {
            #expect(!taken("http://169.254.169.254/", by: roots) && !taken("s3://attacker/x", by: roots))
        }
        #expect(taken("s3://bucket/a/s/1/a7", by: uris) && taken("gs://other/x", by: uris))
        for location in ["s3://bucket/ab/x", "s3://bucket/a/../x", "s3://attacker/a/x", "s3://bucket/a/%2e%2e/x"] {
            #expect(!taken(location, by: uris + [root]))
        }
        // Nor does it say anything of folders; one may be named by its URI.
        #expect(!taken(root + "/x", by: uris) && taken(root + "/x", by: uris + ["file://\(root)"]))
    }
}
