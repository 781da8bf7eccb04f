// SPDX-License-Identifier: MIT

import Foundation
import Testing

@testable import WorkerAgent

@Suite struct ControlGroupPlaceTests {
    static let unified = "25 1 0:22 / /sys/fs/cgroup rw,nosuid shared:9 - cgroup2 cgroup2 rw,nsdelegate"
    static let hybrid = """
        30 25 0:26 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory
        31 25 0:27 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw
        """
    /// A container that sees its own part of the machine's tree.
    static let part = "40 1 0:22 /docker/ab /sys/fs/cgroup ro - cgroup2 cgroup rw"

    @Test(arguments: [
        (unified, "0::/user.slice/a b.scope\n", "/sys/fs/cgroup/user.slice/a b.scope"),
        (unified, "0::/\n", "/sys/fs/cgroup"), (hybrid, "4:memory:/x\n0::/\n", "/sys/fs/cgroup/unified"),
        (part, "0::/docker/ab/c\n", "/sys/fs/cgroup/c"), (part, "0::/docker/ab\n", "/sys/fs/cgroup"),
        (part, "0::/docker/abc\n", nil), (unified, "4:memory:/x\n", nil), ("", "0::/\n", nil),
        ("40 1 0:22 / /a\\040b rw - cgroup2 cgroup rw", "0::/c\n", "/a b/c"),
    ])
    func ourGroupHasAFolder(mounts: String, membership: String, expected: String?) {
        #expect(ControlGroupPlace.path(mounts: mounts, membership: membership)?.path == expected)
    }

    @Test func aMachineWithoutThemSaysSo() {
        let absence = #expect(throws: ControlGroupPlace.Absence.self) {
            try ControlGroupPlace.find(mounts: "", membership: "0::/\n")
        }
        #expect(absence?.description == "the machine has no control groups of version 2")
    }

    /// Folders play the groups of a session that belongs to the desktop.
    @Test func whatWasNotGivenToUsIsLeftAlone() throws {
        let scratch = try Scratch()
        try Files.makeDirectory("\(scratch.path)/session.scope")
        for name in ["cgroup.type", "cgroup.procs", "cgroup.subtree_control"] {
            try scratch.write("\(getpid())\n", to: "session.scope/\(name)")
        }
        let mounts = "25 1 0:22 / \(scratch.path) rw - cgroup2 cgroup2 rw"
        let absence = #expect(throws: ControlGroupPlace.Absence.self) {
            try ControlGroupPlace.find(mounts: mounts, membership: "0::/session.scope\n")
        }
        #expect(absence?.description.contains("is not given to sweepd to divide; start it with systemd-run") == true)
        #expect(Files.entries(of: "\(scratch.path)/session.scope").count == 3)
    }

    /// A namespace's root is ours when nobody else stands in it.
    @Test func aNamespaceOfOurOwnIsTaken() throws {
        let scratch = try Scratch()
        for name in ["cgroup.type", "cgroup.subtree_control"] { try scratch.write("", to: name) }
        try scratch.write("cpu memory\n", to: "cgroup.controllers")
        try scratch.write("\(getpid())\n", to: "cgroup.procs")
        let mounts = "25 1 0:22 / \(scratch.path) rw - cgroup2 cgroup2 rw"
        let place = try ControlGroupPlace.find(mounts: mounts, membership: "0::/\n")
        #expect(
            place == ControlGroupPlace(base: ControlGroup(path: scratch.path), mustMove: true, hasMemory: true))
        try scratch.write("1\n\(getpid())\n", to: "cgroup.procs")
        let absence = #expect(throws: ControlGroupPlace.Absence.self) {
            try ControlGroupPlace.find(mounts: mounts, membership: "0::/\n")
        }
        #expect(absence?.description.contains("holds other processes than sweepd's") == true)
    }

    /// The numbers of memory.events decide whose fault it was.
    @Test(arguments: [
        ("oom 0\noom_kill 0\n", ControlGroup.MemoryKill.none), ("oom 3\noom_kill 2\n", .ownLimit),
        ("oom 0\noom_kill 1\n", .elsewhere), ("oom 5\noom_kill 0\n", .none), ("", .none),
    ])
    func eventsAreRead(text: String, expected: ControlGroup.MemoryKill) throws {
        let scratch = try Scratch()
        try scratch.write("low 0\nhigh 0\nmax 9\n" + text, to: "memory.events")
        #expect(ControlGroup(path: scratch.path).memoryKill == expected)
    }

    @Test func theFilesCacheIsNotUsedMemory() throws {
        let scratch = try Scratch()
        let group = ControlGroup(path: scratch.path)
        #expect(group.usedMemory == nil && group.peakMemory == nil)
        try scratch.write("1000\n", to: "memory.current")
        try scratch.write("1500\n", to: "memory.peak")
        try scratch.write("anon 300\nfile 700\nshmem 100\npgscan 0\n", to: "memory.stat")
        #expect(group.usedMemory == 400)
        #expect(group.peakMemory == 900)
        // Once cache was given back, nobody knows how much of the peak it was.
        try scratch.write("anon 300\nfile 700\nshmem 100\npgscan 5\n", to: "memory.stat")
        #expect(group.peakMemory == nil)
    }
}
