// SPDX-License-Identifier: MIT

package import WorkerProtocol

/// Reads metrics from the lines a script prints.
///
/// Named groups of the expression: `step` if there is one, and either `name` with `value`, or one group named for each
/// metric. Python's `(?P<name>…)` is understood.
///
/// Expressions that backtrack take the square of a line's length, and Swift's take it slowly (16 KiB without a blank:
/// 48 s measured), while the agent has heartbeats to send. So long lines are first searched in part, and once that
/// takes too long, none of that length is searched again.
package struct MetricPattern {
    package struct Match: Equatable {
        package let step: Int64?
        package let metrics: [MetricValue]
    }

    package struct Failure: Error, CustomStringConvertible {
        package let description: String
    }

    /// Bytes of a line; longer ones are not searched.
    package static let maximumLineBytes = 64 << 10

    /// Processor seconds for a part of a line, after which no longer part is tried.
    private static let patience = 0.02

    private let expression: Regex<AnyRegexOutput>
    /// Lines up to this are searched; it grows while searching is quick.
    private var searchedBytes = 256
    private var isSettled = false

    package init(_ text: String) throws(Failure) {
        do {
            expression = try Regex(text)
        } catch {
            throw Failure(description: "the metric pattern '\(text)' is no regular expression: \(error)")
        }
    }

    /// What a line says, a repeated name's last value; nil when it says nothing. `fault` is set when a group matched
    /// what is no number.
    package mutating func match(_ line: [UInt8], fault: inout String?) -> Match? {
        guard line.count <= Self.maximumLineBytes else { return nil }
        while line.count > searchedBytes, !isSettled {
            let start = BootClock.threadSeconds
            var ignored: String?
            _ = search(line[..<searchedBytes], fault: &ignored)
            isSettled = BootClock.threadSeconds - start > Self.patience
            if !isSettled { searchedBytes *= 2 }
        }
        guard line.count <= searchedBytes else {
            fault = "the metric pattern is slow: lines of more than \(searchedBytes) bytes are not searched"
            return nil
        }
        return search(line[...], fault: &fault)
    }

    private func search(_ line: ArraySlice<UInt8>, fault: inout String?) -> Match? {
        let text = String(decoding: line, as: UTF8.self)
        var step: Int64?
        var metrics: [MetricValue] = []
        for match in text.matches(of: expression) {
            var pair: (name: Substring?, value: Substring?)
            for group in match.output.dropFirst() {
                guard let name = group.name, let found = group.substring else { continue }
                switch name {
                case "step": step = MetricText.step(String(found)) ?? step
                case "name": pair.name = found
                case "value": pair.value = found
                default: add(name, String(found), to: &metrics, &fault)
                }
            }
            if let value = pair.value { add(String(pair.name ?? "value"), String(value), to: &metrics, &fault) }
        }
        return metrics.isEmpty ? nil : Match(step: step, metrics: metrics)
    }

    private func add(_ name: String, _ text: String, to metrics: inout [MetricValue], _ fault: inout String?) {
        guard let value = MetricText.number(text) else {
            fault = "the metric pattern found '\(text.prefix(40))' for '\(name.prefix(40))', which is no number"
            return
        }
        if let reason = ReportLine.fault(inName: name) {
            fault = "the metric pattern: " + reason
            return
        }
        metrics.removeAll { $0.name == name }
        if metrics.count < ReportLine.maximumMetrics { metrics.append(MetricValue(name, value)) }
    }
}
