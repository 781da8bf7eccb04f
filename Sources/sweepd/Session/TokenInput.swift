// SPDX-License-Identifier: MIT

import Foundation
import Keys
import WorkerAgent
import ZeroMQ

/// Where an invitation is read from: never from an argument, which every process list shows.
enum TokenInput {
    case standardInput
    case file(String)

    /// - Throws: `UserError` for a token in place of a file's name.
    init(_ argument: String) throws {
        if argument.hasPrefix(JoinToken.prefix) {
            throw UserError(
                "an invitation on the command line is shown to every user of this machine: hand it over on standard input, as "
                    + "in  sweepd worker --join - <<< sweepd1.…  and ask for a new one if others may have seen this one"
            )
        }
        self = argument == "-" ? .standardInput : .file(argument)
    }

    /// Brings in a key of this machine's own and keeps it.
    ///
    /// - Parameter path: nil keeps it nowhere.
    func join(as role: JoinToken.Role, keepingAt path: String?) throws -> ConnectionFile {
        let token = try JoinToken(text())
        guard token.role == role else {
            let command = token.role == .worker ? "sweepd worker --join -" : "sweepd join"
            throw UserError("this invitation is for a \(token.role.rawValue): use it with  \(command)")
        }
        if let path {
            // Before the invitation is used: what could not be kept would be lost with it.
            try SecretFile(path).prepare()
            Self.tellReplacement(at: path, by: token)
        }
        let now = Int64(Date().timeIntervalSince1970)
        let file = try Enrolment.join(
            with: token, as: HostName.current, isOnce: path == nil, now: now, in: try Context())
        if let path { try file.write(to: path) }
        return file
    }

    private func text() throws -> String {
        switch self {
        case .standardInput:
            if isatty(STDIN_FILENO) == 1 { Terminal.error("paste the invitation and press Enter:") }
            guard let line = readLine(), !line.isEmpty else {
                throw UserError("no invitation on standard input: sweepd invite prints one on the daemon's machine")
            }
            return line
        case .file(let path):
            try Self.checkSecrecy(path)
            let bytes = try InputFile(path: path, shown: path, kind: "an invitation").bytes(limit: 4096)
            return String(decoding: bytes, as: UTF8.self)
        }
    }

    /// Whoever reads it may join. What is no plain file, as a pipe of the shell's `<(…)`, cannot be read a second time.
    private static func checkSecrecy(_ path: String) throws {
        var status = stat()
        guard stat(path, &status) == 0, status.st_mode & S_IFMT == S_IFREG, status.st_mode & 0o077 != 0 else { return }
        throw UserError(
            "others may read the invitation in \(path): take it for known to them and make a new one (sweepd invite), "
                + "or if you are sure that nobody has read it:  chmod 600 \(ShellWord.quoted(path))")
    }

    /// A new key for the same daemon takes the place of the old one as it should; with another's, this machine no
    /// longer reaches where it did.
    private static func tellReplacement(at path: String, by token: JoinToken) {
        let kept = [JoinToken.Role.worker, .operator].lazy.compactMap { try? ConnectionFile(reading: path, as: $0) }
        guard let old = kept.first, old.server != token.server || old.role != token.role else { return }
        let places = old.endpoints.map(\.description).joined(separator: " or ")
        Terminal.error(
            "\(path) holds the key of \(old.role == .worker ? "a worker" : "an operator") of the daemon at \(places): "
                + "the new one takes its place, while --connection FILE keeps both")
    }
}
