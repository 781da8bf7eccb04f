// SPDX-License-Identifier: MIT

import Foundation
import Synchronization
import Testing

@testable import Coordinator

/// Deletes what is ours, and nothing else.
@Suite struct CheckpointJanitorTests {
    private let root: String
    private let janitor = CheckpointJanitor()

    init() throws {
        root = URL(fileURLWithPath: NSTemporaryDirectory()).resolvingSymlinksInPath().path + "/\(UUID().uuidString)"
        for folder in ["own/1/a1/step-5", "own/1/a 2/step-5", "other/step-5"] {
            try FileManager.default.createDirectory(atPath: "\(root)/\(folder)", withIntermediateDirectories: true)
        }
        try FileManager.default.createSymbolicLink(atPath: "\(root)/own/link", withDestinationPath: "\(root)/other")
    }

    private func isThere(_ folder: String) -> Bool { FileManager.default.fileExists(atPath: "\(root)/\(folder)") }

    /// A trial's folder below one that the owner named.
    private func roots(_ base: String, _ folder: String = "own") -> [CheckpointJanitor.Root] {
        [.init(base: "/elsewhere", folder: folder), .init(base: base, folder: folder)]
    }

    /// What became of it, once that is told.
    private func judged(_ location: String, below roots: [CheckpointJanitor.Root]) -> CheckpointJanitor.Judgement? {
        let told = Told()
        janitor.discard(location, below: roots) { judgement in told.judgements.withLock { $0.append(judgement) } }
        #expect(janitor.finish() == 0)
        return told.judgements.withLock { $0.count == 1 ? $0[0] : nil }
    }

    private final class Told: Sendable {
        let judgements = Mutex<[CheckpointJanitor.Judgement]>([])
    }

    @Test func whatLiesBelowOurFoldersIsDeleted() throws {
        defer { try? FileManager.default.removeItem(atPath: root) }
        #expect(judged("\(root)/own/1/a1/step-5", below: roots(root)) == .discarded)
        // The same folder by a URI, and a root that is one.
        #expect(judged("file://\(root)/own/1/a%202/step-5", below: roots("file://\(root)/")) == .discarded)
        #expect(!isThere("own/1/a1/step-5") && !isThere("own/1/a 2/step-5") && isThere("own/1/a1"))
        #expect(judged("\(root)/own/1/a3/step-5", below: roots(root)) == .gone)
    }

    /// /scratch is a link to /mnt/scratch on many a cluster, and the sweep file says /scratch.
    @Test func theOwnersPathMayLeadThroughALink() throws {
        defer { try? FileManager.default.removeItem(atPath: root) }
        try FileManager.default.createSymbolicLink(atPath: "\(root)/scratch", withDestinationPath: root)
        #expect(judged("\(root)/scratch/own/1/a1/step-5", below: roots("\(root)/scratch")) == .discarded)
        // By where it is in truth.
        #expect(judged("\(root)/own/1/a 2/step-5", below: roots("\(root)/scratch/")) == .discarded)
        // Below the path a link is a worker's: also the trial's folder itself.
        #expect(judged("\(root)/scratch/own/link/step-5", below: roots("\(root)/scratch")) == .refused)
        #expect(judged("\(root)/own/link/step-5", below: roots(root, "own/link")) == .refused)
        #expect(!isThere("own/1/a1/step-5") && !isThere("own/1/a 2/step-5") && isThere("other/step-5"))
    }

    /// What is refused is told; what is another machine's is not.
    @Test(
        arguments: [
            ("other/step-5", .elsewhere), ("own/../other/step-5", .refused), ("own", .elsewhere), ("own/", .elsewhere),
            ("own/link/step-5", .refused), ("own-not/step-5", .elsewhere), ("./own/1/../../other", .elsewhere),
            ("own/./1/a1/step-5", .refused),
        ] as [(String, CheckpointJanitor.Judgement)])
    func nothingElseIs(place: String, expected: CheckpointJanitor.Judgement) throws {
        defer { try? FileManager.default.removeItem(atPath: root) }
        #expect(judged("\(root)/\(place)", below: roots(root)) == expected)
        let uris = roots(root) + roots("s3://bucket")
        #expect(judged("s3://bucket/\(place)", below: uris) == .elsewhere)
        #expect(judged(place, below: roots(root) + roots(place)) == .elsewhere)
        #expect(isThere("other/step-5") && isThere("own/1/a1/step-5"))
    }

    /// By the same rules, and nothing more once the process is to end.
    @Test func whatAnEarlierProcessLeftIsDeleted() {
        defer { try? FileManager.default.removeItem(atPath: root) }
        let places = ["own/1/gone/step-5", "own/link/step-5", "other/step-5", "own/1/a1/step-5"]
            .map { (location: "\(root)/\($0)", roots: roots(root)) }
        janitor.discardAgain(places, unless: { true })
        #expect(janitor.finish() == 0)
        #expect(isThere("own/1/a1/step-5"))
        janitor.discardAgain(places, unless: { false })
        #expect(janitor.finish() == 0)
        #expect(!isThere("own/1/a1/step-5") && isThere("own/1/a1") && isThere("other/step-5"))
    }

    @Test func whatIsOutOfReachIsNoSilentSuccess() {
        defer { try? FileManager.default.removeItem(atPath: root) }
        #expect(judged("\(root)/away/own/1/a1/step-5", below: roots("\(root)/away")) == .refused)
    }

    /// Storage that does not answer: the one who asks goes on, and nothing waits for it for ever or overtakes it.
    @Test func nobodyWaitsForStorage() {
        defer { try? FileManager.default.removeItem(atPath: root) }
        let (asked, answer) = (DispatchSemaphore(value: 0), DispatchSemaphore(value: 0))
        janitor.discard("/nowhere/own/1", below: []) { _ in
            asked.signal()
            answer.wait()
        }
        asked.wait()
        janitor.discard("\(root)/own/1/a1/step-5", below: roots(root))
        janitor.discardAgain([(location: "\(root)/own/1/a 2/step-5", roots: roots(root))], unless: { false })
        #expect(janitor.finish(patience: .milliseconds(50)) == 3)
        #expect(janitor.finish(patience: .seconds(60), limit: .milliseconds(50)) == 3)
        #expect(isThere("own/1/a1/step-5") && isThere("own/1/a 2/step-5"))
        answer.signal()
        #expect(janitor.finish() == 0)
        #expect(!isThere("own/1/a1/step-5") && !isThere("own/1/a 2/step-5"))
    }
}
