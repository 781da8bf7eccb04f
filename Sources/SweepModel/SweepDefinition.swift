// SPDX-License-Identifier: MIT

/// What a sweep file says, resolved: every default filled in, the seed drawn.
package struct SweepDefinition: Hashable, Sendable {
    package enum Method: String, CaseIterable, Sendable {
        case grid, random, sobol, bayes, tpe
        /// One of the others, by what the sweep declares.
        case auto
    }

    package enum GridOrder: String, CaseIterable, Sendable {
        /// Coarse to fine: an interrupted grid is a complete coarser grid.
        case coarse
        /// Parameters sorted by name, the last varying fastest.
        case wandb
    }

    /// How metrics are read from a script that knows nothing of sweepd.
    package struct MetricPattern: Hashable, Sendable {
        /// A regular expression with a named group per field: `name` and `value`, or one group named for each metric.
        /// `step` is optional.
        package let expression: String
        package init(expression: String) { self.expression = expression }
    }

    package struct Limits: Hashable, Sendable {
        package var trial: Duration?
        package var sweep: Duration?
        /// Bytes of resident memory per trial.
        package var memory: Int64?
        /// Steps over all trials of the sweep.
        package var steps: Int64?
        /// The sweep ends when so many trials in a row have ended without a new best.
        package var noImprovement: Int?
        package init(
            trial: Duration? = nil, sweep: Duration? = nil, memory: Int64? = nil, steps: Int64? = nil,
            noImprovement: Int? = nil
        ) {
            self.trial = trial
            self.sweep = sweep
            self.memory = memory
            self.steps = steps
            self.noImprovement = noImprovement
        }
    }

    package var name: String
    package var description: String?
    package var method: Method
    package var objective: Objective
    package var space: SearchSpace
    /// Trials in total, counted once over all restarts and workers; nil: until the space is exhausted or it is stopped.
    package var trials: Int?
    package var seed: UInt64
    /// Run first, in this order, and counted.
    package var baselines: [Configuration]
    /// The command's words with macros unexpanded; empty when only attached Python workers run the sweep.
    package var command: [String]
    package var program: String?
    /// Local slots for `run`; nil: GPUs if there are any, else cores / 2, at least 1.
    package var workers: Int?
    /// Retries of the user's own failures, per trial.
    package var retries: Int
    /// How often each configuration is run, with different seeds.
    package var repeats: Int
    package var gridOrder: GridOrder
    /// Proposals depend on no timing: each waits until all trials but those of the latest so many proposals are over.
    /// Nil: a proposal is made from whatever is known.
    package var deterministicPending: Int?
    package var limits: Limits
    package var metricPattern: MetricPattern?
    /// SIGTERM to SIGKILL.
    package var grace: Duration
    /// Nil: only NaN stops a trial.
    package var earlyTermination: EarlyTermination?
    /// Nil where the file does not say that its script goes on from checkpoints.
    package var checkpoints: CheckpointPolicy?
    package var placement: Placement

    package init(
        name: String, description: String? = nil, method: Method, objective: Objective, space: SearchSpace,
        trials: Int? = nil, seed: UInt64, baselines: [Configuration] = [], command: [String] = [],
        program: String? = nil, workers: Int? = nil, retries: Int = 0, repeats: Int = 1,
        gridOrder: GridOrder = .coarse, deterministicPending: Int? = nil, limits: Limits = Limits(),
        metricPattern: MetricPattern? = nil, grace: Duration = .seconds(30), earlyTermination: EarlyTermination? = nil,
        checkpoints: CheckpointPolicy? = nil, placement: Placement = Placement()
    ) {
        self.name = name
        self.description = description
        self.method = method
        self.objective = objective
        self.space = space
        self.trials = trials
        self.seed = seed
        self.baselines = baselines
        self.command = command
        self.program = program
        self.workers = workers
        self.retries = retries
        self.repeats = repeats
        self.gridOrder = gridOrder
        self.deterministicPending = deterministicPending
        self.limits = limits
        self.metricPattern = metricPattern
        self.grace = grace
        self.earlyTermination = earlyTermination
        self.checkpoints = checkpoints
        self.placement = placement
    }

    /// The most steps a trial is to train, told to the script as `max_step`.
    package var maximumStep: Int64? { earlyTermination?.maximumStep }
}
