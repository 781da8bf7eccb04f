// SPDX-License-Identifier: MIT

import SweepModel
import Testing
import WorkerProtocol

@Suite struct DigestTests {
    /// Parameters and the text that is hashed, written by hand from `Docs/protocol.md`.
    static let vectors: [(name: String, entries: [Configuration.Entry], text: String)] = [
        ("no parameters", [], ""),
        ("an integer", [.init("layers", .integer(3))], "\"layers\"=i:3\n"),
        ("a float", [.init("lr", .number(0.001))], "\"lr\"=f:3f50624dd2f1a9fc\n"),
        ("a whole float is no integer", [.init("x", .number(1))], "\"x\"=f:3ff0000000000000\n"),
        ("minus zero", [.init("x", .number(-0.0))], "\"x\"=f:8000000000000000\n"),
        ("the smallest float", [.init("x", .number(.leastNonzeroMagnitude))], "\"x\"=f:0000000000000001\n"),
        ("a large float", [.init("x", .number(1e22))], "\"x\"=f:4480f0cf064dd592\n"),
        (
            "the limits of integers", [.init("a", .integer(.min)), .init("b", .integer(.max))],
            "\"a\"=i:-9223372036854775808\n\"b\"=i:9223372036854775807\n"
        ),
        (
            "words", [.init("f", .bool(false)), .init("n", .null), .init("t", .bool(true))],
            "\"f\"=b:false\n\"n\"=null\n\"t\"=b:true\n"
        ),
        (
            "a string", [.init("s", .string("a\"b\\c/\n\r\t\u{8}\u{C}\u{1}\u{1F}\u{7F}é\u{1F600}"))],
            "\"s\"=s:\"a\\\"b\\\\c/\\n\\r\\t\\b\\f\\u0001\\u001f\u{7F}é\u{1F600}\"\n"
        ),
        (
            "names in the order of their bytes",
            [
                .init("\u{1F600}", .integer(1)), .init("\u{FF5E}", .integer(2)), .init("a.b", .integer(3)),
                .init("a", .integer(4)), .init("B", .integer(5)), .init("a b", .integer(6)),
            ],
            "\"B\"=i:5\n\"a\"=i:4\n\"a b\"=i:6\n\"a.b\"=i:3\n\"\u{FF5E}\"=i:2\n\"\u{1F600}\"=i:1\n"
        ),
        (
            "lists and objects",
            [
                .init("l", .array([.integer(1), .number(1), .string("1"), .array([]), .null])),
                .init("o", .object([.init("z", .bool(true)), .init("a", .object([]))])),
            ],
            "\"l\"=[i:1,f:3ff0000000000000,s:\"1\",[],null]\n\"o\"={\"a\":{},\"z\":b:true}\n"
        ),
    ]

    @Test func theTextIsTheOneTheDocumentDescribes() {
        for (name, entries, text) in Self.vectors {
            for entries in [entries, entries.reversed()] {
                let canonical = ParametersDigest.canonicalText(of: Configuration(entries))
                #expect(String(decoding: canonical, as: UTF8.self) == text, "\(name)")
            }
        }
    }

    @Test func theDigestIsSHA256OfThatText() {
        #expect(
            ParametersDigest.hex(of: Configuration([]))
                == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855")
        // printf '"layers"=i:3\n' | sha256sum
        #expect(
            ParametersDigest.hex(of: Configuration([.init("layers", .integer(3))]))
                == "bad2aa51420f35e25e60be92acd0c80c2cd3ae9788f0eb64e518088a4c4507ff")
    }

    @Test func itSurvivesTheWire() throws {
        for (name, entries, _) in Self.vectors + [("NaN", [.init("x", .number(.nan))], "")] {
            var lease = Samples.plainLease
            lease.configuration = Configuration(entries)
            let frames = MessageCodec.encode(
                Envelope(session: "", epoch: 0, message: CoordinatorMessage.leases([lease])))
            guard case .leases(let leases) = try MessageCodec.decodeCoordinatorMessage(frames).message else {
                Issue.record("no leases came back")
                return
            }
            #expect(
                leases.map { ParametersDigest.hex(of: $0.configuration) }
                    == [ParametersDigest.hex(of: lease.configuration)], "\(name)")
        }
    }
}
