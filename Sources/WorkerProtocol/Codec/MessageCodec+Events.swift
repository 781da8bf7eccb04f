// SPDX-License-Identifier: MIT

import SweepModel

/// What happens to an attempt.
extension MessageCodec {
    /// Bytes that an event takes in a message, and at most 1 more.
    static func size(of event: SequencedEvent) -> Int {
        var bytes: [UInt8] = []
        appendEvent(event, to: &bytes)
        return bytes.count + 1
    }

    static func appendEvent(_ sequenced: SequencedEvent, to bytes: inout [UInt8]) {
        appendMember("{\"fence\":", sequenced.fence.number, to: &bytes)
        appendMember(",\"seq\":", sequenced.sequence, to: &bytes)
        switch sequenced.event {
        case .started(let resumedFrom):
            appendJSONWord(",\"kind\":\"started\"", to: &bytes)
            if let resumedFrom { appendMember(",\"resumed_from\":", resumedFrom, to: &bytes) }
        case .report(let step, let metrics):
            appendMember(",\"kind\":\"report\",\"step\":", step, to: &bytes)
            append(metrics, to: &bytes)
        case .checkpoint(let checkpoint):
            appendJSONWord(",\"kind\":\"checkpoint\",", to: &bytes)
            appendMembers(of: checkpoint, to: &bytes)
        case .warning(let text):
            appendMember(",\"kind\":\"warning\",\"text\":", shortened(warning: text), to: &bytes)
        case .finished(let outcome, let resources):
            appendMember(",\"kind\":\"finished\",\"outcome\":", outcome.rawValue, to: &bytes)
            append(resources, to: &bytes)
        case .failed(let failure, let resources):
            appendMember(",\"kind\":\"failed\",\"failure\":{\"cause\":", failure.cause.rawValue, to: &bytes)
            appendMember(",\"message\":", beginning(of: failure.message, limit: ProtocolLimits.reasonBytes), to: &bytes)
            if let exitCode = failure.exitCode { appendMember(",\"exit_code\":", Int64(exitCode), to: &bytes) }
            appendMember(",\"tail\":", end(of: failure.tail, limit: ProtocolLimits.tailBytes), to: &bytes)
            bytes.append(UInt8(ascii: "}"))
            append(resources, to: &bytes)
        }
        bytes.append(UInt8(ascii: "}"))
    }

    static func sequencedEvent(_ fields: Fields) throws(CodecError) -> SequencedEvent {
        let fence = try fields.fence()
        let sequence = try fields.integer("seq", in: 1 ... .max)
        let event: AttemptEvent =
            switch try fields.word("kind", EventKind.self) {
            case .started: .started(resumedFrom: try fields.optionalInteger("resumed_from"))
            case .report: .report(step: try fields.integer("step"), metrics: try metrics(fields))
            case .checkpoint: .checkpoint(try checkpoint(fields))
            case .warning: .warning(try warning(fields))
            case .finished: .finished(try fields.word("outcome"), try resources(fields))
            case .failed: .failed(try fields.object("failure", failure), try resources(fields))
            }
        return SequencedEvent(fence: fence, sequence: sequence, event: event)
    }

    private enum EventKind: String, CaseIterable {
        case started, report, checkpoint, warning, finished, failed
    }

    /// An object cannot hold a name twice: the last value counts.
    private static func append(_ metrics: [MetricValue], to bytes: inout [UInt8]) {
        appendJSONWord(",\"metrics\":{", to: &bytes)
        var isFirst = true
        for (index, metric) in metrics.prefix(ProtocolLimits.metricsPerReport).enumerated() {
            if metrics[(index + 1)...].contains(where: { $0.name == metric.name }) { continue }
            if !isFirst { bytes.append(UInt8(ascii: ",")) }
            isFirst = false
            appendJSONName(beginning(of: metric.name, limit: ProtocolLimits.nameBytes), to: &bytes)
            appendJSONNumber(metric.value, to: &bytes)
        }
        bytes.append(UInt8(ascii: "}"))
    }

