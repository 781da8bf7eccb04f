// SPDX-License-Identifier: MIT

import SweepModel
import WorkerProtocol

/// The environment of one attempt's child: what the agent was given, and the variables of Docs/writing-a-worker.md.
enum ChildEnvironment {
    /// - Parameter card: the graphics card of the slot, as CUDA_VISIBLE_DEVICES takes it.
    static func variables(
        for lease: Lease, files: AttemptFiles, socket: String, card: String?, options: WorkerAgentOptions
    ) -> [String: String] {
        // What an outer sweep set (a sweep within a trial) is not ours.
        var variables = options.environment.filter { !$0.key.hasPrefix("SWEEPD_") && !$0.key.hasPrefix("WANDB_SWEEP") }
        variables["SWEEPD_SWEEP"] = lease.sweepName
        variables["SWEEPD_TRIAL"] = String(lease.trial)
        variables["SWEEPD_ATTEMPT"] = String(lease.attempt)
        variables["SWEEPD_FENCE"] = lease.fence.description
        variables["SWEEPD_SEED"] = String(lease.seed)
        variables["SWEEPD_PARAMS"] = files.parameters
        variables["SWEEPD_METRIC"] = lease.objective.metric
        variables["SWEEPD_GOAL"] = lease.objective.goal.rawValue
        variables["SWEEPD_MAX_STEP"] = lease.maximumStep.map { String($0) }
        variables["SWEEPD_SOCKET"] = socket
        variables["SWEEPD_CHECKPOINT_DIR"] = files.checkpoints
        variables["SWEEPD_RESUME_CHECKPOINT"] = lease.resume?.location
        variables["SWEEPD_RESUME_STEP"] = lease.resume.map { String($0.step) }
        variables["SWEEPD_AGENT"] = options.token
        variables["WANDB_SWEEP_ID"] = lease.sweepName
        variables["WANDB_RUN_ID"] = "\(lease.sweepName)-\(lease.trial)"
        variables["WANDB_SWEEP_PARAM_PATH"] = files.wandbParameters
        if variables["PYTHONUNBUFFERED"] == nil { variables["PYTHONUNBUFFERED"] = "1" }
        if let card { variables["CUDA_VISIBLE_DEVICES"] = card }
        if let client = options.pythonClientPath {
            variables["PYTHONPATH"] = [client, variables["PYTHONPATH"]].compactMap { $0 }.filter { !$0.isEmpty }
                .joined(separator: ":")
        }
        if let executable = options.reportExecutable, let slash = executable.lastIndex(of: "/"),
            Interpreter.find("sweepd", environment: variables, from: lease.workingDirectory) == nil
        {
            variables["PATH"] = "\(executable[..<slash]):" + (variables["PATH"] ?? "/usr/local/bin:/usr/bin:/bin")
        }
        return variables
    }
}
