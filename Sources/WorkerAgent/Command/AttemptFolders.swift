// SPDX-License-Identifier: MIT

import Foundation
import SweepModel
import WorkerProtocol

/// What attempts for a coordinator elsewhere have left on this machine: `SWEEP/TRIAL/aFENCE` below one folder, numbers all
/// of them. The coordinator cannot delete it, and the worker cannot know what of it a trial, a result or a person still
/// needs; so its owner says for how long it is kept.
struct AttemptFolders: Sendable {
    let root: String

    /// Attempts' folders in which nothing has changed since then.
    ///
    /// - Parameters:
    ///   - since: seconds since 1970.
    ///   - leases: those that are held. Nothing of their trials is named, nor what they go on from.
    func untouched(since: Int, except leases: [Lease]) -> [String] {
        let trials = Set(leases.map { "\($0.sweep.number)/\($0.trial)" })
        let checkpoints = leases.flatMap { ($0.resume.map { [$0] } ?? []) + $0.fallbacks }
        let inUse = checkpoints.compactMap { checkpoint -> String? in
            guard case .path(let path)? = CheckpointLocation(checkpoint.location) else { return nil }
            return Self.real(path)
        }
        var found: [String] = []
        for sweep in Self.folders(in: root) where Self.isNumber(sweep[...]) {
            for trial in Self.folders(in: "\(root)/\(sweep)") where Self.isNumber(trial[...]) {
                if trials.contains("\(sweep)/\(trial)") { continue }
                for attempt in Self.folders(in: "\(root)/\(sweep)/\(trial)")
                where attempt.hasPrefix("a") && Self.isNumber(attempt.dropFirst()) {
                    let folder = "\(root)/\(sweep)/\(trial)/\(attempt)"
                    let real = Self.real(folder) + "/"
                    if inUse.contains(where: { $0.hasPrefix(real) }) { continue }
                    if Self.lastChange(in: folder, depth: 2) < since { found.append(folder) }
                }
            }
        }
        return found
    }

    private static func isNumber(_ name: Substring) -> Bool {
        !name.isEmpty && name.utf8.allSatisfy { UInt8(ascii: "0")...UInt8(ascii: "9") ~= $0 }
    }

    /// No links: what they lead to is not ours.
    private static func folders(in path: String) -> [String] {
        Files.entries(of: path).filter { status(of: "\(path)/\($0)").map { $0.st_mode & S_IFMT == S_IFDIR } ?? false }
    }

    private static func status(of path: String) -> stat? {
        var status = stat()
        return lstat(path, &status) == 0 ? status : nil
    }

    private static func lastChange(in path: String, depth: Int) -> Int {
        guard let status = status(of: path) else { return .max }
        var last = status.st_mtim.tv_sec
        if depth > 0, status.st_mode & S_IFMT == S_IFDIR {
            for name in Files.entries(of: path) {
                last = max(last, lastChange(in: "\(path)/\(name)", depth: depth - 1))
            }
        }
        return last
    }

    private static func real(_ path: String) -> String {
        guard let real = realpath(path, nil) else { return path }
        defer { free(real) }
        return String(cString: real)
    }
}
