// SPDX-License-Identifier: MIT

import Foundation
import Testing

@testable import Coordinator

/// Deletes what is ours, and nothing else.
@Suite struct CheckpointJanitorTests {
    private let root: String
    private let janitor = CheckpointJanitor()

    init() throws {
        // Without a link on the way, as the data directory's path is.
        root = URL(fileURLWithPath: NSTemporaryDirectory()).resolvingSymlinksInPath().path + "/\(UUID().uuidString)"
        for folder in ["own/1/a1/step-5", "own/1/a 2/step-5", "other/step-5"] {
            try FileManager.default.createDirectory(atPath: "\(root)/\(folder)", withIntermediateDirectories: true)
        }
        try FileManager.default.createSymbolicLink(atPath: "\(root)/own/link", withDestinationPath: "\(root)/other")
    }

    private func isThere(_ folder: String) -> Bool { FileManager.default.fileExists(atPath: "\(root)/\(folder)") }

    @Test func whatLiesBelowOurFoldersIsDeleted() throws {
        defer { try? FileManager.default.removeItem(atPath: root) }
        #expect(janitor.discard("\(root)/own/1/a1/step-5", below: ["/elsewhere", "\(root)/own"]))
        // The same folder by a URI, and a root that is one.
        #expect(janitor.discard("file://\(root)/own/1/a%202/step-5", below: ["file://\(root)/own/"]))
        janitor.finish()
        #expect(!isThere("own/1/a1/step-5") && !isThere("own/1/a 2/step-5") && isThere("own/1/a1"))
    }

    @Test(arguments: [
        "other/step-5", "own/../other/step-5", "own", "own/", "own/link/step-5", "own-not/step-5",
        "./own/1/../../other",
    ])
    func nothingElseIs(place: String) throws {
        defer { try? FileManager.default.removeItem(atPath: root) }
        #expect(!janitor.discard("\(root)/\(place)", below: ["\(root)/own"]))
        #expect(!janitor.discard("s3://bucket/\(place)", below: ["\(root)/own", "s3://bucket"]))
        #expect(!janitor.discard(place, below: ["\(root)/own", place]))
        janitor.finish()
        #expect(isThere("other/step-5") && isThere("own/1/a1/step-5"))
    }
}
