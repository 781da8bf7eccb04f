// SPDX-License-Identifier: MIT

/// Command lines for the user to paste: with the path that was called and the options that were given.
struct Hints {
    let data: String?
    let file: String?

    func command(_ words: String) -> String {
        let directory = data.map { " --data \(quoted($0))" } ?? ""
        return "\(Installation.called) \(words)\(directory)"
    }

    /// How to name the sweep: by its file where the data directory lies beside it, else by its name.
    func sweep(_ name: String) -> String {
        if data == nil, let file { return quoted(file) }
        return quoted(name)
    }

    private func quoted(_ text: String) -> String {
        let isPlain = text.allSatisfy { $0.isLetter || $0.isNumber || "-_./=+:@%".contains($0) }
        return isPlain && !text.isEmpty
            ? text
            : "'"
                + text.split(separator: "'", omittingEmptySubsequences: false)
                .joined(separator: "'\\''") + "'"
    }
}
