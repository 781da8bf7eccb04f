// SPDX-License-Identifier: MIT

import Logging
import SweepModel
import Testing
import WorkerProtocol

@testable import WorkerAgent

@Suite struct ChildEnvironmentTests {
    private func variables(
        _ environment: [String: String], card: String? = nil, change: (inout Lease) -> Void = { _ in }
    ) -> [String: String] {
        let configuration = Configuration([.init("lr", .number(0.1))])
        var lease = Lease(
            fence: Fence(9), sweep: SweepID(1), sweepName: "digits", trial: 4, attempt: 2, configuration: configuration,
            parametersDigest: "", seed: 11, objective: Objective(metric: "val_loss", goal: .maximize),
            workingDirectory: "/w", attemptDirectory: "/a")
        change(&lease)
        let options = WorkerAgentOptions(
            endpoint: "ipc:///e", slots: 1, scratchDirectory: "/s", token: "tok", pythonClientPath: "/client",
            reportExecutable: "/opt/sd/sweepd", environment: environment, logger: Logger(label: "test"))
        return ChildEnvironment.variables(
            for: lease, files: AttemptFiles(folder: "/a"), socket: "/s/9.s", card: card, options: options)
    }

    @Test func namesWhatTheScriptNeeds() {
        let expected = [
            "SWEEPD_SWEEP": "digits", "SWEEPD_TRIAL": "4", "SWEEPD_ATTEMPT": "2", "SWEEPD_FENCE": "9",
            "SWEEPD_SEED": "11", "SWEEPD_PARAMS": "/a/params.json", "SWEEPD_METRIC": "val_loss",
            "SWEEPD_GOAL": "maximize", "SWEEPD_MAX_STEP": "27", "SWEEPD_SOCKET": "/s/9.s",
            "SWEEPD_CHECKPOINT_DIR": "/a/checkpoints", "SWEEPD_RESUME_CHECKPOINT": "/c", "SWEEPD_RESUME_STEP": "3",
            "SWEEPD_AGENT": "tok", "WANDB_SWEEP_ID": "digits", "WANDB_RUN_ID": "digits-4",
            "WANDB_SWEEP_PARAM_PATH": "/a/wandb-params.yaml", "PYTHONPATH": "/client:/mine", "PYTHONUNBUFFERED": "1",
            "CUDA_VISIBLE_DEVICES": "1", "PATH": "/opt/sd:/nowhere", "HOME": "/h",
        ]
        let variables = variables(
            ["PATH": "/nowhere", "HOME": "/h", "PYTHONPATH": "/mine", "SWEEPD_RESUME_STEP": "9", "SWEEPD_OTHER": "x"],
            card: "1"
        ) {
            $0.maximumStep = 27
            $0.resume = Checkpoint(step: 3, location: "/c", digest: "", bytes: 0)
        }
        #expect(variables == expected)
    }

    @Test func leavesWhatIsSetAndInventsNothing() {
        let variables = variables(["PYTHONUNBUFFERED": "0", "CUDA_VISIBLE_DEVICES": "5", "SWEEPD_MAX_STEP": "1"])
        #expect(variables["PYTHONUNBUFFERED"] == "0")
        #expect(variables["CUDA_VISIBLE_DEVICES"] == "5")
        #expect(variables["SWEEPD_MAX_STEP"] == nil)
        #expect(variables["SWEEPD_RESUME_CHECKPOINT"] == nil)
        #expect(variables["PYTHONPATH"] == "/client")
    }

    @Test(arguments: [
        (JSONValue.number(1e-05), "1.0e-05"), (.number(0.5), "0.5"), (.number(1e+22), "1.0e+22"),
        (.number(.nan), ".nan"),
        (.string("on"), "\"on\""), (.null, "null"), (.array([.number(1e-7), .bool(true)]), "[1.0e-07, true]"),
        (.object([.init("a b", .integer(1))]), "{\"a b\": 1}"),
    ])
    func yamlKeepsTypes(value: JSONValue, expected: String) {
        #expect(YAMLText.value(value) == expected)
    }

    @Test func theVirtualEnvironmentsPythonComesFirst() throws {
        let scratch = try Scratch()
        #expect(Interpreter.path(environment: ["PATH": scratch.path]) == "python3")
        try scratch.write("", to: "python", executable: true)
        #expect(Interpreter.path(environment: ["PATH": scratch.path]) == "python")
        #expect(Interpreter.path(environment: ["PATH": scratch.path, "VIRTUAL_ENV": "/no/such"]) == "python")
        try Files.makeDirectory("\(scratch.path)/v/bin")
        try scratch.write("", to: "v/bin/python", executable: true)
        let own = "\(scratch.path)/v"
        #expect(Interpreter.path(environment: ["PATH": scratch.path, "VIRTUAL_ENV": own]) == "\(own)/bin/python")
    }
}
