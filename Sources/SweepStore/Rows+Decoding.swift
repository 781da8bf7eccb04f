// SPDX-License-Identifier: MIT

import GRDB
import SweepEngine
import SweepModel
import WorkerProtocol

/// From database rows. What a row holds was written by `Projector`; anything else is damage and an error.
protocol StoredRow {
    init(_ row: Row) throws(MalformedRow)
}

struct MalformedRow: Error, CustomStringConvertible {
    let description: String
    init(_ description: String) { self.description = description }
}

extension SweepRow: StoredRow {
    init(_ row: Row) throws(MalformedRow) {
        id = SweepID(row["sweep"])
        name = row["name"]
        directory = row["directory"]
        do {
            definition = try SweepFile.parse(row["definition"], file: "the definition of sweep \(id)").definition
        } catch {
            throw MalformedRow("\(error)")
        }
        state = try word(row, "state")
        reason = row["reason"]
        message = row["message"]
        tail = row["tail"]
        isExhausted = row["exhausted"]
        createdAt = Timestamp(milliseconds: row["created_at"])
        changedAt = Timestamp(milliseconds: row["changed_at"])
    }
}

extension TrialRow: StoredRow {
    init(_ row: Row) throws(MalformedRow) {
        id = TrialID(sweep: SweepID(row["sweep"]), number: row["number"])
        state = try word(row, "state")
        source = try trialSource(row["source"], index: row["source_index"], until: row["until"])
        configuration = Configuration(
            try object(row["configuration"]).map { Configuration.Entry($0.name, $0.value) })
        value = row["value"]
        valueStep = row["value_step"]
        isInfeasible = row["infeasible"]
        attempts = row["attempts"]
        losses = row["losses"]
        failures = row["failures"]
        resources = Resources(row)
        cause = row["cause"]
        message = row["message"]
        judgement = try (row["verdict"] as String?).map { text throws(MalformedRow) in
            do { return try EventCodec.judgement(text) } catch { throw MalformedRow("\(error)") }
        }
        createdAt = Timestamp(milliseconds: row["created_at"])
        startedAt = time(row, "started_at")
        endedAt = time(row, "ended_at")
    }
}

extension AttemptRow: StoredRow {
    init(_ row: Row) throws(MalformedRow) {
        fence = Fence(row["fence"])
        trial = TrialID(sweep: SweepID(row["sweep"]), number: row["trial"])
        worker = WorkerID(row["worker"])
        number = row["number"]
        state = try word(row, "state")
        resumedFrom = row["resumed_from"]
        leasedAt = Timestamp(milliseconds: row["leased_at"])
        acceptedAt = time(row, "accepted_at")
        startedAt = time(row, "started_at")
        endedAt = time(row, "ended_at")
        stopReason = row["stop_reason"]
        outcome = row["outcome"]
        let cause: String? = row["cause"]
        failure =
            cause == nil
            ? nil
            : AttemptFailure(
                cause: try word(row, "cause"), message: row["message"] ?? "", exitCode: row["exit_code"],
                tail: row["tail"] ?? "")
        resources = Resources(row)
    }
}

extension ReportRow: StoredRow {
    init(_ row: Row) throws(MalformedRow) {
        fence = Fence(row["fence"])
        sequence = row["sequence"]
        step = row["step"]
        metrics = try object(row["metrics"]).map { member throws(MalformedRow) in
            guard let value = member.value.doubleValue else { throw MalformedRow("a metric that is no number") }
            return MetricValue(member.name, value)
        }
        at = Timestamp(milliseconds: row["at"])
    }
}

extension CheckpointRow: StoredRow {
    init(_ row: Row) {
        fence = Fence(row["fence"])
        sequence = row["sequence"]
        checkpoint = Checkpoint(
            step: row["step"], location: row["location"], digest: row["digest"], bytes: row["bytes"])
        at = Timestamp(milliseconds: row["at"])
        discardedAt = time(row, "discarded_at")
    }
}

extension WarningRow: StoredRow {
    init(_ row: Row) {
        fence = Fence(row["fence"])
        sequence = row["sequence"]
        text = row["text"]
        at = Timestamp(milliseconds: row["at"])
    }
}

extension WorkerRow: StoredRow {
    init(_ row: Row) {
        id = WorkerID(row["worker"])
        facts = WorkerFacts(
            agent: row["agent"], host: row["host"], processID: row["pid"], slots: row["slots"], isLocal: row["local"],
            key: row["key"], offer: offer(row["offer"]))
        joinedAt = Timestamp(milliseconds: row["joined_at"])
        leftAt = time(row, "left_at")
        leftReason = row["left_reason"]
    }
}

extension Resources {
    fileprivate init(_ row: Row) {
        self.init(
            seconds: row["seconds"], secondsPerStep: row["seconds_per_step"], peakMemoryBytes: row["peak_memory"])
    }
}

private func time(_ row: Row, _ column: String) -> Timestamp? {
    (row[column] as Int64?).map { Timestamp(milliseconds: $0) }
}

private func word<Word: RawRepresentable>(
    _ row: Row, _ column: String
) throws(MalformedRow) -> Word where Word.RawValue == String {
    guard let word = Word(rawValue: row[column]) else {
        throw MalformedRow("column \(column) holds the unknown word '\(row[column] as String)'")
    }
    return word
}

private func trialSource(_ name: String, index: Int, until: Int64?) throws(MalformedRow) -> TrialSource {
    switch name {
    case "sampler": return .sampler(index: index)
    case "baseline": return .baseline(index)
    case "repetition": return .repetition(of: index)
    case "enqueued": return .enqueued(index)
    case "continuation": return .continuation(of: index, until: until ?? .max)
    default: throw MalformedRow("column source holds the unknown word '\(name)'")
    }
}

/// Workers of before there was a word on it offered everything.
private func offer(_ text: String?) -> WorkerOffer {
    text.flatMap { try? JSONValue.parse($0) }.flatMap { WorkerOffer(json: $0) } ?? WorkerOffer()
}

private func object(_ text: String) throws(MalformedRow) -> [JSONValue.Member] {
    do {
        let value = try JSONValue.parse(text, limits: JSONLimits(maximumBytes: .max))
        guard let members = value.objectValue else { throw MalformedRow("'\(text)' is no object") }
        return members
    } catch {
        throw MalformedRow("\(error)")
    }
}
