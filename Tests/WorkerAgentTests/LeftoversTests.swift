// SPDX-License-Identifier: MIT

import CProcess
import Foundation
import Testing

@testable import WorkerAgent

@Suite struct LeftoversTests {
    private func spawn(_ script: String, environment: [String: String] = [:]) throws -> Process {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/bin/sh")
        process.arguments = ["-c", script]
        process.standardOutput = FileHandle.nullDevice
        process.standardError = FileHandle.nullDevice
        process.environment = environment.merging(["PATH": "/usr/bin:/bin"]) { own, _ in own }
        try process.run()
        return process
    }

    @Test func findsThemByTheirTokenAlsoOutsideTheirGroup() throws {
        let scratch = try Scratch()
        let token = WorkerAgentOptions.randomToken()
        let child = try spawn(
            "setsid sh -c 'echo $$ > \(scratch.path)/a; exec sleep 300' & exec sleep 300",
            environment: ["SWEEPD_AGENT": token])
        let other = try spawn("exec sleep 300", environment: ["SWEEPD_AGENT": token + "0"])
        // It inherits a mask that blocks SIGTERM.
        defer { kill(other.processIdentifier, SIGKILL) }
        let stray = try #require(scratch.number(in: "a"))
        // It has written its number, and may be in the middle of its exec, without an environment.
        let isFound = (0..<200).contains { _ in
            if Leftovers.find(token: token).map(\.processID).contains(stray) { return true }
            usleep(10_000)
            return false
        }
        #expect(isFound)
        #expect(Leftovers.kill(token: token) >= 2)
        #expect(hasEnded(stray))
        #expect(hasEnded(child.processIdentifier))
        #expect(!hasEnded(other.processIdentifier))
        #expect(Leftovers.kill(token: token) == 0)
    }

    @Test func anEmptyTokenFindsNobody() {
        #expect(Leftovers.find(token: "").isEmpty)
    }

    @Test func startTimesNameProcesses() throws {
        var ticks: UInt64 = 0
        #expect(sweepd_process_start(getpid(), &ticks))
        #expect(ProcessTable.entry(getpid())?.start == ticks)
        #expect(!sweepd_process_start(-1, &ticks))
        #expect(ProcessTable.entry(0x3FFF_FFFF) == nil)
        #expect((ProcessTable.proportional(ofGroup: getpgid(0)) ?? 1) > 0)
    }

    /// The guard has to outlive a process that is killed, so a shell plays the coordinator: it holds the guard's pipe.
    @Test func theGuardKillsGroupsWhenItsParentIsKilled() throws {
        let scratch = try Scratch()
        _ = try spawn(
            "exec setsid sh -c 'sleep 300 & echo $! > \(scratch.path)/g; echo $$ > \(scratch.path)/l; wait'")
        _ = try spawn("exec setsid sh -c 'echo $$ > \(scratch.path)/s; exec sleep 300'")
        let leader = try #require(scratch.number(in: "l"))
        let grandchild = try #require(scratch.number(in: "g"))
        let forgotten = try #require(scratch.number(in: "s"))
        defer { kill(-forgotten, SIGKILL) }

        var writeEnd: Int32 = -1
        let guardID = sweepd_guard_start(&writeEnd)
        try #require(guardID > 0)
        let holder = Process()
        holder.executableURL = URL(fileURLWithPath: "/bin/sh")
        let lines = "+\(leader)\\n+\(forgotten)\\n-\(forgotten)\\n"
        holder.arguments = ["-c", "printf '\(lines)'; : > \(scratch.path)/ready; exec sleep 300"]
        holder.standardError = FileHandle.nullDevice
        holder.standardOutput = FileHandle(fileDescriptor: writeEnd, closeOnDealloc: false)
        try holder.run()
        close(writeEnd)
        _ = wait { FileManager.default.fileExists(atPath: "\(scratch.path)/ready") ? true : nil }
        usleep(50_000)
        #expect(!hasEnded(grandchild))
        #expect(!hasEnded(guardID))
        // The guard shrugs off what a terminal or an operator sends to everything.
        kill(guardID, SIGTERM)
        kill(guardID, SIGINT)
        kill(holder.processIdentifier, SIGKILL)
        #expect(wait { hasEnded(grandchild) && hasEnded(leader) ? true : nil } == true)
        #expect(wait { hasEnded(guardID) ? true : nil } == true)
        #expect(!hasEnded(forgotten))
        waitpid(guardID, nil, WNOHANG)
    }

    @Test(arguments: [
        ("auto", GPUSelection.automatic), ("none", .none), ("0,1", .cards(["0", "1"])), ("GPU-1a", .cards(["GPU-1a"])),
    ])
    func gpusAreRead(text: String, expected: GPUSelection) throws {
        #expect(try GPUSelection(text) == expected)
    }

    @Test(arguments: ["0,0", "a", "-1", "0,", "1.5"])
    func badGPUsAreRefused(text: String) {
        #expect(throws: GPUSelection.Failure.self) { try GPUSelection(text) }
    }

    @Test func automaticTakesWhatTheEnvironmentGrants() {
        #expect(GPUSelection.automatic.resolved(environment: ["CUDA_VISIBLE_DEVICES": "2, 3"]) == ["2", "3"])
        #expect(GPUSelection.automatic.resolved(environment: ["CUDA_VISIBLE_DEVICES": "-1"]).isEmpty)
        #expect(GPUSelection.none.resolved(environment: ["CUDA_VISIBLE_DEVICES": "2"]).isEmpty)
    }
}
