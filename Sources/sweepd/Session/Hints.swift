// SPDX-License-Identifier: MIT

/// Command lines for the user to paste: with the path that was called and the options that were given.
struct Hints {
    let data: String?

    func command(_ words: String) -> String {
        let directory = data.map { " --data \(ShellWord.quoted($0))" } ?? ""
        return "\(Installation.called) \(words)\(directory)"
    }

    func sweep(_ name: String) -> String { ShellWord.quoted(name) }
}
