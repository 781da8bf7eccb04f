// SPDX-License-Identifier: MIT

import CProcess
import Foundation

/// A running child that leads its own process group. Its output arrives on `output`.
///
/// Make one only on the agent's own thread: the kernel kills the child when the thread that made it ends.
package struct ChildProcess: ~Copyable {
    package struct Failure: Error, Hashable, Sendable {
        package enum Stage: Sendable { case fork, directory, setup, exec, enclosure }
        package let stage: Stage
        /// errno.
        package let code: Int32
    }

    /// How it ended.
    package struct Exit: Hashable, Sendable {
        package enum Kind: Hashable, Sendable {
            case code(Int)
            case signal(Int32)
        }
        package let kind: Kind
        /// Bytes; nil when the kernel's figures say nothing about the child.
        package let peakMemory: Int64?
        /// What its control group says.
        package var memoryKill = ControlGroup.MemoryKill.none
    }

    /// What holds it and all it starts.
    package struct Enclosure: Hashable, Sendable {
        package var group: ControlGroup?
        /// Bytes of private writable memory each process may map.
        package var dataLimit: Int64?
    }

    package let id: Int32
    /// The read end of the pipe behind its standard output and error; not blocking.
    package let output: Int32
    /// Polls readable when it has ended; -1 where the kernel has no such descriptor.
    package let exitDescriptor: Int32
    /// Its control group; nil where it could not have one.
    package let group: ControlGroup?
    /// Words of its environment by which what left its process group is found.
    private let mark: (token: String, fence: String)?
    /// exec carries the spawning process's peak over into the child's figure: at or below this it says nothing.
    private let inheritedPeak: Int64

    private init(
        id: Int32, output: Int32, inheritedPeak: Int64, group: ControlGroup?, mark: (token: String, fence: String)?
    ) {
        self.id = id
        self.group = group
        self.mark = mark
        self.output = output
        self.inheritedPeak = inheritedPeak
        exitDescriptor = sweepd_process_descriptor(id)
    }

    /// - Parameters:
    ///   - path: the executable; nothing is searched.
    ///   - arguments: the words, the first included.
    ///   - enclosure: its group is the child's from now on, and removed with it.
    package static func start(
        path: String, arguments: [String], environment: [String: String], directory: String,
        enclosure: Enclosure = Enclosure()
    ) throws(Failure) -> ChildProcess {
        var isStarted = false
        defer { if !isStarted { enclosure.group?.remove(within: .zero) } }
        var joining: Int32 = -1
        if let group = enclosure.group {
            joining = open("\(group.path)/cgroup.procs", O_WRONLY | O_CLOEXEC)
            guard joining >= 0 else { throw Failure(stage: .enclosure, code: errno) }
        }
        defer { if joining >= 0 { close(joining) } }
        var readEnd: Int32 = -1
        var writeEnd: Int32 = -1
        guard sweepd_pipe(&readEnd, &writeEnd) == 0 else { throw Failure(stage: .fork, code: errno) }
        defer { close(writeEnd) }
        let words = CStringArray(arguments)
        let variables = CStringArray(environment.map { "\($0.key)=\($0.value)" }.sorted())
        let inheritedPeak = sweepd_own_peak_memory()
        let result = sweepd_spawn(
            path, words.pointer, variables.pointer, directory, writeEnd,
            sweepd_enclosure(group: joining, data_limit: enclosure.dataLimit ?? 0))
        guard result.stage == SWEEPD_SPAWN_STARTED.rawValue else {
            close(readEnd)
            let stage: Failure.Stage =
                switch UInt32(result.stage) {
                case SWEEPD_SPAWN_FORK.rawValue: .fork
                case SWEEPD_SPAWN_DIRECTORY.rawValue: .directory
                case SWEEPD_SPAWN_EXEC.rawValue: .exec
                case SWEEPD_SPAWN_ENCLOSURE.rawValue: .enclosure
                default: .setup
                }
            throw Failure(stage: stage, code: result.error)
        }
        _ = fcntl(readEnd, F_SETFL, O_NONBLOCK)
        isStarted = true
        var mark: (token: String, fence: String)?
        if let token = environment["SWEEPD_AGENT"], let fence = environment["SWEEPD_FENCE"] { mark = (token, fence) }
        return ChildProcess(
            id: result.pid, output: readEnd, inheritedPeak: inheritedPeak, group: enclosure.group, mark: mark)
    }

    deinit {
        close(output)
        if exitDescriptor >= 0 { close(exitDescriptor) }
    }

    /// Sends a signal to the child and all it started that stayed in its group; SIGKILL gets those that left it, too,
    /// where there is a control group. Only before `reap` gave an exit: after that the number may be someone else's.
    package func signalGroup(_ signal: Int32) {
        if signal == SIGKILL { group?.kill() }
        _ = kill(-id, signal)
    }

    /// The exit, once it has ended. Everything left of it is killed first, while the ended child still holds the
    /// group's number.
    package func reap() -> Exit? {
        var information = siginfo_t()
        guard waitid(P_PID, id_t(id), &information, WEXITED | WNOHANG | WNOWAIT) != 0 || Self.isSet(information) else {
            return nil
        }
        signalGroup(SIGKILL)
        let memoryKill = group?.memoryKill ?? .none
        let groupPeak = group?.peakMemory ?? 0
        if let group {
            // What takes its time to die goes with the next attempt's start, or with the agent.
            group.remove(within: .milliseconds(20))
        } else if let mark {
            Leftovers.killStrays(token: mark.token, fence: mark.fence)
        }
        let result = sweepd_reap(id)
        switch result.ended {
        case 0: return nil
        case 1:
            let peak = max(groupPeak, result.peak_memory > inheritedPeak ? result.peak_memory : 0)
            return Exit(
                kind: result.signal == 0 ? .code(Int(result.code)) : .signal(result.signal),
                peakMemory: peak > 0 ? peak : nil, memoryKill: memoryKill)
        default:
            // Someone else reaped it, which this process never does: say so as the only thing known.
            return Exit(kind: .signal(SIGKILL), peakMemory: nil)
        }
    }

    private static func isSet(_ information: siginfo_t) -> Bool { information.si_signo == SIGCHLD }
}

/// `argv` and `environ`: C strings that live as long as this.
private final class CStringArray {
    private let strings: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>
    private let count: Int

    init(_ texts: [String]) {
        count = texts.count
        strings = .allocate(capacity: count + 1)
        for (index, text) in texts.enumerated() { strings[index] = strdup(text) }
        strings[count] = nil
    }

    deinit {
        for index in 0..<count { free(strings[index]) }
        strings.deallocate()
    }

    var pointer: UnsafePointer<UnsafeMutablePointer<CChar>?> { UnsafePointer(strings) }
}
