// SPDX-License-Identifier: MIT

import Foundation
import Testing

/// Data directories that are taken, full, too new or no directories.
@Suite struct DirectoryTests {
    @Test func aSecondRunIsRefusedAndTheFirstUnharmed() throws {
        let folder = try SweepFolder(
            SweepFolder.yaml(trials: 12), script: "echo >> begun\nsleep 0.3\nsweepd report loss=1")
        let first = try folder.start("run", "sweep.yaml", "-w", "2")
        try #require(wait { !folder.text("begun").isEmpty }, "\(folder.text("out"))")
        for arguments in [["run", "sweep.yaml"], ["resume", "s"], ["run", "sweep.yaml", "--name", "t"]] {
            let second = try Program.run(arguments, in: folder.path)
            #expect(second.status == 2)
            #expect(second.output.isEmpty)
            #expect(
                second.error.contains("process \(first.processIdentifier) (sweepd run sweep.yaml -w 2)"),
                "\(second.error)")
            #expect(second.error.contains("--data"))
        }
        // Looking is allowed.
        for command in ["list", "show", "trials", "verify"] { #expect(try folder.run(command).status == 0) }
        #expect(first.end() == 0, "\(folder.text("out"))")
        #expect(try folder.states() == [String](repeating: "completed", count: 12))
        try folder.expectSound()
    }

    @Test func twoSweepsOfOneName() throws {
        let folder = try SweepFolder(SweepFolder.yaml(trials: 2), script: "sweepd report loss=1")
        #expect(try folder.run("run", "sweep.yaml").status == 0)
        let again = try folder.run("run", "sweep.yaml")
        #expect(again.status == 2)
        #expect(again.error.contains("the sweep 's' is finished here already (2 of 2 trials"), "\(again.error)")
        #expect(again.error.contains(" extend ") && again.error.contains("--name s-2"), "\(again.error)")
        #expect(try folder.run("run", "sweep.yaml", "--name", "s-2", "--trials", "3").status == 0)
        #expect(try folder.trials(of: "s").count == 2)
        #expect(try folder.trials(of: "s-2").count == 3)
        let unknown = try folder.run("show", "s-3")
        #expect(unknown.status == 2)
        #expect(unknown.error.contains("there is no sweep 's-3' here: did you mean s"), "\(unknown.error)")
    }