    private static func metrics(_ fields: Fields) throws(CodecError) -> [MetricValue] {
        guard case .object(let members)? = fields.value("metrics") else {
            throw CodecError.field(path: "metrics", problem: "must be an object")
        }
        guard members.count <= ProtocolLimits.metricsPerReport else {
            throw CodecError.field(
                path: "metrics", problem: "must have at most \(ProtocolLimits.metricsPerReport) members")
        }
        var metrics: [MetricValue] = []
        metrics.reserveCapacity(members.count)
        for member in members {
            guard let value = member.value.doubleValue, member.name.utf8.count <= ProtocolLimits.nameBytes else {
                throw CodecError.field(
                    path: "metrics",
                    problem: "must be numbers (or NaN, Infinity, -Infinity in quotes) under names of at most "
                        + "\(ProtocolLimits.nameBytes) bytes")
            }
            metrics.append(MetricValue(member.name, value))
        }
        return metrics
    }

    static func appendMembers(of checkpoint: Checkpoint, to bytes: inout [UInt8]) {
        appendMember("\"step\":", checkpoint.step, to: &bytes)
        appendMember(",\"location\":", checkpoint.location, to: &bytes)
        appendMember(",\"digest\":", checkpoint.digest, to: &bytes)
        appendMember(",\"bytes\":", checkpoint.bytes, to: &bytes)
    }

    static func checkpoint(_ fields: Fields) throws(CodecError) -> Checkpoint {
        Checkpoint(
            step: try fields.integer("step"),
            location: try location(fields.string("location", limit: ProtocolLimits.pathBytes), "location"),
            digest: try fields.optionalString("digest", limit: ProtocolLimits.nameBytes) ?? "",
            bytes: try fields.integer("bytes", in: 0 ... .max))
    }

    /// - Parameter name: the field's.
    static func location(_ text: String, _ name: String) throws(CodecError) -> String {
        guard CheckpointLocation(text) != nil else {
            throw CodecError.field(path: name, problem: "must be an absolute path or a URI")
        }
        return text
    }

    private static func shortened(warning text: String) -> String {
        text.utf8.count <= ProtocolLimits.warningCharacters
            ? text : String(String.UnicodeScalarView(text.unicodeScalars.prefix(ProtocolLimits.warningCharacters)))
    }

    private static func warning(_ fields: Fields) throws(CodecError) -> String {
        let text = try fields.string("text", limit: 4 * ProtocolLimits.warningCharacters)
        if text.unicodeScalars.count <= ProtocolLimits.warningCharacters { return text }
        throw CodecError.field(
            path: "text", problem: "must have at most \(ProtocolLimits.warningCharacters) characters")
    }

    private static func append(_ resources: Resources, to bytes: inout [UInt8]) {
        appendJSONWord(",\"resources\":{", to: &bytes)
        var separator: StaticString = "\""
        func member(_ name: StaticString) {
            appendJSONWord(separator, to: &bytes)
            appendJSONWord(name, to: &bytes)
            separator = ",\""
        }
        if let seconds = resources.seconds {
            member("seconds\":")
            appendJSONNumber(seconds, to: &bytes)
        }
        if let seconds = resources.secondsPerStep {
            member("seconds_per_step\":")
            appendJSONNumber(seconds, to: &bytes)
        }
        if let peak = resources.peakMemoryBytes {
            member("peak_memory\":")
            appendMember("", peak, to: &bytes)
        }
        bytes.append(UInt8(ascii: "}"))
    }

    private static func resources(_ fields: Fields) throws(CodecError) -> Resources {
        guard fields.value("resources") != nil else { return Resources() }
        return try fields.object("resources") { fields throws(CodecError) in
            Resources(
                seconds: try fields.double("seconds"), secondsPerStep: try fields.double("seconds_per_step"),
                peakMemoryBytes: try fields.optionalInteger("peak_memory"))
        }
    }

    private static func failure(_ fields: Fields) throws(CodecError) -> AttemptFailure {
        AttemptFailure(
            cause: try fields.word("cause"),
            message: try fields.string("message", limit: ProtocolLimits.reasonBytes),
            exitCode: try fields.optionalInteger("exit_code").map(Int.init),
            tail: try fields.optionalString("tail", limit: ProtocolLimits.tailBytes) ?? "")
    }
}
