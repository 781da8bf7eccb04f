// SPDX-License-Identifier: MIT

import Foundation

/// A folder that lives as long as its test; its path is short enough for sockets.
final class Scratch: Sendable {
    let path: String

    init() throws {
        var template = Array("\(NSTemporaryDirectory())/sdXXXXXX".utf8CString)
        guard mkdtemp(&template) != nil else { throw CocoaError(.fileWriteUnknown) }
        path = String(decoding: template.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }

    func write(_ text: String, to name: String, executable: Bool = false) throws {
        let file = "\(path)/\(name)"
        try Data(text.utf8).write(to: URL(fileURLWithPath: file))
        if executable { chmod(file, 0o755) }
    }

    func text(_ name: String) -> String {
        FileManager.default.contents(atPath: "\(path)/\(name)").map { String(decoding: $0, as: UTF8.self) } ?? ""
    }

    /// The number a script wrote into a file, once it is there.
    func number(in name: String) -> Int32? {
        wait { Int32(self.text(name).trimmingCharacters(in: .whitespacesAndNewlines)) }
    }
}

/// Asks until there is an answer, at most ten seconds.
func wait<Answer>(_ question: () -> Answer?) -> Answer? {
    for _ in 0..<2000 {
        if let answer = question() { return answer }
        usleep(5_000)
    }
    return nil
}

/// Whether the process has ended (a zombie has).
func hasEnded(_ processID: Int32) -> Bool {
    guard let text = FileManager.default.contents(atPath: "/proc/\(processID)/stat") else { return true }
    let state = String(decoding: text, as: UTF8.self).split(separator: ")").last?.split(separator: " ").first
    return state == "Z" || state == "X"
}
