// SPDX-License-Identifier: MIT

package import SweepModel

/// W&B's `hyperband`, which has neither brackets nor rounds. Bands are counts of logged values. A running trial is
/// compared at the highest band that it has come to with the values that all trials, ended ones included, had there:
/// ascending, it has to reach the one at index ⌊n / eta⌋.
///
/// After `hyperband_stop_runs` of wandb/sweeps, src/sweeps/hyperband_stopping.py. W&B looks at all trials every few
/// minutes and this rule at a trial with each of its reports, so a trial can end between two bands here too: the
/// threshold of its band falls when others come there.
package struct WandbHyperband: Pruner {
    private let isStrict: Bool
    private let share: Double
    /// In logged values, ascending.
    private let bands: [Int]
    private var rankings: [Ranking]
    /// Of every trial that has come to a band. Never iterated.
    private var standings: [Int: Standing] = [:]

    private struct Standing: Hashable, Sendable {
        /// Of all reports, those before a rewind included: W&B's history has no rewinds.
        var best: LearningCurve.Point
        /// The first so many bands have a value of it; the last of them.
        var bands = 0
        var atBand: LearningCurve.Point?
        /// The band it was condemned at.
        var condemned: Int?
    }

    private static let mostBands = 100
    /// Beyond this a double does not count every integer, and no trial logs as many values.
    private static let highestBand = 9e15

    package init(_ bands: EarlyTermination.Bands) {
        isStrict = bands.isStrict
        share = 1 / bands.eta
        self.bands = Self.bands(bands.form, eta: bands.eta)
        rankings = Array(repeating: Ranking(), count: self.bands.count)
    }

    /// `int` of the products and quotients in W&B's order of operations; equal ones are one band.
    static func bands(_ form: EarlyTermination.Bands.Form, eta: Double) -> [Int] {
        var bands: [Int] = []
        switch form {
        case .from(let least):
            var band = Double(least)
            for _ in 0..<mostBands where band < highestBand {
                bands.append(Int(band))
                band *= eta
            }
        case .downFrom(let most, let count):
            var band = Double(most)
            for _ in 0..<count {
                band /= eta
                if band < 1 || band >= highestBand { break }
                bands.append(Int(band))
            }
            bands.reverse()
        }
        return bands.enumerated().filter { $0.offset == 0 || bands[$0.offset - 1] != $0.element }.map(\.element)
    }

    package mutating func judge(_ trial: Int, _ curve: LearningCurve) -> Verdict? {
        guard let last = curve.last else { return nil }
        let standing = record(trial, curve, last)
        guard let atBand = standing.atBand else { return nil }
        let band = standing.bands - 1
        let ranking = rankings[band]
        let threshold = ranking.entries[Int(share * Double(ranking.count))].loss
        let judged = isStrict ? atBand : standing.best
        let loss = curve.loss(of: judged.value)
        guard loss > threshold, standing.condemned != band else { return nil }
        standings[trial]?.condemned = band
        let better = ranking.better(than: loss)
        return Verdict(
            rule: .hyperband, step: isStrict ? judged.step : last.step, value: judged.value,
            threshold: curve.loss(of: threshold), peers: ranking.count - 1, better: better,
            named: ranking.leaders(min(better, Verdict.namedPeers)), rung: Int64(bands[band]))
    }

    package func conclude(_ trial: Int, _ curve: LearningCurve, _ end: CurveEnd) {}

    private mutating func record(
        _ trial: Int, _ curve: LearningCurve, _ last: LearningCurve.Point
    ) -> Standing {
        var standing = standings[trial] ?? Standing(best: last)
        if curve.loss(of: last.value) < curve.loss(of: standing.best.value) { standing.best = last }
        while standing.bands < bands.count, curve.count >= bands[standing.bands] {
            let point = curve.points[bands[standing.bands] - 1]
            // A value that is not a number would have ended the trial, unless nothing does.
            let loss = point.value.isFinite ? curve.loss(of: point.value) : .greatestFiniteMagnitude
            rankings[standing.bands].insert(loss, trial)
            standing.atBand = point
            standing.bands += 1
        }
        standings[trial] = standing
        return standing
    }
}
