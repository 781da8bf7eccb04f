// SPDX-License-Identifier: MIT

/// Why a pruner condemned a trial, in numbers: what a user needs to check it.
package struct Verdict: Hashable, Sendable {
    package enum Rule: String, CaseIterable, Sendable {
        /// NaN or infinite.
        case nan
        case threshold
        case median, percentile, patience, asha
        case asyncHyperband = "async_hyperband"
        case hyperband, wilcoxon, curve
    }

    package enum Action: String, CaseIterable, Sendable {
        case stop
        /// It may go on later.
        case pause
    }

    package let rule: Rule
    package let action: Action
    /// The step of the report that was judged, and what was compared: the value at the step, or the best so far.
    package let step: Int64
    package var value: Double { Double(bitPattern: bits) }
    /// NaN equals itself here: a verdict that is replayed is the same verdict.
    private let bits: UInt64
    /// What `value` had to reach; nil where the rule compares nothing.
    package let threshold: Double?
    /// The trials it was compared with, and those of them that were better, at most `namedPeers` by name.
    package let peers: Int
    package let better: Int
    package let named: [Int]
    /// The step of the rung or band.
    package let rung: Int64?
    package let bracket: Int?
    /// Of a test, or of ending better than the best.
    package let probability: Double?

    package static let namedPeers = 10

    package init(
        rule: Rule, action: Action = .stop, step: Int64, value: Double, threshold: Double? = nil, peers: Int = 0,
        better: Int = 0, named: [Int] = [], rung: Int64? = nil, bracket: Int? = nil, probability: Double? = nil
    ) {
        self.rule = rule
        self.action = action
        self.step = step
        bits = value.bitPattern
        self.threshold = threshold
        self.peers = peers
        self.better = better
        self.named = named
        self.rung = rung
        self.bracket = bracket
        self.probability = probability
    }
}

/// What was done about a verdict.
package enum Enforcement: String, CaseIterable, Sendable {
    case stopped
    case paused
    /// Recorded only: the sweep's rule is on trial.
    case dryRun = "dry_run"
    /// One of the condemned that go on to show whether the rule is right.
    case control

    /// Whether the attempt is asked to stop, for good or until later.
    package var endsAttempt: Bool {
        switch self {
        case .stopped, .paused: true
        case .dryRun, .control: false
        }
    }
}

extension Verdict {
    /// In a few words, for the script's log and the list of trials: "asha: 0.52 at step 9 is worse than 0.41".
    package var shortText: String {
        let name = rule.rawValue
        guard value.isFinite else { return "\(name): the value at step \(step) is \(value)" }
        if let threshold, rule == .threshold {
            return "\(name): \(value) at step \(step) is \(value < threshold ? "below" : "above") \(threshold)"
        }
        if let threshold { return "\(name): \(value) at step \(step) is worse than \(threshold)" }
        if let probability { return "\(name): \(value) at step \(step), probability \(probability)" }
        return "\(name): \(value) at step \(step)"
    }
}
