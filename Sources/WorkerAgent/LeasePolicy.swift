// SPDX-License-Identifier: MIT

import Crypto
import Foundation
package import SweepModel
import WorkerProtocol

/// What a coordinator may make this worker do.
///
/// One on this machine and of the same user may do what its user may. One elsewhere has the worker's own tasks run, its
/// commands only where the worker's owner allowed them, and reaches no files but those below the folders that were named
/// for it: whoever takes over a coordinator must not have taken over its workers with it.
package struct LeasePolicy: Sendable {
    /// Declared by the worker's owner.
    package var tasks: [TaskDeclaration]
    /// Whether commands that leases carry are run.
    package var allowsCommands: Bool
    /// Whether the coordinator is elsewhere.
    package var isElsewhere: Bool
    /// Where attempts' files go when the coordinator is elsewhere.
    package var attemptsDirectory: String
    /// Where allowed commands run then.
    package var commandDirectory: String
    /// Folders, and URIs of storage, below which leases of a coordinator elsewhere may name checkpoints to read and
    /// places to write them.
    package var checkpointRoots: [String]

    /// For a coordinator on this machine.
    package static let local = LeasePolicy()

    package init(
        tasks: [TaskDeclaration] = [], allowsCommands: Bool = true, isElsewhere: Bool = false,
        attemptsDirectory: String = "", commandDirectory: String = "", checkpointRoots: [String] = []
    ) {
        self.tasks = tasks
        self.allowsCommands = allowsCommands
        self.isElsewhere = isElsewhere
        self.attemptsDirectory = attemptsDirectory
        self.commandDirectory = commandDirectory
        self.checkpointRoots = checkpointRoots
    }

    /// What the worker tells the coordinator.
    package func offer(labels: [String]) -> WorkerOffer {
        WorkerOffer(
            labels: labels,
            tasks: tasks.map { task in
                let digest = SHA256.hash(data: Array(task.json.text.utf8))
                return WorkerOffer.Task(
                    name: task.name,
                    digest: digest.map { byte in
                        (byte < 16 ? "0" : "") + String(byte, radix: 16)
                    }.joined())
            },
            runsCommands: allowsCommands, hasFunction: false)
    }

    /// Variables that the lease's task sets.
    func environment(of lease: Lease) -> [TaskDeclaration.Variable] {
        task(of: lease)?.environment ?? []
    }

    private func task(_ name: String) -> TaskDeclaration? { tasks.first { $0.name == name } }
    private func task(of lease: Lease) -> TaskDeclaration? { lease.task.flatMap { task($0) } }

    /// The lease as it is carried out here, its checkpoints aside: those `reachable` judges.
    ///
    /// That the task is declared, or commands are allowed, the session has checked before the lease was accepted.
    func admitted(_ lease: Lease) -> Lease {
        var lease = lease
        if let task = task(of: lease) {
            (lease.command, lease.program, lease.workingDirectory) = (task.command, task.program, task.directory)
        }
        guard isElsewhere else { return lease }
        if lease.task == nil {
            lease.workingDirectory = commandDirectory
            if !allowsCommands { (lease.command, lease.program) = ([], nil) }
        }
        // Numbers only: a name from elsewhere is no path.
        lease.attemptDirectory =
            "\(attemptsDirectory)/\(lease.sweep.number)/\(lease.trial)/a\(lease.fence.number)"
        return lease
    }

    /// The lease with those of its checkpoints that it may have, and what is missing. It looks at storage that may not
    /// answer: call it on no thread that must not wait.
    func reachable(_ lease: Lease) -> (lease: Lease, warnings: [String]) {
        guard isElsewhere else { return (lease, []) }
        var lease = lease
        var warnings: [String] = []
        if !lease.checkpointDirectory.isEmpty, !mayReach(lease.checkpointDirectory) {
            warnings.append(
                "checkpoints stay on this worker: it may not write to \(lease.checkpointDirectory.prefix(200)) "
                    + "(allow it with --checkpoints)")
            lease.checkpointDirectory = ""
        }
        let offered = (lease.resume.map { [$0] } ?? []) + lease.fallbacks
        let reachable = offered.filter { mayReach($0.location) }
        if reachable.count < offered.count {
            warnings.append(
                "\(offered.count - reachable.count) checkpoints of earlier attempts cannot be reached from this worker: they "
                    + "lie on another one, or outside of what --checkpoints allows")
        }
        lease.resume = reachable.first
        lease.fallbacks = Array(reachable.dropFirst())
        return (lease, warnings)
    }

    /// A URI is handed to the script as it is, which opens it with the user's credentials: that, too, must be a place
    /// which the owner named.
    private func mayReach(_ location: String) -> Bool {
        switch CheckpointLocation(location) {
        case .path(let path)?:
            ([attemptsDirectory] + checkpointRoots.compactMap(Self.folder)).contains { Self.contains($0, path) }
        case .uri?: checkpointRoots.contains { StoragePrefix($0)?.contains(location) == true }
        case nil: false
        }
    }

    /// nil where a root is a URI. A relative path is one, too: the owner has named it.
    private static func folder(_ root: String) -> String? {
        switch CheckpointLocation(root) {
        case .path(let path)?: path
        case .uri?: nil
        case nil: root
        }
    }

    /// Whether the path lies below the root, links followed: as far as it exists.
    static func contains(_ root: String, _ path: String) -> Bool {
        guard !root.isEmpty, path.hasPrefix("/"), !path.utf8.contains(0),
            !path.split(separator: "/").contains(where: { $0 == ".." || $0 == "." })
        else { return false }
        var existing = path
        var rest = ""
        while existing != "/", !FileManager.default.fileExists(atPath: existing) {
            // A link that leads nowhere yet would be followed by whoever makes what it names.
            var status = stat()
            if lstat(existing, &status) == 0 {
                if status.st_mode & S_IFMT == S_IFLNK { return false }
                // It was made just now.
                continue
            }
            rest = "/" + (existing as NSString).lastPathComponent + rest
            existing = (existing as NSString).deletingLastPathComponent
        }
        guard let real = realpath(existing, nil), let base = realpath(root, nil) else { return false }
        defer {
            free(real)
            free(base)
        }
        return (String(cString: real) + rest).hasPrefix(String(cString: base) + "/")
    }
}
