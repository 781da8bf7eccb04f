// SPDX-License-Identifier: MIT

import SweepModel
package import WorkerProtocol

/// What happens to an attempt: `,"seq":4,"type":"report","step":3,"metrics":{"loss":0.5}`.
extension EventCodec {
    static func append(_ event: AttemptEvent, sequence: Int64, _ bytes: inout [UInt8]) {
        appendJSONWord(",\"seq\":", to: &bytes)
        appendJSONInteger(sequence, to: &bytes)
        switch event {
        case .started(let resumedFrom):
            member(",\"type\":\"started\",\"resumed_from\":", resumedFrom, &bytes)
        case .report(let step, let metrics):
            appendJSONWord(",\"type\":\"report\",\"step\":", to: &bytes)
            appendJSONInteger(step, to: &bytes)
            appendJSONWord(",\"metrics\":", to: &bytes)
            append(metrics, to: &bytes)
        case .checkpoint(let checkpoint):
            appendJSONWord(",\"type\":\"checkpoint\",\"step\":", to: &bytes)
            appendJSONInteger(checkpoint.step, to: &bytes)
            member(",\"location\":", checkpoint.location, &bytes)
            member(",\"digest\":", checkpoint.digest, &bytes)
            member(",\"bytes\":", Int64?(checkpoint.bytes), &bytes)
        case .warning(let text):
            member(",\"type\":\"warning\",\"text\":", text, &bytes)
        case .finished(let outcome, let resources):
            member(",\"type\":\"finished\",\"outcome\":", outcome.rawValue, &bytes)
            append(resources, &bytes)
        case .failed(let failure, let resources):
            member(",\"type\":\"failed\",\"cause\":", failure.cause.rawValue, &bytes)
            member(",\"message\":", failure.message, &bytes)
            member(",\"exit_code\":", failure.exitCode.map(Int64.init), &bytes)
            member(",\"tail\":", failure.tail, &bytes)
            append(resources, &bytes)
        }
    }

    /// Appends metrics as a flat object; projections hold the same text as the journal.
    package static func append(_ metrics: [MetricValue], to bytes: inout [UInt8]) {
        bytes.append(UInt8(ascii: "{"))
        for (index, metric) in metrics.enumerated() {
            if index > 0 { bytes.append(UInt8(ascii: ",")) }
            appendJSONName(metric.name, to: &bytes)
            appendJSONNumber(metric.value, to: &bytes)
        }
        bytes.append(UInt8(ascii: "}"))
    }

    private static func append(_ resources: Resources, _ bytes: inout [UInt8]) {
        member(",\"seconds\":", resources.seconds, &bytes)
        member(",\"seconds_per_step\":", resources.secondsPerStep, &bytes)
        member(",\"peak_memory\":", resources.peakMemoryBytes, &bytes)
    }

    static func attemptEvent(
        _ cursor: inout EventCodecCursor
    ) throws(EventCodecError) -> (sequence: Int64, event: AttemptEvent) {
        let sequence = try cursor.integer(",\"seq\":")
        switch try cursor.string(",\"type\":") {
        case "report":
            let step = try cursor.integer(",\"step\":")
            return (sequence, .report(step: step, metrics: try metrics(&cursor)))
        case "started": return (sequence, .started(resumedFrom: try cursor.optionalInteger(",\"resumed_from\":")))
        case "finished":
            let outcome: AttemptEvent.Outcome = try cursor.word(",\"outcome\":")
            return (sequence, .finished(outcome, try resources(&cursor)))
        case "failed":
            let cause: AttemptFailure.Cause = try cursor.word(",\"cause\":")
            let message = try cursor.string(",\"message\":")
            let exitCode = try cursor.optionalInteger(",\"exit_code\":").map { Int($0) }
            let tail = try cursor.string(",\"tail\":")
            let failure = AttemptFailure(cause: cause, message: message, exitCode: exitCode, tail: tail)
            return (sequence, .failed(failure, try resources(&cursor)))
        case "checkpoint":
            let checkpoint = Checkpoint(
                step: try cursor.integer(",\"step\":"), location: try cursor.string(",\"location\":"),
                digest: try cursor.string(",\"digest\":"), bytes: try cursor.integer(",\"bytes\":"))
            return (sequence, .checkpoint(checkpoint))
        case "warning": return (sequence, .warning(try cursor.string(",\"text\":")))
        case let other: throw .unknownKind("observed \(other)")
        }
    }

    private static func metrics(_ cursor: inout EventCodecCursor) throws(EventCodecError) -> [MetricValue] {
        try cursor.expect(",\"metrics\":{")
        if cursor.skip("}") { return [] }
        var metrics: [MetricValue] = []
        repeat {
            let name = try cursor.string()
            try cursor.expect(":")
            metrics.append(MetricValue(name, try cursor.double()))
        } while cursor.skip(",")
        try cursor.expect("}")
        return metrics
    }

    private static func resources(_ cursor: inout EventCodecCursor) throws(EventCodecError) -> Resources {
        Resources(
            seconds: try cursor.optionalDouble(",\"seconds\":"),
            secondsPerStep: try cursor.optionalDouble(",\"seconds_per_step\":"),
            peakMemoryBytes: try cursor.optionalInteger(",\"peak_memory\":"))
    }
}
