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
        var groups: [Configuration: [TrialRecord]] = [:]
        var missing: [Configuration: Int] = [:]
        for record in records {
            if record.isRanked {
                groups[record.configuration, default: []].append(record)
            } else if record.state == .failed, !record.isContinuation {
                missing[record.configuration, default: 0] += 1
            }
        }
        contenders = groups.map { configuration, trials in
            let sorted = trials.sorted { Self.precedes($0.value, $0.number, $1.value, $1.number, objective) }
            let values = sorted.compactMap(\.value)
            return Contender(
                configuration: configuration, trials: sorted, value: values.reduce(0, +) / Double(values.count),
                missing: missing[configuration] ?? 0)
        }.sorted { Self.precedes($0.value, $0.number, $1.value, $1.number, objective) }
        noise = Noise.fromRepeats(contenders.map(\.values))
    }

    /// Better values first, then lower numbers: a total order, so that a report never changes by itself.
    private static func precedes(
        _ left: Double?, _ leftNumber: Int, _ right: Double?, _ rightNumber: Int, _ objective: Objective
    ) -> Bool {
        let left = left ?? .nan, right = right ?? .nan
        if objective.isBetter(left, than: right) { return true }
        if objective.isBetter(right, than: left) { return false }
        return leftNumber < rightNumber
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
