// SPDX-License-Identifier: MIT

import Foundation
package import SweepModel

/// The layout of a data directory: `.sweepd/` beside the sweep file, or what `--data` names.
package struct DataDirectory: Sendable {
    /// Canonical and absolute.
    package let path: String

    /// - Parameter path: need not exist yet; the parts that do are resolved, so that two spellings of one directory
    ///   come to the same sockets.
    package init(_ path: String) {
        self.path = URL(fileURLWithPath: path).standardizedFileURL.resolvingSymlinksInPath().path
    }

    /// Says where a live coordinator listens; written at its start, removed at its end.
    package var endpointFile: String { "\(path)/endpoint.json" }
    /// The coordinator's secret key for TCP.
    package var serverKeyFile: String { "\(path)/keys/server.key" }
    /// Names the agent token of the last `run`, by which leftover processes are found.
    package var agentFile: String { "\(path)/agent.json" }

    package func trialDirectory(sweep: String, trial: Int) -> String {
        "\(path)/sweeps/\(Self.trialFolder(sweep: sweep, trial: trial))"
    }

    /// Below the folder of all sweeps, or below a path that all workers reach.
    static func trialFolder(sweep: String, trial: Int) -> String { "\(folder(for: sweep))/\(trial)" }

    /// A sweep may be called anything, `../x` included; its folder is below ours whatever it is called.
    static func folder(for name: String) -> String {
        var result = ""
        for (index, byte) in name.utf8.enumerated() {
            let character = Character(UnicodeScalar(byte))
            let isPlain =
                character.isASCII && (character.isLetter || character.isNumber || "-_+=@, ".contains(character))
            if isPlain || (character == "." && index > 0) {
                result.append(character)
            } else {
                result += "%" + (byte < 16 ? "0" : "") + String(byte, radix: 16, uppercase: true)
            }
        }
        return result.utf8.count <= 200 ? result : String(result.prefix(200))
    }

    /// The same below a path or a URI that all workers reach.
    package static func checkpointDirectory(_ root: String, sweep: String, trial: Int, fence: Fence) -> String {
        "\(root.hasSuffix("/") ? String(root.dropLast()) : root)/\(attemptFolder(sweep: sweep, trial: trial, fence: fence))"
    }

    /// Below the folder of all sweeps, or below a path that all workers reach.
    static func attemptFolder(sweep: String, trial: Int, fence: Fence) -> String {
        "\(trialFolder(sweep: sweep, trial: trial))/a\(fence)"
    }

    /// One per attempt, so that an attempt that lost its lease can harm only its own files.
    package func attemptDirectory(sweep: String, trial: Int, fence: Fence) -> String {
        "\(path)/sweeps/\(Self.attemptFolder(sweep: sweep, trial: trial, fence: fence))"
    }
}
