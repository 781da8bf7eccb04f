// SPDX-License-Identifier: MIT

import SweepModel
import Testing

@Suite struct SweepFileWarningTests {
    @Test(arguments: [
        (
            "x: {min: 0, max: 1}", "",
            "sweep.yaml:5: parameters.x: min: 0 and max: 1 are integers, so the value is 0 or 1 and nothing between, as in W&B; write min: 0.0 and max: 1.0 for a float, or distribution: int_uniform to keep it"
        ),
        (
            "x: {distribution: log_uniform, min: 0, max: 1}", "",
            "sweep.yaml:5: parameters.x.distribution: min and max of log_uniform are exponents of e, so the values are 1.0 to 2.718281828459045; W&B deprecates it; log_uniform_values takes the values themselves"
        ),
        (
            "x: {values: [yes]}", "",
            "sweep.yaml:5: parameters.x.values[0]: 'yes' is read as true, as W&B reads it; write \"yes\" for the text"
        ),
        (
            "x: {values: [010]}", "",
            "sweep.yaml:5: parameters.x.values[0]: '010' starts with 0 and is read as an octal number, as W&B reads it"
        ),
        (
            "x: {value: 99999999999999999999}", "",
            "sweep.yaml:5: parameters.x.value: '99999999999999999999' does not fit 64 bits and is read as a float"
        ),
        (
            "x: {min: 1, max: 2, stepp: 1}", "",
            "sweep.yaml:5: parameters.x.stepp: unknown key, ignored; did you mean 'step'?"
        ),
        ("x: {value: 1}", "trails: 5", "sweep.yaml:7: trails: unknown key, ignored; did you mean 'trials'?"),
        ("x: {value: 1}", "zebra: 5", "sweep.yaml:7: zebra: unknown key, ignored"),
        (
            "x: {value: 1}", "limits: {tial: 5}",
            "sweep.yaml:7: limits.tial: unknown key, ignored; did you mean 'trial'?"
        ),
        ("x: {value: 1}", "order: wandb", "sweep.yaml:7: order: only applies to method: grid"),
        (
            "x: {value: 1}", "job: a",
            "sweep.yaml:7: job: W&B Launch jobs are not run by sweepd; give a command or program"
        ),
        (
            "x: {value: 1}", "image_uri: a",
            "sweep.yaml:7: image_uri: images are not run by sweepd; give a command or program"
        ),
        (
            "x: {value: 1}", "scheduler: {engine: optuna}",
            "sweep.yaml:7: scheduler: has no effect here; sweepd is the scheduler"
        ),
        (
            "x: {value: 1}", "early_terminate: {type: envelope}",
            "sweep.yaml:7: early_terminate.type: 'envelope' was removed from W&B and has no effect here"
        ),
        (
            "x: {value: 1}", "early_terminate: {type: hyperband}",
            "sweep.yaml:7: early_terminate: needs min_iter, or max_iter and s; min_iter: 3 is used"
        ),
        (
            "x: {value: 1}", "early_terminate: {type: threshold}",
            "sweep.yaml:7: early_terminate: has neither lower nor upper, so only NaN stops a trial"
        ),
        (
            "x: {value: 1}", "early_terminate: {type: asha, min_step: 9, max_step: 9}",
            "sweep.yaml:7: early_terminate.min_step: is not below max_step (9), so no trial is ever judged"
        ),
        (
            "x: {value: 1}", "early_terminate: {type: hyperband, min_iter: 3, min_step: 5}",
            "sweep.yaml:7: early_terminate.min_step: has no effect with type: hyperband; min_iter is its first band, in logged values"
        ),
        (
            "x: {value: 1}", "early_terminate: {type: patience, min_step: 9, max_step: 9}",
            "sweep.yaml:7: early_terminate.min_step: has no effect with type: patience; patience is how many reports it waits for"
        ),
        (
            "x: {value: 1}", "early_terminate: {type: threshold, upper: 1, min_step: 5}",
            "sweep.yaml:7: early_terminate.min_step: has no effect with type: threshold; it looks at every value"
        ),
        (
            "x: {value: 1}", "early_terminate: {type: asha, variant: promotion}",
            "sweep.yaml:7: early_terminate.variant: pauses trials that are to go on later, and the file does not say that its script saves checkpoints; add checkpoints: {keep: best+last}; a trial without one trains again from its first step"
        ),
        (
            "x: {value: 1}", "baseline: [{x: 1}, {}]",
            "sweep.yaml:7: baseline[1]: is the same as an earlier baseline; it is run once"
        ),
    ])
    func warns(_ parameter: String, _ rest: String, _ expected: String) throws {
        #expect(try read(parameters(parameter, rest: rest)).warnings.map(\.description) == [expected])
    }

    @Test(arguments: [
        ("test_loss", true), ("loss/test", true), ("valTest", true), ("TEST", true), ("latest", false),
        ("fastest", false),
        ("val_loss", false), ("tes", false), ("test", true),
    ])
    func aTestMetricWarns(_ name: String, _ isWarned: Bool) throws {
        let file = try read(parameters("x: {value: 1}").replacingMetric("{name: \(name)}"))
        #expect(file.warnings.isEmpty != isWarned)
    }

    @Test func anEndlessSweepWarns() throws {
        let text = "method: random\nmetric: {name: a}\ncommand: [b]\nparameters: {x: {min: 0.0, max: 1.0}}"
        #expect(try read(text).warnings.map(\.field) == ["trials"])
        let finite = text.replacing("min: 0.0, max: 1.0", with: "min: 0, max: 5")
        #expect(try read(finite).warnings.isEmpty)
    }

    @Test func nothingToRunWarns() throws {
        let file = try read("method: grid\nmetric: {name: a}\nparameters: {x: {values: [1]}}")
        #expect(file.warnings.map(\.field) == ["command"])
        #expect(file.definition.command.isEmpty)
    }

    @Test(arguments: [
        ("${args_no_hyphen}", "command[0]: unknown macro '${args_no_hyphen}'; did you mean 'args_no_hyphens'?"),
        ("${x}", nil), ("${envvar:HOME}", nil), ("${args_json_file}", nil), ("--x=${y}", nil),
    ])
    func unknownMacrosWarn(_ word: String, _ expected: String?) throws {
        let text = "method: grid\nmetric: {name: a}\nparameters: {x: {values: [1]}}\ncommand: ['\(word)']"
        let found = try read(text).warnings.map(\.description)
        #expect(found == (expected.map { ["sweep.yaml:4: \($0)"] } ?? []))
    }
}
