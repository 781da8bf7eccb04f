// SPDX-License-Identifier: MIT

import Foundation
import SweepModel
import Testing
import WorkerProtocol

/// `Workers/Conformance`: what workers in other languages are tested against. The files are generated from the samples;
/// this test fails when they differ, and writes them when `SWEEPD_WRITE_CONFORMANCE` is set.
@Suite struct ConformanceTests {
    // Up from Tests/WorkerProtocolTests; the file's own place may be a link.
    static let folder = URL(fileURLWithPath: #filePath).resolvingSymlinksInPath()
        .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
        .appendingPathComponent("Workers/Conformance")

    @Test func theVectorsAreThoseOfThisCodec() throws {
        let vectors: [(name: String, text: String)] = [
            (
                "worker-messages.json",
                Self.lines((Samples.workerEnvelopes + Self.offers).map { ($0.0, MessageCodec.encode($0.1)) })
            ),
            (
                "coordinator-messages.json",
                Self.lines(
                    (Samples.coordinatorEnvelopes + Self.secondVersion).map { ($0.0, MessageCodec.encode($0.1)) })
            ),
            ("digests.json", Self.digests()),
        ]
        for vector in vectors {
            let file = Self.folder.appendingPathComponent(vector.name)
            if ProcessInfo.processInfo.environment["SWEEPD_WRITE_CONFORMANCE"] != nil {
                try Data(vector.text.utf8).write(to: file)
            }
            let found = try String(decoding: Data(contentsOf: file), as: UTF8.self)
            #expect(found == vector.text, "\(vector.name) differs: see Workers/Conformance/README.md")
        }
    }

    /// What the files say about a worker's messages is what the coordinator reads.
    @Test func theFilesAreRead() throws {
        let read: [(file: String, decode: ([[UInt8]]) throws -> Void)] = [
            ("worker-messages.json", { _ = try MessageCodec.decodeWorkerMessage($0) }),
            ("coordinator-messages.json", { _ = try MessageCodec.decodeCoordinatorMessage($0) }),
        ]
        for (file, decode) in read {
            for vector in try Self.array(file) {
                let text = try #require(vector["text"]?.stringValue)
                #expect(throws: Never.self, "\(file): \(vector["name"]?.text ?? "")") { try decode(frames(text)) }
            }
        }
    }

    @Test func malformedMessagesAreRefused() throws {
        let vectors = try Self.array("malformed.json")
        #expect(vectors.count > 20)
        for vector in vectors {
            let text = try #require(vector["text"]?.stringValue)
            let isWorkers = vector["from"]?.stringValue == "worker"
            #expect(throws: CodecError.self, "\(text)") {
                if isWorkers {
                    _ = try MessageCodec.decodeWorkerMessage(frames(text))
                } else {
                    _ = try MessageCodec.decodeCoordinatorMessage(frames(text))
                }
            }
        }
    }

    @Test func digestsAreThoseOfTheFile() throws {
        for vector in try Self.array("digests.json") {
            let params = try #require(vector["params"]?.objectValue)
            let configuration = Configuration(params.map { Configuration.Entry($0.name, $0.value) })
            #expect(ParametersDigest.hex(of: configuration) == vector["digest"]?.stringValue)
        }
    }

    /// What version 2 brought, and a hello of a worker that does not have it.
    private static let offers: [(String, Envelope<WorkerMessage>)] = {
        var first = Hello(versions: 1...1, boot: Samples.boot, agent: "old 0.9", host: "h", processID: 2, slots: 1)
        first.running = [HeldLease(fence: Fence(7), lastSequence: 1, acknowledged: 1)]
        let task = WorkerOffer.Task(name: "train", digest: String(repeating: "5e", count: 32))
        var offering = first
        offering.versions = 1...2
        offering.agent = "new 1.0"
        offering.offer = WorkerOffer(
            labels: ["gpu", "zone=b:1"], tasks: [task], runsCommands: false, hasFunction: false)
        return [("hello of version 1", first), ("hello with an offer", offering)].map {
            ($0.0, Envelope(session: "", epoch: 0, message: .hello($0.1)))
        }
    }()

    private static let secondVersion: [(String, Envelope<CoordinatorMessage>)] = {
        var lease = Samples.plainLease
        lease.task = "train"
        let welcome = Welcome(
            version: 2, session: Samples.session, epoch: 3, database: "6f1c", window: 256, heartbeat: .seconds(5),
            desired: [])
        let revoked = Refusal(code: .revoked, message: "this worker's key was revoked", isFatal: true)
        let messages: [(String, CoordinatorMessage)] = [
            ("welcome in version 2", .welcome(welcome)), ("leases with a task", .leases([lease])),
            ("a key that is revoked", .refusal(revoked)),
        ]
        return messages.map { ($0.0, Envelope(session: Samples.session, epoch: 3, message: $0.1)) }
    }()

    private static func array(_ name: String) throws -> [JSONValue] {
        let bytes = try [UInt8](Data(contentsOf: folder.appendingPathComponent(name)))
        return try #require(try JSONValue.parse(bytes).arrayValue)
    }

    private static func lines(_ messages: [(name: String, frames: [[UInt8]])]) -> String {
        let lines = messages.map { name, frames in
            JSONValue.object([
                .init("name", .string(name)), .init("text", .string(String(decoding: frames[1], as: UTF8.self))),
            ]).text
        }
        return "[\n" + lines.joined(separator: ",\n") + "\n]\n"
    }

    private static func digests() -> String {
        let lines = DigestTests.vectors.map { name, entries, text in
            let configuration = Configuration(entries)
            return JSONValue.object([
                .init("name", .string(name)), .init("params", configuration.json), .init("canonical", .string(text)),
                .init("digest", .string(ParametersDigest.hex(of: configuration))),
            ]).text
        }
        return "[\n" + lines.joined(separator: ",\n") + "\n]\n"
    }
}
