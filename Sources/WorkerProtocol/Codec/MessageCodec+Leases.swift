// SPDX-License-Identifier: MIT

import SweepModel

/// A lease on the wire.
extension MessageCodec {
    /// Bytes of the lease in a message.
    package static func size(of lease: Lease) -> Int {
        var bytes: [UInt8] = []
        appendLease(lease, to: &bytes)
        return bytes.count
    }

    static func appendLease(_ lease: Lease, to bytes: inout [UInt8]) {
        appendMember("{\"fence\":", lease.fence.number, to: &bytes)
        appendMember(",\"sweep\":", Int64(lease.sweep.number), to: &bytes)
        appendMember(",\"sweep_name\":", lease.sweepName, to: &bytes)
        appendMember(",\"trial\":", Int64(lease.trial), to: &bytes)
        appendMember(",\"attempt\":", Int64(lease.attempt), to: &bytes)
        appendJSONWord(",\"params\":{", to: &bytes)
        for (index, entry) in lease.configuration.entries.enumerated() {
            if index > 0 { bytes.append(UInt8(ascii: ",")) }
            appendJSONName(entry.name, to: &bytes)
            entry.value.append(to: &bytes)
        }
        appendMember("},\"params_digest\":", lease.parametersDigest, to: &bytes)
        appendMember(",\"seed\":", String(lease.seed), to: &bytes)
        append(lease.objective, to: &bytes)
        if let step = lease.maximumStep { appendMember(",\"max_step\":", step, to: &bytes) }
        if let task = lease.task { appendMember(",\"task\":", task, to: &bytes) }
        appendList(",\"command\":", lease.command, to: &bytes, appendJSONString)
        if let program = lease.program { appendMember(",\"program\":", program, to: &bytes) }
        appendMember(",\"working_directory\":", lease.workingDirectory, to: &bytes)
        appendMember(",\"attempt_directory\":", lease.attemptDirectory, to: &bytes)
        if let resume = lease.resume {
            appendJSONWord(",\"resume\":", to: &bytes)
            appendCheckpoint(resume, to: &bytes)
        }
        if let limit = lease.timeLimit { appendMember(",\"time_limit_ms\":", limit.milliseconds, to: &bytes) }
        if let limit = lease.memoryLimit { appendMember(",\"memory_limit\":", limit, to: &bytes) }
        appendMember(",\"grace_ms\":", lease.grace.milliseconds, to: &bytes)
        if let pattern = lease.metricPattern { appendMember(",\"metric_pattern\":", pattern, to: &bytes) }
        if !lease.fallbacks.isEmpty {
            let fallbacks = Array(lease.fallbacks.prefix(ProtocolLimits.fallbacksPerLease))
            appendList(",\"fallbacks\":", fallbacks, to: &bytes, appendCheckpoint)
        }
        if !lease.checkpointDirectory.isEmpty {
            appendMember(",\"checkpoint_directory\":", lease.checkpointDirectory, to: &bytes)
        }
        bytes.append(UInt8(ascii: "}"))
    }

    static func lease(_ fields: Fields) throws(CodecError) -> Lease {
        Lease(
            fence: try fields.fence(), sweep: SweepID(try fields.int("sweep", in: 0...Int.max)),
            sweepName: try fields.string("sweep_name", limit: ProtocolLimits.nameBytes),
            trial: try fields.int("trial", in: 0...Int.max), attempt: try fields.int("attempt", in: 0...Int.max),
            configuration: try configuration(fields),
            parametersDigest: try fields.string("params_digest", limit: ProtocolLimits.nameBytes),
            seed: try seed(fields), objective: try fields.object("objective", objective),
            maximumStep: try fields.optionalInteger("max_step"),
            task: try fields.optionalString("task", limit: Placement.nameBytes), command: try command(fields),
            program: try fields.optionalString("program", limit: ProtocolLimits.pathBytes),
            workingDirectory: try fields.optionalString("working_directory", limit: ProtocolLimits.pathBytes) ?? "",
            attemptDirectory: try fields.optionalString("attempt_directory", limit: ProtocolLimits.pathBytes) ?? "",
            resume: try fields.value("resume") == nil ? nil : fields.object("resume", checkpoint),
            timeLimit: try fields.milliseconds("time_limit_ms"),
            memoryLimit: try fields.optionalInteger("memory_limit", in: 0 ... .max),
            grace: try fields.milliseconds("grace_ms") ?? .seconds(30),
            metricPattern: try fields.optionalString("metric_pattern", limit: ProtocolLimits.pathBytes),
            fallbacks: try fields.value("fallbacks") == nil
                ? [] : fields.objects("fallbacks", limit: ProtocolLimits.fallbacksPerLease, checkpoint),
            checkpointDirectory: try checkpointDirectory(fields))
    }

    private static func appendCheckpoint(_ checkpoint: Checkpoint, to bytes: inout [UInt8]) {
        bytes.append(UInt8(ascii: "{"))
        appendMembers(of: checkpoint, to: &bytes)
        bytes.append(UInt8(ascii: "}"))
    }

    private static func checkpointDirectory(_ fields: Fields) throws(CodecError) -> String {
        let name = "checkpoint_directory"
        let place = try fields.optionalString(name, limit: ProtocolLimits.pathBytes) ?? ""
        return place.isEmpty ? "" : try location(place, name)
    }

    private static func configuration(_ fields: Fields) throws(CodecError) -> Configuration {
        guard case .object(let members)? = fields.value("params"), members.count <= ProtocolLimits.parameters else {
            throw CodecError.field(
                path: "params", problem: "must be an object of at most \(ProtocolLimits.parameters) members")
        }
        return Configuration(members.map { Configuration.Entry($0.name, $0.value) })
    }

    private static func seed(_ fields: Fields) throws(CodecError) -> UInt64 {
        switch fields.value("seed") {
        case .string(let text)?:
            if let seed = UInt64(text) { return seed }
        case .integer(let value)?:
            if let seed = UInt64(exactly: value) { return seed }
        case .number, .bool, .array, .object, .null, nil: break
        }
        throw CodecError.field(path: "seed", problem: "must be a whole number of 64 bits, in quotes")
    }

    private static func append(_ objective: Objective, to bytes: inout [UInt8]) {
        appendMember(",\"objective\":{\"metric\":", objective.metric, to: &bytes)
        appendMember(",\"goal\":", objective.goal.rawValue, to: &bytes)
        appendMember(",\"summary\":", objective.summary.rawValue, to: &bytes)
        if let target = objective.target {
            appendJSONWord(",\"target\":", to: &bytes)
            appendJSONNumber(target, to: &bytes)
        }
        bytes.append(UInt8(ascii: "}"))
    }

    private static func objective(_ fields: Fields) throws(CodecError) -> Objective {
        let target = try fields.double("target")
        if target?.isNaN == true { throw CodecError.field(path: "target", problem: "must not be NaN") }
        return Objective(
            metric: try fields.string("metric", limit: ProtocolLimits.nameBytes), goal: try fields.word("goal"),
            summary: try fields.value("summary") == nil ? .best : fields.word("summary"), target: target)
    }

    private static func command(_ fields: Fields) throws(CodecError) -> [String] {
        guard fields.value("command") != nil else { return [] }
        var command: [String] = []
        for value in try fields.list("command", limit: ProtocolLimits.arguments) {
            guard case .string(let word) = value, word.utf8.count <= ProtocolLimits.argumentBytes else {
                throw CodecError.field(
                    path: "command", problem: "must be strings of at most \(ProtocolLimits.argumentBytes) bytes")
            }
            command.append(word)
        }
        return command
    }
}
