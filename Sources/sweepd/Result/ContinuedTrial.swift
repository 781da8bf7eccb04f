// SPDX-License-Identifier: MIT

import SweepEngine
import SweepModel

/// A trial that was trained further, beside the one it continues. It trained longer than the others, so it is ranked
/// among none of them and counts towards no total.
struct ContinuedTrial: Sendable {
    let record: TrialRecord
    let parent: TrialRecord
    /// The step it is trained to.
    let until: Int64

    /// In the order of their numbers.
    static func of(_ records: [TrialRecord]) -> [ContinuedTrial] {
        guard records.contains(where: \.isContinuation) else { return [] }
        let known = Dictionary(records.map { ($0.number, $0) }) { first, _ in first }
        return records.compactMap { record in
            guard case .continuation(let parent, let until) = record.source, let parent = known[parent] else {
                return nil
            }
            return ContinuedTrial(record: record, parent: parent, until: until)
        }.sorted { $0.record.number < $1.record.number }
    }

    /// - Parameter isLive: whether a coordinator is at work; without one nothing runs, whatever was recorded last.
    func line(_ objective: Objective, isLive: Bool) -> String {
        "trial \(record.number) continues trial \(parent.number): \(standing(objective, isLive: isLive))"
    }

    private func standing(_ objective: Objective, isLive: Bool) -> String {
        let metric = Format.printable(objective.metric)
        let before = parent.value.map { ", was \(Self.value($0, at: parent.valueStep))" } ?? ""
        switch record.state {
        case .completed, .stopped:
            let reason =
                record.state == .stopped ? " (stopped: \(Format.printable(record.stopReason ?? "by its script")))" : ""
            guard let value = record.value else { return "\(record.state.rawValue) without a value\(reason)" }
            return "\(metric) \(Self.value(value, at: record.valueStep))\(before)\(reason)"
        case .failed: return "failed: \(Format.printable(record.failure?.message ?? "it gave no value"))"
        case .cancelled: return "cancelled"
        case .queued, .paused: return "waits to be trained to step \(until)\(before)"
        case .leased, .running:
            let step = record.lastStep.map { "at step \($0) of \(until)" } ?? "on its way to step \(until)"
            return "\(isLive ? "running" : "interrupted"), \(step)\(before)"
        }
    }

    private static func value(_ value: Double, at step: Int64?) -> String {
        Format.number(value) + (step.map { " at step \($0)" } ?? "")
    }

    var json: JSONValue {
        .object([
            .init("trial", JSONOutput.integer(record.number)), .init("parent", JSONOutput.integer(parent.number)),
            .init("until_step", .integer(until)), .init("state", .string(record.state.rawValue)),
            .init("value", JSONOutput.number(record.value)), .init("value_step", JSONOutput.integer(record.valueStep)),
            .init("last_step", JSONOutput.integer(record.lastStep)),
            .init("parent_value", JSONOutput.number(parent.value)),
            .init("parent_value_step", JSONOutput.integer(parent.valueStep)),
        ])
    }
}
