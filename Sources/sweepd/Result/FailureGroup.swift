// SPDX-License-Identifier: MIT

import SweepEngine

/// Trials that failed for one reason.
struct FailureGroup: Hashable, Sendable {
    let message: String
    let isInfeasible: Bool
    /// Their numbers, ascending.
    let trials: [Int]

    /// The most frequent first.
    static func of(_ records: [TrialRecord]) -> [FailureGroup] {
        struct Key: Hashable {
            let message: String
            let isInfeasible: Bool
        }
        var groups: [Key: [Int]] = [:]
        for record in records where record.state == .failed || record.isInfeasible {
            let key = Key(message: message(record), isInfeasible: record.isInfeasible)
            groups[key, default: []].append(record.number)
        }
        return groups.map { FailureGroup(message: $0.message, isInfeasible: $0.isInfeasible, trials: $1.sorted()) }
            .sorted { ($1.trials.count, $0.trials[0]) < ($0.trials.count, $1.trials[0]) }
    }

    private static func message(_ record: TrialRecord) -> String {
        if let failure = record.failure { return failure.message }
        return record.isInfeasible
            ? "only NaN or infinite values of the objective were reported" : "its worker was lost too often"
    }
}

/// Median and range of what was measured.
struct Spread: Hashable, Sendable {
    let low: Double
    let median: Double
    let high: Double
    let count: Int

    init?(_ values: [Double]) {
        let sorted = values.filter(\.isFinite).sorted()
        guard let low = sorted.first, let high = sorted.last else { return nil }
        let middle = sorted.count / 2
        self.low = low
        self.high = high
        median = sorted.count % 2 == 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2
        count = sorted.count
    }
}
