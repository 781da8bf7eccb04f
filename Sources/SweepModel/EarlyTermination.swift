// SPDX-License-Identifier: MIT

/// Which trials a sweep stops early: `early_terminate` of its file, every default filled in.
///
/// NaN stops a trial whatever is written here, and where nothing is.
package struct EarlyTermination: Hashable, Sendable {
    package enum Rule: Hashable, Sendable {
        /// One of the others, by what the sweep declares; its first verdict no earlier than the step, where one is named.
        case auto(minimumStep: Int64? = nil)
        case asha(Rungs, Variant)
        /// Hyperband's brackets, each trial in one of them, run asynchronously.
        case asyncHyperband(Rungs)
        /// W&B's rule of that name.
        case hyperband(Bands)
        case percentile(Percentile)
        case patience(Patience)
        /// The bounds alone.
        case threshold
        case wilcoxon(Wilcoxon)
        /// Learning-curve extrapolation.
        case curve(CurveForecast)
    }

    package enum Variant: String, CaseIterable, Sendable {
        /// What a rung condemns ends.
        case stopping
        /// What a rung condemns pauses with a checkpoint, and goes on when it comes to be among the best after all.
        case promotion
    }

    /// Rungs at minimum · eta^k, below the maximum.
    package struct Rungs: Hashable, Sendable {
        package var minimumStep: Int64
        package var maximumStep: Int64?
        /// Of so many trials at a rung one goes on.
        package var eta: Double
        package init(minimumStep: Int64 = 1, maximumStep: Int64? = nil, eta: Double = 3) {
            self.minimumStep = minimumStep
            self.maximumStep = maximumStep
            self.eta = eta
        }
    }

    /// W&B's bands, in logged values of the metric and not in steps.
    package struct Bands: Hashable, Sendable {
        package enum Form: Hashable, Sendable {
            /// `min_iter`: bands at it · eta^k.
            case from(Int64)
            /// `max_iter` and `s`: bands at it / eta^k, k = 1…s.
            case downFrom(Int64, count: Int)
        }
        package var form: Form
        package var eta: Double
        /// Judges by the value at the band, else by the best so far.
        package var isStrict: Bool
        package init(form: Form, eta: Double = 3, isStrict: Bool = true) {
            self.form = form
            self.eta = eta
            self.isStrict = isStrict
        }
    }

    /// Stops a trial whose best so far is worse than that percentile of the completed trials' values at the step.
    package struct Percentile: Hashable, Sendable {
        /// The share of the peers that is good enough, in percent: 50 is the median rule.
        package var percentile: Double
        /// So many peers must have a value at the step.
        package var minimumPeers: Int
        /// No verdict before this step.
        package var minimumStep: Int64
        /// A verdict at every so many steps.
        package var interval: Int64
        package init(percentile: Double = 50, minimumPeers: Int = 5, minimumStep: Int64 = 1, interval: Int64 = 1) {
            self.percentile = percentile
            self.minimumPeers = minimumPeers
            self.minimumStep = minimumStep
            self.interval = interval
        }
    }

    /// Stops a trial that has not improved for so many reports.
    package struct Patience: Hashable, Sendable {
        package var reports: Int
        package var minimumDelta: Double
        package init(reports: Int, minimumDelta: Double = 0) {
            self.reports = reports
            self.minimumDelta = minimumDelta
        }
    }

    /// For trials whose steps are folds, seeds or instances, the same in each: the paired test against the best trial.
    package struct Wilcoxon: Hashable, Sendable {
        /// Of one look; divided by the number of looks.
        package var significance: Double
        package var minimumStep: Int64
        package init(significance: Double = 0.1, minimumStep: Int64 = 2) {
            self.significance = significance
            self.minimumStep = minimumStep
        }
    }

    /// Stops a trial that will end better than the best known with less than this probability.
    package struct CurveForecast: Hashable, Sendable {
        package var probability: Double
        package var minimumStep: Int64
        package var maximumStep: Int64
        package init(probability: Double = 0.05, minimumStep: Int64, maximumStep: Int64) {
            self.probability = probability
            self.minimumStep = minimumStep
            self.maximumStep = maximumStep
        }
    }

    package var rule: Rule
    /// Values worse than these stop a trial at once; in the objective's own unit.
    package var lower: Double?
    package var upper: Double?
    /// Learning-curve extrapolation as a veto on going on, beside the rule.
    package var veto: CurveForecast?
    /// Verdicts are recorded and nothing is stopped.
    package var isDryRun: Bool
    /// The share of condemned trials that go on all the same, to see how often the rule is wrong.
    package var controlShare: Double
    /// The most steps a trial is to train.
    package var maximumStep: Int64?

    package init(
        rule: Rule, lower: Double? = nil, upper: Double? = nil, veto: CurveForecast? = nil, isDryRun: Bool = false,
        controlShare: Double = 0, maximumStep: Int64? = nil
    ) {
        self.rule = rule
        self.lower = lower
        self.upper = upper
        self.veto = veto
        self.isDryRun = isDryRun
        self.controlShare = controlShare
        self.maximumStep = maximumStep
    }
}
