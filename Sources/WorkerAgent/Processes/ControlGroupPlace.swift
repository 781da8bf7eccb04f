// SPDX-License-Identifier: MIT

import CProcess
import Foundation

/// Where in the tree of control groups (version 2) we may make some of our own.
///
/// A group that holds processes cannot divide memory among groups below it, so a worker must stand in a leaf beside its
/// trials. We move ourselves there, within what was given to us for good, and nobody else.
struct ControlGroupPlace: Hashable {
    /// Why there is none; ends a sentence.
    struct Absence: Error, CustomStringConvertible {
        let description: String
        init(_ description: String) { self.description = description }
    }

    /// Our groups are made in it.
    let base: ControlGroup
    /// We stand in `base` and have to leave it for a leaf.
    let mustMove: Bool
    /// Whether memory can be limited; if not, processes can at least be killed together.
    let hasMemory: Bool

    private static let prefix = "sweepd-"
    private static let hint =
        "start it with systemd-run --user --scope -p Delegate=yes, or as a service with Delegate=yes"

    /// Looks and changes nothing.
    ///
    /// - Parameters:
    ///   - mounts: the text of /proc/self/mountinfo.
    ///   - membership: the text of /proc/self/cgroup.
    static func find(mounts: String, membership: String) throws(Absence) -> ControlGroupPlace {
        guard let own = path(mounts: mounts, membership: membership) else {
            throw Absence("the machine has no control groups of version 2")
        }
        let group = ControlGroup(path: own.path)
        // Only the root of the whole tree has no type. It may hold processes and divide memory all the same.
        if !Files.exists("\(own.path)/cgroup.type") { return try place(group, mustMove: false) }
        if own.isNamespaceRoot || isDelegated(group) {
            let others = group.processes.filter { !isOurs($0) }
            if !others.isEmpty {
                throw Absence("\(own.path) holds other processes than sweepd's; \(hint)")
            }
            return try place(group, mustMove: true)
        }
        let parent = ControlGroup(path: (own.path as NSString).deletingLastPathComponent)
        if isDelegated(parent), parent.processes.isEmpty { return try place(parent, mustMove: false) }
        throw Absence("\(own.path) is not given to sweepd to divide; \(hint)")
    }

    static func find() throws(Absence) -> ControlGroupPlace {
        func text(_ path: String) -> String { String(decoding: Files.read(path) ?? [], as: UTF8.self) }
        return try find(mounts: text("/proc/self/mountinfo"), membership: text("/proc/self/cgroup"))
    }

    private static func place(_ base: ControlGroup, mustMove: Bool) throws(Absence) -> ControlGroupPlace {
        // The last is asked of whoever moves a process between two groups below.
        for path in [base.path, "\(base.path)/cgroup.procs"] where access(path, W_OK) != 0 {
            throw Absence("\(path) is not writable")
        }
        let canDivide = access("\(base.path)/cgroup.subtree_control", W_OK) == 0
        return ControlGroupPlace(
            base: base, mustMove: mustMove,
            hasMemory: canDivide && base.words(of: "cgroup.controllers").contains("memory"))
    }

    /// The folder of our own group.
    static func path(mounts: String, membership: String) -> (path: String, isNamespaceRoot: Bool)? {
        let line = membership.split(separator: "\n").first { $0.hasPrefix("0::/") }
        guard let own = line?.dropFirst(3) else { return nil }
        for mount in mounts.split(separator: "\n") {
            // ID parent device root point options … - type source …
            let fields = mount.split(separator: " ")
            guard let dash = fields.firstIndex(of: "-"), fields.count > dash + 1, fields[dash + 1] == "cgroup2",
                dash >= 5
            else { continue }
            let root = fields[3] == "/" ? "" : fields[3]
            guard own == root || own.hasPrefix(root + "/") else { continue }
            let below = own.dropFirst(root.count)
            let point = fields[4].replacingOccurrences(of: "\\040", with: " ")
            return (point + (below == "/" ? "" : below), own == "/")
        }
        return nil
    }

    private static func isDelegated(_ group: ControlGroup) -> Bool { sweepd_is_delegated(group.path) }

    /// This process or one it started.
    private static func isOurs(_ id: pid_t) -> Bool {
        var id = id
        for _ in 0..<64 {
            if id == getpid() { return true }
            guard let parent = ProcessTable.entry(id)?.parent, parent > 0 else { return false }
            id = parent
        }
        return false
    }

    // MARK: Taking it

    /// Moves us into a leaf if need be, lets memory be divided, and makes the group that holds one agent's attempts.
    func take() throws(Files.Failure) -> ControlGroup {
        removeLeftovers()
        if mustMove {
            let leaf = ControlGroup(path: "\(base.path)/agent")
            if mkdir(leaf.path, 0o755) != 0, errno != EEXIST { throw Files.Failure(path: leaf.path, code: errno) }
            for process in base.processes { try leaf.write("\(process)", to: "cgroup.procs") }
        }
        if hasMemory { try base.write("+memory", to: "cgroup.subtree_control") }
        var ticks: UInt64 = 0
        if let start = ProcessTable.entry(getpid())?.start { ticks = start }
        let number = UInt32.random(in: .min ... .max)
        let name = "\(Self.prefix)\(getpid()).\(ticks).\(number)"
        let group = try ControlGroup.make(at: "\(base.path)/\(name)", memoryLimit: nil)
        do throws(Files.Failure) {
            if hasMemory { try group.write("+memory", to: "cgroup.subtree_control") }
            // Kernels before 5.14 cannot kill a group whole.
            guard Files.exists("\(group.path)/cgroup.kill") else {
                throw Files.Failure(path: "\(group.path)/cgroup.kill", code: ENOENT)
            }
        } catch {
            group.remove(within: .zero)
            throw error
        }
        return group
    }

    /// Kills and removes what agents left that were killed themselves: the group's name says whose it was.
    func removeLeftovers() {
        for name in Files.entries(of: base.path) where name.hasPrefix(Self.prefix) {
            let fields = name.dropFirst(Self.prefix.count).split(separator: ".")
            guard fields.count == 3, let id = pid_t(fields[0]), let start = UInt64(fields[1]),
                ProcessTable.entry(id)?.start != start
            else { continue }
            ControlGroup(path: "\(base.path)/\(name)").remove(within: .seconds(1))
        }
    }
}