    @Test func aStoreOfANewerVersionIsRefusedByEveryCommand() throws {
        let folder = try SweepFolder(SweepFolder.yaml(trials: 1), script: "sweepd report loss=1")
        #expect(try folder.run("run", "sweep.yaml").status == 0)
        let python = Process()
        python.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        python.arguments = [
            "python3", "-c",
            "import sqlite3, sys; c = sqlite3.connect(sys.argv[1]); c.execute('PRAGMA user_version = 99'); c.commit()",
            folder.data + "/sweepd.sqlite",
        ]
        try python.run()
        python.waitUntilExit()
        #expect(python.terminationStatus == 0)
        for arguments in [
            ["run", "sweep.yaml"], ["resume"], ["extend", "--trials", "+1"], ["list"], ["show"], ["trials"], ["best"],
            ["logs", "0"], ["export"], ["cancel", "s"], ["verify"],
        ] {
            let result = try Program.run(arguments, in: folder.path)
            #expect(result.status == 2, "\(arguments): \(result.error)")
            #expect(
                result.error.contains("has schema version 99, and this sweepd knows versions up to "), "\(result.error)"
            )
        }
    }

    @Test func placesThatAreNoDirectories() throws {
        let folder = try SweepFolder(SweepFolder.yaml(trials: 1), script: "sweepd report loss=1")
        for arguments in [["run", "sweep.yaml"], ["list"], ["resume"], ["verify"]] {
            let result = try Program.run(arguments + ["--data", "train.sh"], in: folder.path)
            #expect(result.status == 2)
            #expect(
                result.error.contains("train.sh is not a directory: give another one with --data"), "\(result.error)")
        }
        for arguments in [["list"], ["resume"], ["show"], ["extend", "--trials", "+1"]] {
            let result = try Program.run(arguments + ["--data", "nowhere"], in: folder.path)
            #expect(result.status == 2)
            #expect(result.error.contains("there is no data directory at "), "\(result.error)")
        }
        #expect(folder.text("train.sh") == "sweepd report loss=1")
        #expect(!FileManager.default.fileExists(atPath: folder.path + "/nowhere"))
    }

    @Test(.enabled(if: getuid() != 0, "root may write anywhere"))
    func aReadOnlyFolderIsNamed() throws {
        let folder = try SweepFolder(SweepFolder.yaml(trials: 1), script: "sweepd report loss=1")
        chmod(folder.path, 0o500)
        defer { chmod(folder.path, 0o700) }
        let result = try folder.run("run", "sweep.yaml")
        #expect(result.status == 2)
        #expect(result.error.contains(".sweepd") && result.error.contains("--data"), "\(result.error)")
    }

    /// A small file system of its own is filled while trials run.
    @Test(.enabled(if: SmallDisk.isPossible, "mounting a tmpfs takes root")) func aFullDiskPausesTheSweep() throws {
        let folder = try SweepFolder(
            SweepFolder.yaml(trials: 30), script: "sleep 0.05\necho hello\nsweepd report loss=1")
        let disk = try SmallDisk(at: folder.path + "/disk", size: "4m")
        let process = try folder.start("run", "sweep.yaml", "-w", "2", "--data", "disk/data")
        try #require(wait { folder.text("out").contains("trial 3 completed") }, "\(folder.text("out"))")
        disk.fill()
        #expect(
            wait(seconds: 10) { folder.text("out").contains("the disk is full: free some space") },
            "\(folder.text("out"))")
        #expect(process.isRunning)
        disk.empty()
        #expect(wait(seconds: 10) { folder.text("out").contains("there is space again") }, "\(folder.text("out"))")
        #expect(process.end(within: 40) == 0, "\(folder.text("out"))")
        let export = try folder.run("export", "--data", "disk/data")
        #expect(export.output.split(whereSeparator: \.isNewline).filter { $0.contains(",completed,") }.count == 30)
        #expect(try folder.run("verify", "--data", "disk/data").status == 0)
    }

    /// A service manager starts it again until there is space; after exit code 2 it would not.
    @Test(.enabled(if: SmallDisk.isPossible, "mounting a tmpfs takes root"))
    func aFullDiskIsNoBadInputOfADaemon() throws {
        let folder = try SweepFolder(SweepFolder.yaml(trials: 1), script: "sweepd report loss=1")
        let disk = try SmallDisk(at: folder.path + "/disk", size: "4m")
        disk.fill()
        let refused = try folder.run("serve", "--workers", "0", "--data", "disk/data", seconds: 20)
        #expect(refused.status == 1)
        #expect(refused.error.contains("is full: free some space"), "\(refused.error)")
    }

    /// Ctrl-C twice ends it although nothing can be recorded.
    @Test(.enabled(if: SmallDisk.isPossible, "mounting a tmpfs takes root")) func aFullDiskDoesNotHoldTheUser() throws {
        let folder = try SweepFolder(SweepFolder.yaml(trials: 30), script: "sleep 0.05\nsweepd report loss=1")
        let disk = try SmallDisk(at: folder.path + "/disk", size: "4m")
        let process = try folder.start("run", "sweep.yaml", "-w", "2", "--data", "disk/data")
        try #require(wait { folder.text("out").contains("trial 3 completed") }, "\(folder.text("out"))")
        disk.fill()
        try #require(wait(seconds: 10) { folder.text("out").contains("the disk is full") }, "\(folder.text("out"))")
        process.signal(SIGINT)
        Thread.sleep(forTimeInterval: 0.2)
        process.signal(SIGINT)
        #expect(process.end(within: 20) == 130, "\(folder.text("out"))")
        let refused = try folder.run("resume", "--data", "disk/data", seconds: 20)
        #expect(refused.status == 2)
        #expect(refused.error.contains("is full: free some space"), "\(refused.error)")
        disk.empty()
        let resumed = try folder.run("resume", "--data", "disk/data")
        #expect(resumed.status == 0, "\(resumed.output)\(resumed.error)")
        let export = try folder.run("export", "--data", "disk/data")
        #expect(export.output.split(whereSeparator: \.isNewline).filter { $0.contains(",completed,") }.count == 30)
        #expect(try folder.run("verify", "--data", "disk/data").status == 0)
    }
}

/// A file system of a few MiB; unmounted when its owner goes.
final class SmallDisk {
    private let path: String

    static let isPossible: Bool = {
        guard getuid() == 0, let folder = try? TemporaryFolder() else { return false }
        return (try? SmallDisk(at: folder.path + "/disk", size: "1m")) != nil
    }()

    init(at path: String, size: String) throws {
        self.path = path
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
        guard try Self.call("mount", "-t", "tmpfs", "-o", "size=\(size)", "tmpfs", path) == 0 else {
            throw CocoaError(.fileWriteUnknown)
        }
    }

    deinit { _ = try? Self.call("umount", "-l", path) }

    func fill() {
        let file = open(path + "/ballast", O_WRONLY | O_CREAT | O_APPEND, 0o600)
        let block = [UInt8](repeating: 0, count: 4096)
        while write(file, block, block.count) > 0 {}
        close(file)
    }

    func empty() { unlink(path + "/ballast") }

    private static func call(_ arguments: String...) throws -> Int32 {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments = arguments
        process.standardError = FileHandle.nullDevice
        try process.run()
        process.waitUntilExit()
        return process.terminationStatus
    }
}
