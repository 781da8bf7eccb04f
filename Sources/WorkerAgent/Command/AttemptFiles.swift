// SPDX-License-Identifier: MIT

import Foundation
import SweepModel
import WorkerProtocol

/// The files an attempt starts with, in its own folder.
struct AttemptFiles {
    let folder: String
    /// Where the script is to save: a path, or the URI of storage that is the script's own affair.
    let checkpoints: String
    private let ownsCheckpoints: Bool

    /// - Parameter checkpointDirectory: the lease's; empty: in the folder.
    init(folder: String, checkpointDirectory: String = "") {
        self.folder = folder
        let given = CheckpointLocation(checkpointDirectory)
        ownsCheckpoints = given == nil
        checkpoints =
            switch given {
            case .path(let path)?: Files.withoutTrailingSlash(path)
            case .uri(let uri)?: uri
            case nil: folder + "/checkpoints"
            }
    }

    var parameters: String { folder + "/params.json" }
    /// The same for scripts that call `wandb.init()` under a W&B agent.
    var wandbParameters: String { folder + "/wandb-params.yaml" }
    var output: String { folder + "/output.log" }

    func write(_ configuration: Configuration) throws(Files.Failure) {
        try Files.makeDirectory(folder)
        if ownsCheckpoints { try Files.makeDirectory(checkpoints) }
        let members = NestedParameters.members(of: configuration)
        try Files.write(JSONValue.object(members).text + "\n", to: parameters)
        var yaml = "wandb_version: 1\n"
        for member in members {
            yaml += "\n\(JSONValue.string(member.name).text):\n  value: \(YAMLText.value(member.value))\n"
        }
        try Files.write(yaml, to: wandbParameters)
    }

    /// Makes a lease's checkpoint directory, where it is one that can be made. It lies on storage that others share and
    /// that may be slow: call it on no thread that must not wait.
    static func makeSharedCheckpointFolder(_ checkpointDirectory: String) throws(AttemptLaunch.Refusal) {
        guard case .path(let path)? = CheckpointLocation(checkpointDirectory) else { return }
        do throws(Files.Failure) {
            try Files.makeDirectory(path)
            guard access(path, W_OK | X_OK) == 0 else { throw Files.Failure(path: path, code: errno) }
        } catch {
            // What passes, or another machine does not suffer from, is nobody's failure.
            let isPassing = [ENOSPC, EDQUOT, EMFILE, ENFILE, ENOMEM, EIO, ESTALE, ETIMEDOUT].contains(error.code)
            throw AttemptLaunch.Refusal(
                isPassing ? .infrastructure : .user,
                "cannot make the checkpoint folder '\(path)': \(error); the sweep file's checkpoints: {path: …} must be "
                    + "a folder that every worker can write to")
        }
    }
}
