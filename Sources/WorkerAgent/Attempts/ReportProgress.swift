// SPDX-License-Identifier: MIT

package import SweepModel
package import WorkerProtocol

/// What an attempt has reported so far, as far as its end and its warnings depend on it.
package struct ReportProgress: Sendable {
    /// Names remembered for the message about a metric that never came.
    private static let rememberedNames = 50
    private static let warningCharacters = 500

    private let objective: Objective
    private var lastStep: Int64
    private var first: (step: Int64, seconds: Double)?
    private var last: (step: Int64, seconds: Double)?
    private var warned: Set<String> = []

    /// Names in the order they first came, the objective's excepted.
    package private(set) var otherMetrics: [String] = []
    /// The objective's newest value.
    package private(set) var objectiveValue: Double?
    package private(set) var hasReported = false

    package init(objective: Objective, resumedFrom: Int64?) {
        self.objective = objective
        lastStep = resumedFrom ?? 0
    }

    /// - Parameter seconds: when the report came, on any clock.
    package mutating func report(step: Int64?, _ metrics: [MetricValue], at seconds: Double) -> [AttemptEvent] {
        let step = step ?? (lastStep == .max ? .max : lastStep + 1)
        var events: [AttemptEvent] = []
        if hasReported, step < lastStep {
            events += warn("backwards", "step \(step) was reported after step \(lastStep); it is kept as it is")
        }
        hasReported = true
        lastStep = max(step, lastStep)
        if first == nil { first = (step, seconds) }
        last = (step, seconds)
        for metric in metrics {
            if metric.name == objective.metric {
                objectiveValue = metric.value
            } else if otherMetrics.count < Self.rememberedNames, !otherMetrics.contains(metric.name) {
                otherMetrics.append(metric.name)
            }
        }
        // One event carries only so many.
        for start in stride(from: 0, to: metrics.count, by: ProtocolLimits.metricsPerReport) {
            let part = metrics[start..<min(metrics.count, start + ProtocolLimits.metricsPerReport)]
            events.append(.report(step: step, metrics: Array(part)))
        }
        return events
    }

    /// A warning, unless the attempt already had one of its kind.
    package mutating func warn(_ kind: String, _ message: String) -> [AttemptEvent] {
        warned.insert(kind).inserted ? [.warning(String(message.prefix(Self.warningCharacters)))] : []
    }

    /// From the first report to the last; nil before there are two steps.
    package var secondsPerStep: Double? {
        guard let first, let last, last.step > first.step else { return nil }
        return (last.seconds - first.seconds) / Double(last.step - first.step)
    }
}
