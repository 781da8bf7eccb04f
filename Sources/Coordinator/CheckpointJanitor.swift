// SPDX-License-Identifier: MIT

import Dispatch
import Foundation
import Synchronization
import WorkerProtocol

/// Deletes the files of checkpoints that no rule needs, one after the other on a queue of its own: a checkpoint may be
/// large, and shared storage may not answer. Whoever asks waits for nothing, not even for where a place is.
///
/// A worker names the folder, so it is deleted only where it is the trial's own: below the trial's folder in the data
/// directory or in the sweep's checkpoint path, named without `..`, and reached through no symbolic link of a worker's
/// making. How the data directory or the checkpoint path itself is reached is the owner's choice.
final class CheckpointJanitor: Sendable {
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
    /// What was asked for and is not done.
    private let unfinished = Mutex(0)

    /// - Parameters:
    ///   - roots: those that are no path, as `CheckpointLocation` has it, are passed over.
    ///   - tell: what became of it, from the janitor's queue.
    func discard(
        _ location: String, below roots: [Root], tell: @escaping @Sendable (Judgement) -> Void = { _ in }
    ) {
        unfinished.withLock { $0 += 1 }
        queue.async { [self] in
            defer { unfinished.withLock { $0 -= 1 } }
            guard case .path(let path)? = CheckpointLocation(location) else { return tell(.elsewhere) }
            // Only now: others were before it in the queue, and a folder may have become a link meanwhile.
            let judgement = Self.judge(path, below: roots)
            if judgement == .discarded { try? FileManager.default.removeItem(atPath: path) }
            tell(judgement)
        }
    }

    /// What was discarded before, by a process that may have ended before it was deleted.
    ///
    /// - Parameter isEnding: asked before each; what is left then waits for the next start.
    func discardAgain(
        _ places: [(location: String, roots: [Root])], unless isEnding: @escaping @Sendable () -> Bool
    ) {
        if places.isEmpty { return }
        unfinished.withLock { $0 += places.count }
        queue.async { [self] in
            for (location, roots) in places {
                defer { unfinished.withLock { $0 -= 1 } }
                if isEnding() { continue }
                // Most are long gone, which one look tells.
                guard case .path(let path)? = CheckpointLocation(location), Self.isThere(path),
                    Self.judge(path, below: roots) == .discarded
                else { continue }
                try? FileManager.default.removeItem(atPath: path)
            }
        }
    }

    /// Waits until what has been asked for is done, as long as something of it is.
    ///
    /// - Parameters:
    ///   - patience: for one checkpoint; storage that does not answer must keep no process from its end.
    ///   - limit: in all.
    /// - Returns: how much is left.
    func finish(patience: Duration = .seconds(5), limit: Duration = .seconds(30)) -> Int {
        let deadline = ContinuousClock.now + limit
        var (left, since) = (unfinished.withLock { $0 }, ContinuousClock.now)
        while left > 0, ContinuousClock.now < min(deadline, since + patience) {
            Thread.sleep(forTimeInterval: 0.005)
            let now = unfinished.withLock { $0 }
            if now != left { (left, since) = (now, .now) }
        }
        return left
    }

    private static func judge(_ path: String, below roots: [Root]) -> Judgement {
        var judgement = Judgement.elsewhere
        // One after the other: a root that does not answer holds up nothing that lies below one before it.
        for root in roots {
            guard case .path(let base)? = CheckpointLocation(root.base) else { continue }
            let found = judge(path, base: base, folder: root.folder)
            if found == .discarded { return found }
            if judgement == .elsewhere { judgement = found }
        }
        return judgement
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
