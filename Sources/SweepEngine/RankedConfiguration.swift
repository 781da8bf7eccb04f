// SPDX-License-Identifier: MIT

package import SweepModel

/// One configuration with the trials that ran it: the order of `best`, `show` and `promote`, whether the trials were read
/// from the store or are the engine's.
package struct RankedConfiguration<Record> {
    package let configuration: Configuration
    /// Best first; never empty.
    package let trials: [Record]
    /// The mean over its trials.
    package let value: Double

    /// Best first.
    ///
    /// - Parameters:
    ///   - records: each with a finite value.
    ///   - place: what a record is ranked by.
    package static func of(
        _ records: [Record], objective: Objective,
        by place: (Record) -> (number: Int, configuration: Configuration, value: Double)
    ) -> [RankedConfiguration] {
        var groups: [Configuration: [Record]] = [:]
        for record in records { groups[place(record).configuration, default: []].append(record) }
        return groups.map { configuration, records in
            let trials = records.sorted { left, right in
                let (left, right) = (place(left), place(right))
                return precedes((left.value, left.number), (right.value, right.number), objective)
            }
            let sum = trials.reduce(0) { $0 + place($1).value }
            return RankedConfiguration(
                configuration: configuration, trials: trials, value: sum / Double(trials.count))
        }.sorted { left, right in
            precedes(
                (left.value, place(left.trials[0]).number), (right.value, place(right.trials[0]).number), objective)
        }
    }

    /// Better values first, then lower numbers: a total order, so that a report never changes by itself.
    private static func precedes(
        _ left: (value: Double, number: Int), _ right: (value: Double, number: Int), _ objective: Objective
    ) -> Bool {
        if objective.isBetter(left.value, than: right.value) { return true }
        if objective.isBetter(right.value, than: left.value) { return false }
        return left.number < right.number
    }
}
