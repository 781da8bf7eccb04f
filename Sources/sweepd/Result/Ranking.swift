// SPDX-License-Identifier: MIT

import SweepEngine
import SweepModel

/// The configurations of a sweep, best first, and which of them can't be told from the best.
struct Ranking: Sendable {
    /// One configuration with all trials that ran it.
    struct Contender: Sendable {
        let configuration: Configuration
        /// Best first; never empty.
        let trials: [TrialRecord]
        /// The mean over its trials.
        let value: Double
        /// Its trials that failed and gave none.
        let missing: Int

        var values: [Double] { trials.compactMap(\.value) }
        /// The number the report names it by.
        var number: Int { trials[0].number }
    }

    let contenders: [Contender]
    private(set) var noise: Noise?

    init(_ records: [TrialRecord], objective: Objective) {
        var missing: [Configuration: Int] = [:]
        for record in records where record.state == .failed && !record.isContinuation {
            missing[record.configuration, default: 0] += 1
        }
        contenders = RankedConfiguration.of(records.filter(\.isRanked), objective: objective) { record in
            (record.number, record.configuration, record.value ?? .nan)
        }.map { ranked in
            Contender(
                configuration: ranked.configuration, trials: ranked.trials, value: ranked.value,
                missing: missing[ranked.configuration] ?? 0)
        }
        noise = Noise.fromRepeats(contenders.map(\.values))
    }

    var best: Contender? { contenders.first }

    /// Takes the scatter of the best trials' curves where no configuration was repeated.
    mutating func estimateNoise(from curves: [[CurvePoint]]) {
        if noise == nil { noise = Noise.fromCurves(curves) }
    }

    /// Whether its distance to the best is more than noise; nil when the noise is not known.
    func isApartFromBest(_ contender: Contender) -> Bool? {
        guard let noise, let best else { return nil }
        return noise.separates(best.value, count: best.trials.count, contender.value, count: contender.trials.count)
    }
}
