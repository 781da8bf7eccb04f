// SPDX-License-Identifier: MIT

import SweepModel
import WorkerProtocol

/// The metrics of one step, as an attempt reported them.
struct ReportRecord: Sendable {
    /// 1 for the trial's first attempt.
    let attempt: Int
    let step: Int64
    let metrics: [MetricValue]
    let at: Timestamp?
}

/// What was reported of one metric.
struct MetricTally: Hashable, Sendable {
    let name: String
    var count = 0
    var first: Double
    var last: Double
    /// Of the finite values.
    var low: Double?
    var high: Double?

    /// In the order in which the metrics first appeared.
    static func of(_ reports: [ReportRecord]) -> [MetricTally] {
        var tallies: [MetricTally] = []
        var places: [String: Int] = [:]
        for metric in reports.lazy.flatMap(\.metrics) {
            let place = places[metric.name] ?? tallies.count
            if place == tallies.count {
                places[metric.name] = place
                tallies.append(MetricTally(name: metric.name, first: metric.value, last: metric.value))
            }
            tallies[place].count += 1
            tallies[place].last = metric.value
            guard metric.value.isFinite else { continue }
            tallies[place].low = min(tallies[place].low ?? metric.value, metric.value)
            tallies[place].high = max(tallies[place].high ?? metric.value, metric.value)
        }
        return tallies
    }
}

extension [ReportRecord] {
    /// The objective's curve. What an earlier attempt reported beyond the point a later one went on from was done again.
    ///
    /// - Parameter resumedFrom: the step each attempt went on from; nil for one that began at the beginning.
    func curve(of metric: String, resumedFrom: [Int: Int64]) -> [CurvePoint] {
        var curve: [CurvePoint] = []
        var attempt: Int?
        for report in self {
            if let attempt, report.attempt != attempt {
                let start = resumedFrom[report.attempt]
                curve.removeAll { point in start.map { point.step > $0 } ?? true }
            }
            attempt = report.attempt
            guard let value = report.metrics.first(where: { $0.name == metric })?.value else { continue }
            curve.append(CurvePoint(step: report.step, value: value))
        }
        return curve
    }
}
