// SPDX-License-Identifier: MIT

package import SweepModel

/// Asynchronous successive halving. At rung k, step minimum · eta^k, a trial is compared with all that came there before
/// it, and goes on when it is among the best n / eta of them, itself included.
///
/// Li, Jamieson, Rostamizadeh, Gonina, Hardt, Recht, Talwalkar: "A system for massively parallel hyperparameter tuning",
/// MLSys 2020. `stopping` is the variant of Optuna's and of Ray's ASHA, section 3.3 of the paper is `promotion`: without
/// checkpoints the first trials at a rung have to be let through, with them they wait until enough others have come.
///
/// A report that skips rungs is recorded at each of them, and has to be good enough at each.
package struct SuccessiveHalving: Pruner {
    private let variant: EarlyTermination.Variant
    private let eta: Double
    private let label: Label
    /// Of the rungs, ascending.
    let steps: [Int64]
    private var rungs: [Ranking]
    /// By rung the trials that were condemned to pause there and have not been promoted.
    private var held: [Ranking]
    /// Of every trial that has come to a rung. Never iterated.
    private var standings: [Int: Standing] = [:]

    /// What its verdicts are called.
    struct Label: Hashable, Sendable {
        var rule = Verdict.Rule.asha
        var bracket: Int?
    }

    private struct Standing: Hashable, Sendable {
        /// The first so many rungs have a value of it.
        var rungs = 0
        var held: Hold?
    }

    private struct Hold: Hashable, Sendable {
        let rung: Int
        let loss: Double
    }

    package init(_ rungs: EarlyTermination.Rungs, _ variant: EarlyTermination.Variant) {
        self.init(steps: RungLadder(rungs).steps, eta: rungs.eta, variant, Label())
    }

    /// - Parameter steps: of the rungs, ascending.
    init(steps: [Int64], eta: Double, _ variant: EarlyTermination.Variant, _ label: Label) {
        self.variant = variant
        self.eta = eta
        self.label = label
        self.steps = steps
        rungs = Array(repeating: Ranking(), count: steps.count)
        held = Array(repeating: Ranking(), count: variant == .promotion ? steps.count : 0)
    }

    /// - Complexity: O(log n) and a move within an array for every rung that is new to the trial.
    package mutating func judge(_ trial: Int, _ curve: LearningCurve) -> Verdict? {
        guard let last = curve.last else { return nil }
        let loss = curve.loss(of: last.value)
        let first = standings[trial]?.rungs ?? 0
        var next = first
        var failed: Int?
        while next < steps.count, last.step >= steps[next] {
            rungs[next].insert(loss, trial)
            if !isAdmitted(loss, at: next) { failed = next }
            next += 1
        }
        guard next > first else { return nil }
        // It was not stopped where it was to pause, or was promoted: either way it has gone on.
        release(trial)
        standings[trial, default: Standing()].rungs = next
        guard let failed else { return nil }
        if variant == .promotion {
            held[failed].insert(loss, trial)
            standings[trial]?.held = Hold(rung: failed, loss: loss)
        }
        return verdict(curve, last, at: failed)
    }

    package mutating func conclude(_ trial: Int, _ curve: LearningCurve, _ end: CurveEnd) {
        release(trial)
    }

    /// Scans the rungs from the top. A hold that is not good enough has none behind it that is.
    ///
    /// - Complexity: O(log n) a rung, and for each trial that is held and not paused.
    package func promotable(_ isPaused: (Int) -> Bool) -> Int? {
        for rung in held.indices.reversed() {
            for hold in held[rung].entries {
                guard isAdmitted(hold.loss, at: rung) else { break }
                if isPaused(hold.trial) { return hold.trial }
            }
        }
        return nil
    }

    package mutating func promote(_ trial: Int) {
        release(trial)
    }

    private mutating func release(_ trial: Int) {
        guard let hold = standings[trial]?.held else { return }
        held[hold.rung].remove(hold.loss, trial)
        standings[trial]?.held = nil
    }

    /// How many of a rung's trials go on.
    private func admitted(at rung: Int) -> Int {
        let share = Int((Double(rungs[rung].count) / eta).rounded(.down))
        return variant == .stopping ? max(1, share) : share
    }

    private func isAdmitted(_ loss: Double, at rung: Int) -> Bool {
        rungs[rung].better(than: loss) < admitted(at: rung)
    }

    private func verdict(_ curve: LearningCurve, _ point: LearningCurve.Point, at rung: Int) -> Verdict {
        let ranking = rungs[rung]
        let better = ranking.better(than: curve.loss(of: point.value))
        let admitted = admitted(at: rung)
        return Verdict(
            rule: label.rule, action: variant == .stopping ? .stop : .pause, step: point.step, value: point.value,
            // Where none is admitted yet, there is nothing it could have reached.
            threshold: admitted > 0 ? curve.loss(of: ranking.entries[admitted - 1].loss) : nil,
            peers: ranking.count - 1, better: better, named: ranking.leaders(min(better, Verdict.namedPeers)),
            rung: steps[rung], bracket: label.bracket)
    }
}
