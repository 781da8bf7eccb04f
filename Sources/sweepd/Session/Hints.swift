// SPDX-License-Identifier: MIT

/// Command lines for the user to paste: with the path that was called and the options that were given.
struct Hints {
    let data: String?

    func command(_ words: String) -> String {
        let directory = data.map { " --data \(quoted($0))" } ?? ""
        return "\(Installation.called) \(words)\(directory)"
    }

    func sweep(_ name: String) -> String { quoted(name) }

    private func quoted(_ text: String) -> String {
        let isPlain = text.allSatisfy { $0.isLetter || $0.isNumber || "-_./=+:@%".contains($0) }
        return isPlain && !text.isEmpty
            ? text
            : "'"
                + text.split(separator: "'", omittingEmptySubsequences: false)
                .joined(separator: "'\\''") + "'"
    }
}
