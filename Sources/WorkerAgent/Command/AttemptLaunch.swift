// SPDX-License-Identifier: MIT

import Foundation
import SweepModel
import WorkerProtocol

/// Starts one attempt's child, or says in the user's words why it cannot be started.
struct AttemptLaunch {
    struct Refusal: Error {
        let failure: AttemptFailure
        init(_ cause: AttemptFailure.Cause, _ message: String) {
            failure = AttemptFailure(cause: cause, message: message)
        }
    }

    let lease: Lease
    let files: AttemptFiles
    /// The child's whole environment.
    let environment: [String: String]
    var enclosure = MemoryEnclosure.sampling

    private var folder: String { lease.workingDirectory.isEmpty ? "/" : lease.workingDirectory }

    func start() throws(Refusal) -> ChildProcess {
        let words = try words()
        guard Files.isDirectory(folder) else {
            throw Refusal(.user, "cannot enter the folder '\(folder)': \(Files.text(of: ENOENT))")
        }
        let path = try executable(words[0])
        let fence: ChildProcess.Enclosure
        do throws(Files.Failure) {
            fence = try enclosure.fence("\(lease.fence)", limit: lease.memoryLimit)
        } catch {
            throw Refusal(.infrastructure, "cannot make a control group: \(error)")
        }
        do throws(ChildProcess.Failure) {
            return try ChildProcess.start(
                path: path, arguments: words, environment: environment, directory: folder, enclosure: fence)
        } catch {
            throw refusal(error, word: words[0])
        }
    }

    private func words() throws(Refusal) -> [String] {
        var command = lease.command
        if command.isEmpty, lease.program != nil { command = CommandExpansion.standardCommand }
        let expansion = CommandExpansion(
            configuration: lease.configuration, program: lease.program,
            interpreter: Interpreter.path(environment: environment), parametersFile: files.parameters,
            environment: environment)
        let words = expansion.words(of: command)
        guard let first = words.first, !first.isEmpty else {
            throw Refusal(.user, "the sweep file has no command: only workers that bring their own function can run it")
        }
        if let word = words.first(where: { $0.utf8.contains(0) }) {
            throw Refusal(.user, "a word of the command contains a NUL byte: '\(word.prefix(40))'")
        }
        // Python would say it too, but not which file was meant. A module's name (-m) is no file.
        if let program = lease.program, let place = command.firstIndex(of: "${program}"),
            place == 0 || command[place - 1] != "-m", !Files.exists(absolute(program))
        {
            throw Refusal(.user, missing(program))
        }
        return words
    }

    private func executable(_ word: String) throws(Refusal) -> String {
        if word.contains("/") {
            let path = absolute(word)
            if !Files.exists(path) { throw Refusal(.user, missing(word)) }
            return path
        }
        if let path = Interpreter.find(word, environment: environment, from: folder) { return path }
        throw Refusal(.user, missing(word))
    }

    private func absolute(_ path: String) -> String { path.hasPrefix("/") ? path : "\(folder)/\(path)" }

    private func missing(_ word: String) -> String {
        let path = absolute(word) as NSString
        let siblings = Files.entries(of: path.deletingLastPathComponent)
        var hint = ""
        if !word.contains("/"), siblings.contains(word) {
            hint = "; the folder has a file of that name: write './\(word)'"
        } else if let near = nearestWord(to: path.lastPathComponent, in: siblings) {
            let parent = (word as NSString).deletingLastPathComponent
            hint = "; did you mean '\(parent.isEmpty ? near : "\(parent)/\(near)")'?"
        }
        return "cannot start '\(word)': \(Files.text(of: ENOENT))\(hint)"
    }

    private func refusal(_ failure: ChildProcess.Failure, word: String) -> Refusal {
        let reason = Files.text(of: failure.code)
        if [EAGAIN, ENOMEM, EMFILE, ENFILE].contains(failure.code) {
            return Refusal(.infrastructure, "cannot start '\(word)': \(reason)")
        }
        switch failure.stage {
        case .enclosure: return Refusal(.infrastructure, "cannot enclose '\(word)': \(reason)")
        case .fork, .setup: return Refusal(.infrastructure, "cannot start '\(word)': \(reason)")
        case .directory: return Refusal(.user, "cannot enter the folder '\(folder)': \(reason)")
        case .exec:
            let hint =
                switch failure.code {
                case ENOEXEC: "; a script needs a first line such as #!/bin/sh"
                case EACCES: "; make it executable with chmod +x, or start it with its interpreter"
                case ENOENT: "; the interpreter its first line names does not exist"
                default: ""
                }
            return Refusal(.user, "cannot start '\(word)': \(reason)\(hint)")
        }
    }
}
