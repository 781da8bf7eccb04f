// SPDX-License-Identifier: MIT

import SweepModel
import WorkerProtocol

/// Reading, the kinds in the order of their frequency.
extension EventCodec {
    static func event(kind: String, _ cursor: inout EventCodecCursor) throws(EventCodecError) -> Event {
        switch kind {
        case "observed":
            let fence = try fence(&cursor)
            let (sequence, event) = try attemptEvent(&cursor)
            return .observed(fence, sequence: sequence, event)
        case "ended":
            let fence = try fence(&cursor)
            let (sequence, event) = try attemptEvent(&cursor)
            return .ended(fence, sequence: sequence, event, try disposition(&cursor))
        case "leased":
            return .leased(
                try fence(&cursor), try trial(&cursor), WorkerID(try cursor.string(",\"worker\":")),
                attempt: try cursor.int(",\"attempt\":"))
        case "accepted": return .accepted(try fence(&cursor))
        case "proposed":
            let (trial, source) = (try trial(&cursor), try source(&cursor))
            return .proposed(trial, source, try configuration(&cursor), basis: try basis(&cursor))
        case "released":
            let fence = try fence(&cursor)
            let reason: ReleaseReason = try cursor.word(",\"reason\":")
            return .released(fence, reason, try disposition(&cursor))
        case "readopted": return .readopted(try fence(&cursor))
        case "stop_requested":
            return .stopRequested(try fence(&cursor), reason: try cursor.string(",\"reason\":"))
        case "judged":
            let fence = try fence(&cursor)
            let (verdict, enforcement) = try verdict(&cursor)
            return .judged(fence, verdict, enforcement)
        case "promoted": return .promoted(try trial(&cursor))
        case "retired":
            return .retired(try trial(&cursor), try settlement(&cursor))
        case "checkpoint_discarded":
            return .checkpointDiscarded(try trial(&cursor), location: try cursor.string(",\"location\":"))
        case "trial_cancelled": return .trialCancelled(try trial(&cursor))
        case "trial_retried": return .trialRetried(try trial(&cursor))
        case "asked": return .asked(try trial(&cursor))
        case "told":
            return .told(try trial(&cursor), try settlement(&cursor))
        case "worker_joined": return try workerJoined(&cursor)
        case "worker_left":
            return .workerLeft(
                WorkerID(try cursor.string(",\"worker\":")), reason: try cursor.string(",\"reason\":"))
        case "coordinator_started":
            return .coordinatorStarted(
                epoch: try cursor.integer(",\"epoch\":"), version: try cursor.string(",\"version\":"))
        default: return try sweepEvent(kind: kind, &cursor)
        }
    }

    private static func sweepEvent(kind: String, _ cursor: inout EventCodecCursor) throws(EventCodecError) -> Event {
        switch kind {
        case "sweep_created":
            let sweep = try sweep(&cursor)
            let directory = try cursor.string(",\"directory\":")
            return .sweepCreated(sweep, try definition(&cursor), directory: directory)
        case "sweep_redefined": return .sweepRedefined(try sweep(&cursor), try definition(&cursor))
        case "sweep_paused":
            let sweep = try sweep(&cursor)
            switch try cursor.string(",\"reason\":") {
            case "user": return .sweepPaused(sweep, .user)
            case "failures":
                let message = try cursor.string(",\"message\":")
                return .sweepPaused(sweep, .failures(message: message, tail: try cursor.string(",\"tail\":")))
            default: throw cursor.malformed("a known reason")
            }
        case "sweep_unpaused": return .sweepUnpaused(try sweep(&cursor))
        case "sweep_finished": return .sweepFinished(try sweep(&cursor), try cursor.word(",\"reason\":"))
        case "space_exhausted": return .spaceExhausted(try sweep(&cursor))
        default: throw .unknownKind(kind)
        }
    }

