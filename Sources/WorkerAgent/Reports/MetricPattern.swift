// SPDX-License-Identifier: MIT

import RegularExpressions
package import WorkerProtocol

/// Reads metrics from the lines a script prints.
///
/// Named groups of the expression: `step` if there is one, and either `name` with `value`, or one group named for each
/// metric. Python's `(?P<name>…)` is understood.
///
/// Searching may take exponential time, and the agent has heartbeats to send. So a line's search has a limit, and where
/// that was too little for many lines in a row, lines of that length are searched no more.
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

    /// Lines in a row whose search was given up, after which no line that long is searched.
    package static let maximumSlowLines = 20

    private let expression: RegularExpression
    private var slow = SlowLines()

    /// Those since a search of a line at least as long was brought to its end.
    private struct SlowLines {
        var count = 0
        /// Bytes of the shortest.
        var shortest = Int.max
    }

    package init(_ text: String) throws(Failure) {
        do {
            expression = try RegularExpression(text)
        } catch {
            throw Failure(description: "the metric pattern '\(text)' is no regular expression: \(error)")
        }
    }

    /// What a line says, a repeated name's last value; nil when it says nothing. `fault` is set when a group matched
    /// what is no number, and when the line was not searched to its end.
    package mutating func match(_ line: [UInt8], fault: inout String?) -> Match? {
        guard line.count <= Self.maximumLineBytes else { return nil }
        if line.count < slow.shortest || slow.count < Self.maximumSlowLines {
            var found = Found()
            if expression.search(
                String(decoding: line, as: UTF8.self), effort: Self.effort(for: line), match: { found.add($0) })
            {
                if line.count >= slow.shortest { slow = SlowLines() }
                fault = found.fault ?? fault
                return found.metrics.isEmpty ? nil : Match(step: found.step, metrics: found.metrics)
            }
            slow.count += 1
            slow.shortest = min(slow.shortest, line.count)
        }
        fault =
            "the metric pattern takes too long for a printed line of \(line.count) bytes, which was not searched: make it"
            + " less ambiguous, or begin it with a fixed word"
        return nil
    }

    /// A step takes about 50 ns: a millisecond for what fits into a terminal. An honest pattern takes a few steps a byte.
    /// Some steps take long (`SearchEffort`), and in a long line they may be many: a tenth of a second ends these.
    private static func effort(for line: [UInt8]) -> SearchEffort {
        let start = BootClock.threadSeconds
        return SearchEffort(steps: 16_000 + 16 * line.count) { BootClock.threadSeconds - start > 0.1 }
    }
}

/// What the matches in one line say together.
private struct Found {
    var step: Int64?
    var metrics: [MetricValue] = []
    var fault: String?

    mutating func add(_ captures: [RegularExpression.Capture]) {
        var pair: (name: String?, value: String?)
        for capture in captures {
            switch capture.name {
            case "step": step = MetricText.step(capture.text) ?? step
            case "name": pair.name = capture.text
            case "value": pair.value = capture.text
            default: add(capture.name, capture.text)
            }
        }
        if let value = pair.value { add(pair.name ?? "value", value) }
    }

    private mutating func add(_ name: String, _ text: String) {
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
