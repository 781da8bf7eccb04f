// SPDX-License-Identifier: MIT

import Coordinator
import Foundation
import SweepStore
import WorkerAgent

/// Directories, file system, limits and devices.
enum MachineChecks {
    static func directories(_ location: DataDirectory) -> [HealthCheck] {
        [dataDirectory(location), runtimeDirectory(location), fileSystem(location), space(location)]
    }

    private static func dataDirectory(_ location: DataDirectory) -> HealthCheck {
        let name = "data directory", path = location.path
        var status = stat()
        guard stat(path, &status) == 0 else {
            let parent = existingParent(path)
            return access(parent, W_OK | X_OK) == 0
                ? .ok(name, "\(path), not made yet")
                : .failure(name, "\(path) cannot be made in \(parent)", remedy: "choose another with --data DIR")
        }
        guard status.st_mode & S_IFMT == S_IFDIR else {
            return .failure(name, "\(path) is no directory", remedy: "choose another with --data DIR")
        }
        guard access(path, R_OK | W_OK | X_OK) == 0 else {
            return .failure(
                name, "\(path) is not writable", remedy: "sudo chown -R \(NSUserName()) \(ShellWord.quoted(path))")
        }
        if status.st_mode & 0o077 != 0 {
            return .warning(
                name, "\(path) can be entered by others", remedy: "chmod 700 \(ShellWord.quoted(path))")
        }
        return .ok(name, path)
    }

    private static func runtimeDirectory(_ location: DataDirectory) -> HealthCheck {
        let runtime = RuntimeDirectory(dataDirectory: location.path)
        let wasThere = access(runtime.path, F_OK) == 0
        // Only an empty one goes.
        defer { if !wasThere { rmdir(runtime.path) } }
        do {
            try runtime.create()
        } catch {
            return .failure(
                "runtime directory", "\(error)", remedy: "mkdir -m 700 ~/.run && export XDG_RUNTIME_DIR=~/.run")
        }
        return .ok("runtime directory", runtime.path)
    }

    private static func fileSystem(_ location: DataDirectory) -> HealthCheck {
        let name = "file system"
        guard let kind = FileSystem.kind(at: existingParent(location.path)) else {
            return .warning(name, "its kind cannot be read", remedy: "choose a local directory with --data DIR")
        }
        if FileSystem.isUnsafe(kind) {
            return .failure(
                name, "\(kind): locks and syncs cannot be relied on",
                remedy: "choose a local directory with --data DIR, or accept the risk with --unsafe-fs")
        }
        if kind == "tmpfs" || kind == "ramfs" {
            return .warning(
                name, "\(kind): gone after the next restart of this machine", remedy: "choose a disk with --data DIR")
        }
        return .ok(name, kind)
    }

    private static func space(_ location: DataDirectory) -> HealthCheck {
        let name = "disk space"
        var status = statvfs()
        guard statvfs(existingParent(location.path), &status) == 0 else {
            return .warning(name, String(cString: strerror(errno)), remedy: "df -h")
        }
        let free = Int64(clamping: UInt64(status.f_bavail) * UInt64(status.f_frsize))
        let text = "\(Format.bytes(free)) free"
        let remedy = "free some space, or choose another disk with --data DIR"
        if free < 64 << 20 { return .failure(name, text, remedy: remedy) }
        return free < 1 << 30 ? .warning(name, text, remedy: remedy) : .ok(name, text)
    }

    static func limitsAndDevices() -> [HealthCheck] {
        // Neither way to keep memory limits is wrong: which it is decides how exactly they are kept.
        [openFiles(), processors(), .ok("memory limits", MemoryEnclosure.foreseen), graphicsCards()]
    }

    private static func openFiles() -> HealthCheck {
        let name = "open files"
        var limit = rlimit()
        guard getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 else {
            return .warning(name, String(cString: strerror(errno)), remedy: "ulimit -n 4096")
        }
        let text = limit.rlim_cur >= 1 << 40 ? "no limit" : "at most \(limit.rlim_cur)"
        // A slot takes about ten.
        if limit.rlim_cur < 256 { return .failure(name, text, remedy: "ulimit -n 4096") }
        return limit.rlim_cur < 1024 ? .warning(name, text, remedy: "ulimit -n 4096") : .ok(name, text)
    }

    private static func processors() -> HealthCheck {
        .ok("processors", "\(ProcessInfo.processInfo.activeProcessorCount)")
    }

    private static func graphicsCards() -> HealthCheck {
        let cards = GPUSelection.automatic.resolved()
        if !cards.isEmpty { return .ok("GPUs", cards.joined(separator: ", ")) }
        if FileManager.default.fileExists(atPath: "/dev/nvidiactl") {
            return .warning("GPUs", "a driver is loaded and no card answers", remedy: "nvidia-smi -L")
        }
        return .ok("GPUs", "none")
    }

    /// The deepest directory on the way that exists.
    private static func existingParent(_ path: String) -> String {
        var path = path
        while access(path, F_OK) != 0, path != "/", !path.isEmpty {
            path = (path as NSString).deletingLastPathComponent
        }
        return path.isEmpty ? "/" : path
    }
}
