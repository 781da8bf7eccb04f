// SPDX-License-Identifier: MIT

import ArgumentParser
import Coordinator
import Foundation
import SweepModel
import WorkerAgent

/// Where the sweeps are.
struct DataOptions: ParsableArguments {
    @Option(
        name: .customLong("data"),
        help: ArgumentHelp(
            "The data directory (default: .sweepd beside the sweep file, or in this folder).", valueName: "dir"))
    var directory: String?

    @Flag(name: .customLong("unsafe-fs"), help: "Allow a network file system, on which a crash may lose data.")
    var allowsUnsafeFileSystem = false

    /// - Parameter file: the sweep file, where the command has one.
    func location(beside file: String? = nil) -> DataDirectory {
        if let directory { return DataDirectory(directory) }
        let folder = file.map {
            (URL(fileURLWithPath: $0).standardizedFileURL.path as NSString).deletingLastPathComponent
        }
        let beside = DataDirectory((folder ?? FileManager.default.currentDirectoryPath) + "/.sweepd")
        let daemon = DataDirectory(DaemonOptions.defaultDirectory())
        // Whoever only ever launched to the daemon looks there without having to say so. A file may be about to start a
        // sweep: beside it.
        let isOnlyThere =
            !FileManager.default.fileExists(atPath: beside.path) && FileManager.default.fileExists(atPath: daemon.path)
        return file == nil && isOnlyThere ? daemon : beside
    }
}

/// What a new sweep has otherwise than its file says.
struct SweepFileChanges: ParsableArguments {
    @Option(help: "The sweep's name (default: the file's).") var name: String?
    @Option(help: "Trials in total (default: the file's).") var trials: Int?
    @Option(help: "The sweep's seed (default: the file's, else drawn and recorded).") var seed: UInt64?

    func validate() throws {
        if let trials, trials < 1 { throw ValidationError("--trials must be at least 1, not \(trials)") }
    }

    var overrides: SweepFile.Overrides {
        var overrides = SweepFile.Overrides()
        overrides.name = name
        overrides.trials = trials
        overrides.seed = seed
        overrides.defaultSeed = SweepSource.drawnSeed()
        return overrides
    }
}

/// What local workers are started with.
struct WorkerArguments: ParsableArguments {
    @Option(
        name: .shortAndLong,
        help: "Local slots: trials that run at once (default: the sweep file's, else GPUs, else cores / 2).")
    var workers: Int?

    @Option(help: "GPUs to hand out, one a slot: auto, none, or indices like 0,1.")
    var gpus: String = "auto"

    @Flag(help: "Plain lines instead of the live table.")
    var plain = false

    func validate() throws {
        do throws(GPUSelection.Failure) {
            _ = try GPUSelection(gpus)
        } catch {
            throw ValidationError(error.description)
        }
        if let workers, workers < 0 || workers > 4096 {
            throw ValidationError("--workers must be from 0 to 4096, not \(workers)")
        }
    }

    /// Where a daemon elsewhere goes on with the sweep, there are no local slots.
    func check(_ remote: RemoteOptions) throws {
        if remote.daemon != nil, workers != nil {
            throw ValidationError(
                "--workers is for a sweep that goes on here, and --remote for one that does elsewhere")
        }
    }
}
