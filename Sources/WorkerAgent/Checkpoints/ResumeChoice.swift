// SPDX-License-Identifier: MIT

import Foundation
package import WorkerProtocol

/// The checkpoint an attempt goes on from: the newest that is what it was when it was reported.
package struct ResumeChoice: Hashable, Sendable {
    package struct Cancelled: Error {}

    /// nil: the trial starts from the beginning. Its location is a path of this machine, or a URI that nobody checked.
    package let checkpoint: Checkpoint?
    /// Why it is none of the newer ones, a sentence each.
    package let warnings: [String]

    /// Reads the checkpoints' files until one passes: it may take as long as reading them takes.
    ///
    /// - Parameters:
    ///   - candidates: newest first.
    ///   - isCancelled: asked before each MiB.
    package init(among candidates: [Checkpoint], isCancelled: () -> Bool = { false }) throws(Cancelled) {
        var faults: [String] = []
        var chosen: Checkpoint?
        var isElsewhere = false
        for candidate in candidates {
            switch try Self.examine(candidate, isCancelled) {
            case .usable(let location):
                chosen = Checkpoint(
                    step: candidate.step, location: location, digest: candidate.digest, bytes: candidate.bytes)
            case .unusable(let fault): faults.append("the checkpoint of step \(candidate.step) \(fault)")
            case .outOfReach(let place):
                let advice =
                    "which this machine can't reach: put checkpoints on a path that all workers share "
                    + "(checkpoints: {path: …} in the sweep file)"
                // Once is enough: the others most often lie beside it.
                faults.append(
                    "the checkpoint of step \(candidate.step) lies at \(place), "
                        + (isElsewhere ? "which this machine can't reach either" : advice))
                isElsewhere = true
            }
            if chosen != nil { break }
        }
        let consequence =
            chosen.map { "going on from the one of step \($0.step)" } ?? "the trial starts from the beginning"
        checkpoint = chosen
        warnings = faults.map { "\($0); \(consequence)" }
    }

    private enum Finding {
        case usable(location: String)
        case unusable(String)
        /// Not even the folder it should lie in is there.
        case outOfReach(String)
    }

    private static func examine(_ checkpoint: Checkpoint, _ isCancelled: () -> Bool) throws(Cancelled) -> Finding {
        if isCancelled() { throw Cancelled() }
        let path: String
        switch CheckpointLocation(checkpoint.location) {
        case .uri?: return .usable(location: checkpoint.location)
        case .path(let text)?: path = Files.withoutTrailingSlash(text)
        case nil: return .unusable("at \(shown(checkpoint.location)) is neither in a folder nor at a URI")
        }
        let place = shown(path)
        var status = stat()
        guard lstat(path, &status) == 0 else {
            let code = errno
            if code == ENOENT, Files.isDirectory((path as NSString).deletingLastPathComponent) {
                return .unusable("at \(place) is missing")
            }
            return .outOfReach(code == ENOENT || code == ENOTDIR ? place : "\(place) (\(Files.text(of: code)))")
        }
        guard status.st_mode & S_IFMT == S_IFDIR else {
            return .unusable(
                "at \(place) is \(status.st_mode & S_IFMT == S_IFLNK ? "a link" : "a file"), and no folder")
        }
        guard access(path, R_OK | X_OK) == 0 else {
            return .unusable("at \(place) cannot be read (\(Files.text(of: errno)))")
        }
        if checkpoint.digest.isEmpty { return .usable(location: path) }
        do throws(DirectoryDigest.Failure) {
            let digest = try DirectoryDigest(of: path, isCancelled: isCancelled)
            return digest.hex == checkpoint.digest.lowercased()
                ? .usable(location: path) : .unusable("at \(place) is damaged (its digest differs)")
        } catch {
            switch error {
            case .cancelled: throw Cancelled()
            case .system(let file, let code):
                return .unusable("at \(place) cannot be read (\(name(file, below: path))\(Files.text(of: code)))")
            case .notPlain(let file):
                return .unusable("at \(place) is damaged (\(name(file, below: path))neither a file nor a folder)")
            case .tooDeep:
                return .unusable("at \(place) has more than \(DirectoryDigest.maximumDepth) levels of folders")
            case .changed(let file):
                return .unusable("at \(place) is damaged (\(name(file, below: path))it changed while it was read)")
            }
        }
    }

    private static func name(_ file: String, below path: String) -> String {
        file == path ? "" : "'\(shown(String(file.dropFirst(path.count + 1)), 60))': "
    }

    /// A warning holds 500 characters, a path thousands.
    private static func shown(_ path: String, _ limit: Int = 200) -> String {
        path.count <= limit ? path : "…\(path.suffix(limit))"
    }
}
