// SPDX-License-Identifier: MIT

import Foundation
import Testing

@testable import sweepd

@Suite struct OutputTests {
    private func filtered(_ text: String, isActive: Bool = true, pieces: Int = 1) -> String {
        var filter = OutputFilter(isActive: isActive)
        var result: [UInt8] = []
        let bytes = Array(text.utf8)
        for start in stride(from: 0, to: bytes.count, by: max(1, bytes.count / pieces)) {
            result += filter.filter(Array(bytes[start..<min(bytes.count, start + max(1, bytes.count / pieces))]))
        }
        return String(decoding: result + filter.finish(), as: UTF8.self)
    }

    @Test(arguments: [
        ("plain\n\ttext", "plain\n\ttext"), ("\u{1B}[31mred\u{1B}[0m", "\u{1B}[31mred\u{1B}[0m"),
        ("\u{1B}[2Jgone\u{1B}[1;1H", "gone"), ("\u{1B}]0;title\u{7}x", "x"), ("\u{1B}]0;title\u{1B}\\x", "x"),
        ("bell\u{7}\u{8}back", "bellback"), ("10%\r20%\r\n", "10%\n20%\n"), ("\u{1B}Pq#0\u{1B}\\x", "x"),
        ("c1\u{9B}2J", "c12J"), ("grün ∂", "grün ∂"), ("a\u{202E}b", "ab"), ("\u{1B}(Bx", "x"), ("\u{1B}[?25lx", "x"),
    ])
    func `control sequences do not reach a terminal`(text: String, expected: String) {
        // However the bytes are cut.
        for pieces in [1, 2, 3, 100] { #expect(filtered(text, pieces: pieces) == expected, "\(pieces) pieces") }
    }

    @Test func `a pipe gets the bytes as they are`() {
        #expect(filtered("\u{1B}[2Jx", isActive: false) == "\u{1B}[2Jx")
    }

    @Test(arguments: [(0, ""), (1, "c\n"), (2, "b\nc\n"), (3, "a\nb\nc\n"), (9, "a\nb\nc\n")])
    func `the last lines of a file`(lines: Int, expected: String) throws {
        let path = NSTemporaryDirectory() + "/sweepd-output-\(UUID().uuidString)"
        defer { try? FileManager.default.removeItem(atPath: path) }
        try Data("a\nb\nc\n".utf8).write(to: URL(fileURLWithPath: path))
        let file = OutputFile(path: path)
        let bytes = try file.read(from: try file.start(ofLast: lines), limit: .max)
        #expect(String(decoding: bytes, as: UTF8.self) == expected)
    }

    @Test func `the lines of doctor show what mends`() {
        let lines = HealthCheck.lines([.ok("a", "fine"), .failure("long", "bad", remedy: "mend it")])
        #expect(lines == ["ok    a     fine", "FAIL  long  bad", "          → mend it"])
        #expect(!Doctor.isFit([.failure("x", "y", remedy: "z")]))
        #expect(Doctor.isFit([.warning("x", "y", remedy: "z")]))
    }
}
