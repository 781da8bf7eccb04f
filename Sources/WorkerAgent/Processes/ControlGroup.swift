// SPDX-License-Identifier: MIT

import Foundation
import SweepModel

/// A control group (version 2) of our own making: a folder of the kernel's.
package struct ControlGroup: Hashable, Sendable {
    /// Why the kernel killed one of its processes for want of memory.
    package enum MemoryKill: Hashable, Sendable {
        case none
        /// The group had reached its own limit.
        case ownLimit
        /// A group around it had, or the machine.
        case elsewhere
    }

    package let path: String

    /// Makes the folder; one of that name that a dead attempt left is emptied first.
    ///
    /// - Parameter memoryLimit: bytes; nil: none, and memory is not spoken of.
    static func make(at path: String, memoryLimit: Int64?) throws(Files.Failure) -> ControlGroup {
        let group = ControlGroup(path: path)
        if mkdir(path, 0o755) != 0 {
            guard errno == EEXIST, group.remove(within: .milliseconds(100)), mkdir(path, 0o755) == 0 else {
                throw Files.Failure(path: path, code: errno)
            }
        }
        guard let memoryLimit else { return group }
        do throws(Files.Failure) {
            try group.write("\(memoryLimit)", to: "memory.max")
        } catch {
            rmdir(path)
            throw error
        }
        // Kernels without swap have no such file; older ones kill one process of the group where newer kill all.
        try? group.write("0", to: "memory.swap.max")
        try? group.write("1", to: "memory.oom.group")
        return group
    }

    /// Kills every process in it and in those below, also what they are just starting.
    func kill() { try? write("1", to: "cgroup.kill") }

    /// Removes it, its processes and the groups below it.
    ///
    /// - Returns: false when processes that not even SIGKILL ends (stuck in a driver) are left after the time.
    @discardableResult
    func remove(within limit: Duration) -> Bool {
        if rmdir(path) == 0 || errno == ENOENT { return true }
        kill()
        let deadline = BootClock.now + limit
        while true {
            for child in Files.entries(of: path) where Files.isDirectory("\(path)/\(child)") {
                rmdir("\(path)/\(child)")
            }
            if rmdir(path) == 0 || errno == ENOENT { return true }
            if BootClock.now >= deadline { return false }
            usleep(1000)
        }
    }

    /// The processes in it, those below excepted.
    var processes: [pid_t] { words(of: "cgroup.procs").compactMap { pid_t($0) } }

    var memoryKill: MemoryKill {
        let events = numbers(of: "memory.events")
        guard (events["oom_kill"] ?? 0) > 0 else { return .none }
        // `oom` counts where the limit was reached, `oom_kill` where a process was killed.
        return (events["oom"] ?? 0) > 0 ? .ownLimit : .elsewhere
    }

    /// Bytes that cannot be given back: without the files' cache, which the kernel lets grow to the limit. Nil without
    /// the memory controller.
    package var usedMemory: Int64? {
        let statistics = numbers(of: "memory.stat")
        guard let current = number(of: "memory.current"), let file = statistics["file"] else { return nil }
        return max(0, current - file + (statistics["shmem"] ?? 0))
    }

    /// The most it has used, in bytes, the files' cache excepted; nil where the kernel's figure does not tell.
    var peakMemory: Int64? {
        let statistics = numbers(of: "memory.stat")
        guard let peak = number(of: "memory.peak"), let file = statistics["file"] else { return nil }
        if memoryKill == .ownLimit { return peak }
        // The peak counts the cache. As long as nothing was reclaimed, the cache has only grown.
        guard (statistics["pgscan"] ?? 0) == 0 else { return nil }
        return max(0, peak - file + (statistics["shmem"] ?? 0))
    }

    func write(_ text: String, to name: String) throws(Files.Failure) {
        let path = "\(path)/\(name)"
        let file = open(path, O_WRONLY | O_CLOEXEC)
        guard file >= 0 else { throw Files.Failure(path: path, code: errno) }
        defer { close(file) }
        guard Files.append(Array(text.utf8)[...], to: file) else { throw Files.Failure(path: path, code: errno) }
    }

    func words(of name: String) -> [Substring] {
        guard let bytes = Files.read("\(path)/\(name)") else { return [] }
        return String(decoding: bytes, as: UTF8.self).split { $0 == " " || $0 == "\n" }
    }

    private func number(of name: String) -> Int64? { words(of: name).first.flatMap { Int64($0) } }

    /// Of a file with a name and a number a line.
    private func numbers(of name: String) -> [String: Int64] {
        let words = words(of: name)
        var result: [String: Int64] = [:]
        for index in stride(from: 0, to: words.count - 1, by: 2) {
            result[String(words[index])] = Int64(words[index + 1])
        }
        return result
    }
}
