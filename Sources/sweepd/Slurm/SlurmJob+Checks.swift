// SPDX-License-Identifier: MIT

import Keys

// Lines of #SBATCH are read by sbatch's own rules of quoting, so nothing that needs quoting gets into one: each value is
// made of the characters allowed here, or refused.

extension SlurmJob {
    /// What became of the options once they were found to be fit.
    struct Checked {
        /// For the lines of #SBATCH.
        var directives: [String] = []
        var slots = 1
    }

    func checked() throws -> Checked {
        var result = Checked()
        try check(name, .name, SlurmText.isName, "is no name for a job: letters, digits, '_', '.' and '-'")
        result.directives.append("--job-name=\(name)")
        try check(tasks, .tasks, 1...100_000)
        if let atOnce { try check(atOnce, .atOnce, 1...tasks) }
        result.directives.append("--array=0-\(tasks - 1)\(atOnce.map { "%\($0)" } ?? "")")
        if let partition {
            try check(partition, .partition, SlurmText.isList, "is no partition: names separated by commas")
            result.directives.append("--partition=\(partition)")
        }
        // One task on one node: what the others ask for is a task's, and so a node's.
        result.directives += ["--nodes=1", "--ntasks=1"]
        if let cpus {
            try check(cpus, .cpus, 1...65_535)
            result.directives.append("--cpus-per-task=\(cpus)")
        }
        if let gpus {
            guard let count = SlurmText.gpuCount(gpus) else {
                throw SlurmOption.gpus.refuses(gpus, "is no number of GPUs: 2, or with their type, a100:2")
            }
            guard count >= gpusPerSlot else {
                throw SlurmOption.gpusPerSlot.refuses(
                    "\(gpusPerSlot)", "is more than the job gets (\(SlurmOption.gpus.rawValue) \(gpus))")
            }
            result.slots = count / gpusPerSlot
            result.directives.append("--gpus-per-task=\(gpus)")
        }
        if let memory {
            try check(memory, .memory, SlurmText.isMemory, "is no amount of memory as Slurm writes it: 16G, or 500M")
            result.directives.append("--mem=\(memory)")
        }
        try checkTimes()
        if let timeLimit { result.directives.append("--time=\(timeLimit)") }
        try checkPaths()
        for option in extra { try SlurmText.checkExtra(option) }
        if let slots {
            try check(slots, .slots, 1...1024)
            result.slots = slots
        }
        return result
    }

    private func checkTimes() throws {
        try check(handBack, .handBack, 1...65_535)
        guard let timeLimit else { return }
        guard let seconds = SlurmText.seconds(timeLimit) else {
            throw SlurmOption.timeLimit.refuses(
                timeLimit, "is no time as Slurm writes it: minutes, H:MM:SS, or D-HH:MM:SS")
        }
        // Slurm signals up to a minute early, and counts in whole minutes.
        guard seconds >= handBack + 60 else {
            throw SlurmOption.timeLimit.refuses(
                timeLimit,
                "leaves no time to work: workers hand back their trials up to \(handBack + 60) s before the end"
                    + " (\(SlurmOption.handBack.rawValue) \(handBack))")
        }
    }

    private func checkPaths() throws {
        try check(
            logFolder, .logFolder, SlurmText.isPlainPath,
            "is no folder for logs: an absolute path of letters, digits and any of _./+=@:,~-, since Slurm reads the others in its own way"
        )
        for (path, option) in [(executable, SlurmOption.executable), (joinFile, .joinFile)] {
            try check(
                path, option, { $0.hasPrefix("/") && SlurmText.isOneLine($0) }, "must be an absolute path, on one line")
        }
        for word in workerArguments {
            guard SlurmText.isOneLine(word) else {
                throw SlurmOption.workerArguments.refuses(word, "has a control character")
            }
            // The word itself is not repeated: it is a secret.
            guard !word.contains(JoinToken.prefix) else {
                throw UserError(
                    "an invitation on a command line can be read by everyone on the cluster: put it into a file of mode 0600, and give that with \(SlurmOption.joinFile.rawValue)"
                )
            }
        }
    }

    private func check(_ value: String, _ option: SlurmOption, _ isFit: (String) -> Bool, _ expected: String) throws {
        if !isFit(value) { throw option.refuses(value, expected) }
    }

    private func check(_ value: Int, _ option: SlurmOption, _ range: ClosedRange<Int>) throws {
        if !range.contains(value) {
            throw option.refuses("\(value)", "is not between \(range.lowerBound) and \(range.upperBound)")
        }
    }
}

/// What may stand in a line of #SBATCH.
enum SlurmText {
    static func isName(_ text: String) -> Bool {
        consists(text, of: "_.-", limit: 128) && text.utf8.first != UInt8(ascii: "-")
    }

