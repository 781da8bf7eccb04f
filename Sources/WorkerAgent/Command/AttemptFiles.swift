// SPDX-License-Identifier: MIT

import SweepModel
import WorkerProtocol

/// The files an attempt starts with, in its own folder.
struct AttemptFiles {
    let folder: String
    var parameters: String { folder + "/params.json" }
    /// The same for scripts that call `wandb.init()` under a W&B agent.
    var wandbParameters: String { folder + "/wandb-params.yaml" }
    var checkpoints: String { folder + "/checkpoints" }
    var output: String { folder + "/output.log" }

    func write(_ configuration: Configuration) throws(Files.Failure) {
        try Files.makeDirectory(folder)
        try Files.makeDirectory(checkpoints)
        let members = NestedParameters.members(of: configuration)
        try Files.write(JSONValue.object(members).text + "\n", to: parameters)
        var yaml = "wandb_version: 1\n"
        for member in members {
            yaml += "\n\(JSONValue.string(member.name).text):\n  value: \(YAMLText.value(member.value))\n"
        }
        try Files.write(yaml, to: wandbParameters)
    }
}
