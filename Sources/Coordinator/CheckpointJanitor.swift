// SPDX-License-Identifier: MIT

import Dispatch
import Foundation
import WorkerProtocol

/// Deletes the files of checkpoints that no rule needs, on a thread of its own: a checkpoint may be large.
///
/// A worker names the folder, so it is deleted only where it is the trial's own: below the trial's folder in the data
/// directory or in the sweep's checkpoint path, named without `..`, and reached through no symbolic link.
struct CheckpointJanitor: Sendable {
    private let queue = DispatchQueue(label: "sweepd.checkpoints", qos: .utility)

    /// - Parameter roots: where our folders are, as `CheckpointLocation` has it; those that are no path are passed over.
    /// - Returns: whether the location is one that may be deleted.
    @discardableResult
    func discard(_ location: String, below roots: [String]) -> Bool {
        guard case .path(let path)? = CheckpointLocation(location) else { return false }
        guard Self.isOurs(path, below: roots) else { return false }
        queue.async {
            // Others were before it in the queue, and a folder may have become a link meanwhile.
            if Self.isOurs(path, below: roots) { try? FileManager.default.removeItem(atPath: path) }
        }
        return true
    }

    private static func isOurs(_ path: String, below roots: [String]) -> Bool {
        roots.contains { root in
            if case .path(let root)? = CheckpointLocation(root) { isWithin(path, root) } else { false }
        }
    }

    /// What has been asked for is done.
    func finish() {
        queue.sync {}
    }

    /// Both absolute.
    private static func isWithin(_ path: String, _ root: String) -> Bool {
        if path.utf8.split(separator: UInt8(ascii: "/")).contains(where: { $0.elementsEqual("..".utf8) }) {
            return false
        }
        let folder = root.hasSuffix("/") ? String(root.dropLast()) : root
        guard path.hasPrefix(folder + "/"), path.utf8.count > folder.utf8.count + 1 else { return false }
        let parent = (path as NSString).deletingLastPathComponent
        let real = URL(fileURLWithPath: parent).resolvingSymlinksInPath().path
        return real == parent && real.hasPrefix(URL(fileURLWithPath: folder).resolvingSymlinksInPath().path)
    }
}