    private static func workerJoined(_ cursor: inout EventCodecCursor) throws(EventCodecError) -> Event {
        let worker = WorkerID(try cursor.string(",\"worker\":"))
        let facts = WorkerFacts(
            agent: try cursor.string(",\"agent\":"), host: try cursor.string(",\"host\":"),
            processID: try cursor.integer(",\"pid\":"), slots: try cursor.int(",\"slots\":"),
            isLocal: try cursor.bool(",\"local\":"),
            key: cursor.skip(",\"key\":") ? try cursor.string() : nil, offer: try offer(&cursor))
        return .workerJoined(worker, facts)
    }

    /// Journals of before there were remote workers have none.
    private static func offer(_ cursor: inout EventCodecCursor) throws(EventCodecError) -> WorkerOffer {
        guard cursor.skip(",\"offer\":") else { return WorkerOffer() }
        guard let offer = WorkerOffer(json: try cursor.value()) else { throw cursor.malformed("what a worker offers") }
        return offer
    }

    private static func sweep(_ cursor: inout EventCodecCursor) throws(EventCodecError) -> SweepID {
        SweepID(try cursor.int(",\"sweep\":"))
    }

    private static func trial(_ cursor: inout EventCodecCursor) throws(EventCodecError) -> TrialID {
        TrialID(sweep: try sweep(&cursor), number: try cursor.int(",\"trial\":"))
    }

    private static func fence(_ cursor: inout EventCodecCursor) throws(EventCodecError) -> Fence {
        Fence(try cursor.integer(",\"fence\":"))
    }

    private static func definition(_ cursor: inout EventCodecCursor) throws(EventCodecError) -> SweepDefinition {
        let text = try cursor.string(",\"definition\":")
        do {
            return try SweepFile.parse(text, file: "the journal", overrides: SweepFile.Overrides()).definition
        } catch {
            throw .definition("\(error)")
        }
    }

    private static func source(_ cursor: inout EventCodecCursor) throws(EventCodecError) -> TrialSource {
        let kind = try cursor.string(",\"source\":")
        let index = try cursor.int(",\"index\":")
        switch kind {
        case "sampler": return .sampler(index: index)
        case "baseline": return .baseline(index)
        case "repetition": return .repetition(of: index)
        case "enqueued": return .enqueued(index)
        case "continuation": return .continuation(of: index, until: try cursor.integer(",\"until\":"))
        default: throw cursor.malformed("a known source")
        }
    }

    private static func configuration(_ cursor: inout EventCodecCursor) throws(EventCodecError) -> Configuration {
        try cursor.expect(",\"configuration\":{")
        var entries: [Configuration.Entry] = []
        entries.reserveCapacity(8)
        if cursor.skip("}") { return Configuration(entries) }
        repeat {
            let name = try cursor.string()
            try cursor.expect(":")
            entries.append(Configuration.Entry(name, try cursor.value()))
        } while cursor.skip(",")
        try cursor.expect("}")
        // Trials keep their configurations for good: no spare room.
        return Configuration(entries.count * 2 > entries.capacity ? entries : Array(entries[...]))
    }

    private static func settlement(_ cursor: inout EventCodecCursor) throws(EventCodecError) -> Settlement {
        guard case .settled(let settlement) = try disposition(&cursor) else { throw cursor.malformed("an end") }
        return settlement
    }

    private static func disposition(_ cursor: inout EventCodecCursor) throws(EventCodecError) -> Disposition {
        if cursor.skip(",\"then\":\"queued\"") { return .requeued(charged: try cursor.bool(",\"charged\":")) }
        if cursor.skip(",\"then\":\"paused\"") {
            guard cursor.skip(",\"value\":") else { return .paused(value: nil, step: nil) }
            return .paused(value: try cursor.double(), step: try cursor.optionalInteger(",\"value_step\":"))
        }
        let state: Settlement.State = try cursor.word(",\"then\":")
        return .settled(
            Settlement(
                state: state, value: try cursor.optionalDouble(",\"value\":"),
                step: try cursor.optionalInteger(",\"value_step\":"),
                isInfeasible: try cursor.bool(",\"infeasible\":")))
    }
}