    static func isList(_ text: String) -> Bool {
        text.utf8.count <= 1024
            && text.split(separator: ",", omittingEmptySubsequences: false).allSatisfy { isName("\($0)") }
    }

    static func isPlainPath(_ text: String) -> Bool {
        text.utf8.first == UInt8(ascii: "/") && consists(text, of: "_./+=@:,~-", limit: 3800)
    }

    static func isOneLine(_ text: String) -> Bool {
        text.unicodeScalars.allSatisfy {
            switch $0.properties.generalCategory {
            case .control, .lineSeparator, .paragraphSeparator: false
            default: true
            }
        }
    }

    static func isMemory(_ text: String) -> Bool {
        let digits = "KMGT".utf8.contains(text.utf8.last ?? 0) ? text.dropLast() : text[...]
        return (number(digits) ?? 0) > 0
    }

    /// Of `2` or `a100:2`; nil when it is neither.
    static func gpuCount(_ text: String) -> Int? {
        let parts = text.split(separator: ":", omittingEmptySubsequences: false)
        guard (1...2).contains(parts.count), parts.count == 1 || isName(String(parts[0])),
            let count = number(parts[parts.count - 1]), (1...1024).contains(count)
        else { return nil }
        return count
    }

    /// Of a time as Slurm writes it, rounded up to minutes as Slurm does; nil when it is none, and for 0, which means
    /// no limit.
    static func seconds(_ text: String) -> Int? {
        let dayParts = text.split(separator: "-", omittingEmptySubsequences: false)
        guard dayParts.count <= 2 else { return nil }
        let parts = dayParts[dayParts.count - 1].split(separator: ":", omittingEmptySubsequences: false).map(number)
        guard (1...3).contains(parts.count), !parts.contains(nil) else { return nil }
        let numbers = parts.compactMap(\.self)
        var seconds = 0
        if dayParts.count == 2 {
            guard let days = number(dayParts[0]) else { return nil }
            // D-H, D-H:M, D-H:M:S
            seconds = days * 86_400 + zip(numbers, [3600, 60, 1]).reduce(0) { $0 + $1.0 * $1.1 }
        } else {
            // M, M:S, H:M:S
            let units = numbers.count == 3 ? [3600, 60, 1] : [60, 1]
            seconds = zip(numbers, units).reduce(0) { $0 + $1.0 * $1.1 }
        }
        return seconds > 0 ? (seconds + 59) / 60 * 60 : nil
    }

    static func checkExtra(_ option: String) throws {
        let (name, value) = halves(option)
        guard name.hasPrefix("--"), consists(String(name.dropFirst(2)), of: "-", limit: 40),
            name.utf8.dropFirst(2).first != UInt8(ascii: "-"),
            value.map({ consists($0, of: "_./:,=+%@&|*()[]~-", limit: 1024) }) ?? true
        else {
            throw SlurmOption.extra.refuses(
                option, "is no option for sbatch: --name or --name=value, without white space, quotes and '#'")
        }
        // sbatch takes an option's beginning for the option.
        if let taken = taken.first(where: { $0.name.hasPrefix(name.dropFirst(2)) }) {
            let remedy = taken.instead.map { ": use \($0.rawValue)" } ?? ": sweepd decides that"
            throw SlurmOption.extra.refuses(option, "cannot be given here\(remedy)")
        }
    }

    /// Options of sbatch that are not for `extra`, and ours in their place.
    private static let taken: [(name: String, instead: SlurmOption?)] = [
        ("array", .tasks), ("partition", .partition), ("time", .timeLimit), ("cpus-per-task", .cpus),
        ("gpus", .gpus), ("gpus-per-task", .gpus), ("mem", .memory), ("job-name", .name), ("output", .logFolder),
        ("error", .logFolder), ("signal", .handBack), ("nodes", nil), ("ntasks", nil), ("requeue", nil),
        ("no-requeue", nil), ("open-mode", nil), ("wrap", nil), ("wait", nil), ("test-only", nil), ("parsable", nil),
    ]

    private static func halves(_ option: String) -> (name: String, value: String?) {
        guard let sign = option.firstIndex(of: "=") else { return (option, nil) }
        return (String(option[..<sign]), String(option[option.index(after: sign)...]))
    }

    /// ASCII letters, digits and those; not empty.
    private static func consists(_ text: String, of others: String, limit: Int) -> Bool {
        !text.isEmpty && text.utf8.count <= limit
            && text.utf8.allSatisfy { byte in
                (0x30...0x39).contains(byte) || (0x41...0x5A).contains(byte) || (0x61...0x7A).contains(byte)
                    || others.utf8.contains(byte)
            }
    }

    /// Digits, at most nine.
    private static func number(_ text: Substring) -> Int? {
        guard (1...9).contains(text.utf8.count), text.utf8.allSatisfy({ (0x30...0x39).contains($0) }) else {
            return nil
        }
        return Int(text)
    }
}
