// SPDX-License-Identifier: MIT

import Dispatch
import Foundation
import WorkerProtocol

/// Deletes the files of checkpoints that no rule needs, on a thread of its own: a checkpoint may be large.
///
/// A worker names the folder, so it is deleted only where it is the trial's own: below the trial's folder in the data
/// directory or in the sweep's checkpoint path, named without `..`, and reached through no symbolic link of a worker's
/// making. How the data directory or the checkpoint path itself is reached is the owner's choice.
struct CheckpointJanitor: Sendable {
    /// Where checkpoints of ours are.
    struct Root: Sendable {
        /// A path or URI that the owner has named; it may lead through links.
        let base: String
        /// Below it, the folders that checkpoints are in: no link among them, since workers make them.
        let folder: String
    }

    enum Judgement: Hashable, Sendable {
        case discarded
        /// Nothing is there any more.
        case gone
        /// Not a place of ours: another machine's, or a URI.
        case elsewhere
        /// A place of ours by its name, and somewhere else in truth; or out of this machine's reach.
        case refused
    }

    private let queue = DispatchQueue(label: "sweepd.checkpoints", qos: .utility)

    /// - Parameter roots: those that are no path, as `CheckpointLocation` has it, are passed over.
    @discardableResult
    func discard(_ location: String, below roots: [Root]) -> Judgement {
        guard case .path(let path)? = CheckpointLocation(location) else { return .elsewhere }
        let judgement = Self.judge(path, below: roots)
        guard judgement == .discarded else { return judgement }
        queue.async {
            // Others were before it in the queue, and a folder may have become a link meanwhile.
            if Self.judge(path, below: roots) == .discarded { try? FileManager.default.removeItem(atPath: path) }
        }
        return .discarded
    }

    /// What was discarded before, by a process that may have ended before it was deleted. Nothing is looked at before its
    /// turn comes: a slow file system must hold up no start.
    ///
    /// - Parameter isEnding: asked before each; what is left then waits for the next start.
    func discardAgain(
        _ places: [(location: String, roots: [Root])], unless isEnding: @escaping @Sendable () -> Bool
    ) {
        if places.isEmpty { return }
        queue.async {
            for (location, roots) in places where !isEnding() {
                // Most are long gone, which one look tells.
                guard case .path(let path)? = CheckpointLocation(location), Self.isThere(path),
                    Self.judge(path, below: roots) == .discarded
                else { continue }
                try? FileManager.default.removeItem(atPath: path)
            }
        }
    }

    /// What has been asked for is done.
    func finish() {
        queue.sync {}
    }

    private static func judge(_ path: String, below roots: [Root]) -> Judgement {
        let judgements = roots.map { root -> Judgement in
            guard case .path(let base)? = CheckpointLocation(root.base) else { return .elsewhere }
            return judge(path, base: base, folder: root.folder)
        }
        return judgements.first { $0 == .discarded } ?? judgements.first { $0 != .elsewhere } ?? .elsewhere
    }

    /// - Parameter base: absolute, as the path is.
    private static func judge(_ path: String, base: String, folder: String) -> Judgement {
        let path = withoutSlash(path)
        let real = resolved(base)
        // A script may have named what it was given by where that is in truth.
        let spellings = [withoutSlash(base)] + (real.map { [$0] } ?? [])
        guard let prefix = spellings.first(where: { path.hasPrefix("\($0)/\(folder)/") }) else { return .elsewhere }
        if path.utf8.split(separator: UInt8(ascii: "/")).contains(where: { $0.elementsEqual("..".utf8) }) {
            return .refused
        }
        guard let real, let slash = path.lastIndex(of: "/") else { return .refused }
        let parent = path[..<slash]
        guard let place = resolved(String(parent)) else { return .gone }
        return place == real + parent.dropFirst(prefix.count) ? .discarded : .refused
    }

    private static func withoutSlash(_ path: String) -> String { path.hasSuffix("/") ? String(path.dropLast()) : path }

    private static func isThere(_ path: String) -> Bool {
        var status = stat()
        return lstat(withoutSlash(path), &status) == 0
    }

    /// nil where nothing is there.
    private static func resolved(_ path: String) -> String? {
        guard let real = realpath(path, nil) else { return nil }
        defer { free(real) }
        return withoutSlash(String(cString: real))
    }
}
