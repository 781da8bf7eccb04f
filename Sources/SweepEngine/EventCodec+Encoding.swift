// SPDX-License-Identifier: MIT

import SweepModel
import WorkerProtocol

/// Writing. `decode` in `EventCodec+Decoding.swift` is the mirror image: the two change together.
extension EventCodec {
    /// From the kind's name (its opening quote is written) to the last member.
    static func append(_ event: Event, to bytes: inout [UInt8]) {
        switch event {
        case .coordinatorStarted(let epoch, let version):
            appendJSONWord("coordinator_started\",\"epoch\":", to: &bytes)
            appendJSONInteger(epoch, to: &bytes)
            member(",\"version\":", version, &bytes)
        case .sweepCreated(let sweep, let definition, let directory):
            member("sweep_created\",\"sweep\":", sweep.number, &bytes)
            member(",\"directory\":", directory, &bytes)
            member(",\"definition\":", definition.canonicalText, &bytes)
        case .sweepRedefined(let sweep, let definition):
            member("sweep_redefined\",\"sweep\":", sweep.number, &bytes)
            member(",\"definition\":", definition.canonicalText, &bytes)
        case .sweepPaused(let sweep, let reason):
            member("sweep_paused\",\"sweep\":", sweep.number, &bytes)
            switch reason {
            case .user: member(",\"reason\":", "user", &bytes)
            case .failures(let message, let tail):
                member(",\"reason\":", "failures", &bytes)
                member(",\"message\":", message, &bytes)
                member(",\"tail\":", tail, &bytes)
            }
        case .sweepUnpaused(let sweep):
            member("sweep_unpaused\",\"sweep\":", sweep.number, &bytes)
        case .sweepFinished(let sweep, let reason):
            member("sweep_finished\",\"sweep\":", sweep.number, &bytes)
            member(",\"reason\":", reason.rawValue, &bytes)
        case .spaceExhausted(let sweep):
            member("space_exhausted\",\"sweep\":", sweep.number, &bytes)
        case .workerJoined(let worker, let facts):
            member("worker_joined\",\"worker\":", worker.name, &bytes)
            member(",\"agent\":", facts.agent, &bytes)
            member(",\"host\":", facts.host, &bytes)
            member(",\"pid\":", Int(facts.processID), &bytes)
            member(",\"slots\":", facts.slots, &bytes)
            member(",\"local\":", facts.isLocal, &bytes)
            if let key = facts.key { member(",\"key\":", key, &bytes) }
            appendJSONWord(",\"offer\":", to: &bytes)
            facts.offer.json.append(to: &bytes)
        case .workerLeft(let worker, let reason):
            member("worker_left\",\"worker\":", worker.name, &bytes)
            member(",\"reason\":", reason, &bytes)
        case .proposed(let trial, let source, let configuration, let basis):
            appendJSONWord("proposed\"", to: &bytes)
            append(trial, &bytes)
            append(source, &bytes)
            appendJSONWord(",\"configuration\":", to: &bytes)
            configuration.json.append(to: &bytes)
            guard let basis else { return }
            appendJSONWord(",\"basis\":", to: &bytes)
            append(basis, &bytes)
        case .leased(let fence, let trial, let worker, let attempt):
            appendJSONWord("leased\"", to: &bytes)
            append(fence, &bytes)
            append(trial, &bytes)
            member(",\"worker\":", worker.name, &bytes)
            member(",\"attempt\":", attempt, &bytes)
        case .accepted(let fence):
            appendJSONWord("accepted\"", to: &bytes)
            append(fence, &bytes)
        case .observed(let fence, let sequence, let event):
            appendJSONWord("observed\"", to: &bytes)
            append(fence, &bytes)
            append(event, sequence: sequence, &bytes)
        case .stopRequested(let fence, let reason):
            appendJSONWord("stop_requested\"", to: &bytes)
            append(fence, &bytes)
            member(",\"reason\":", reason, &bytes)
        case .judged(let fence, let verdict, let enforcement):
            appendJSONWord("judged\"", to: &bytes)
            append(fence, &bytes)
            append(verdict, enforcement, &bytes)
        case .ended(let fence, let sequence, let event, let disposition):
            appendJSONWord("ended\"", to: &bytes)
            append(fence, &bytes)
            append(event, sequence: sequence, &bytes)
            append(disposition, &bytes)
        case .released(let fence, let reason, let disposition):
            appendJSONWord("released\"", to: &bytes)
            append(fence, &bytes)
            member(",\"reason\":", reason.rawValue, &bytes)
            append(disposition, &bytes)
        case .readopted(let fence):
            appendJSONWord("readopted\"", to: &bytes)
            append(fence, &bytes)
        case .trialCancelled(let trial):
            appendJSONWord("trial_cancelled\"", to: &bytes)
            append(trial, &bytes)
        case .trialRetried(let trial):
            appendJSONWord("trial_retried\"", to: &bytes)
            append(trial, &bytes)
        case .promoted(let trial):
            appendJSONWord("promoted\"", to: &bytes)
            append(trial, &bytes)
        case .retired(let trial, let settlement):
            appendJSONWord("retired\"", to: &bytes)
            append(trial, &bytes)
            append(.settled(settlement), &bytes)
        case .checkpointDiscarded(let trial, let location):
            appendJSONWord("checkpoint_discarded\"", to: &bytes)
            append(trial, &bytes)
            member(",\"location\":", location, &bytes)
        case .asked(let trial):
            appendJSONWord("asked\"", to: &bytes)
            append(trial, &bytes)
        case .told(let trial, let settlement):
            appendJSONWord("told\"", to: &bytes)
            append(trial, &bytes)
            append(.settled(settlement), &bytes)
        }
    }

    private static func append(_ trial: TrialID, _ bytes: inout [UInt8]) {
        member(",\"sweep\":", trial.sweep.number, &bytes)
        member(",\"trial\":", trial.number, &bytes)
    }

    private static func append(_ fence: Fence, _ bytes: inout [UInt8]) {
        appendJSONWord(",\"fence\":", to: &bytes)
        appendJSONInteger(fence.number, to: &bytes)
    }

    private static func append(_ source: TrialSource, _ bytes: inout [UInt8]) {
        switch source {
        case .sampler(let index): member(",\"source\":\"sampler\",\"index\":", index, &bytes)
        case .baseline(let position): member(",\"source\":\"baseline\",\"index\":", position, &bytes)
        case .repetition(let trial): member(",\"source\":\"repetition\",\"index\":", trial, &bytes)
        case .enqueued(let position): member(",\"source\":\"enqueued\",\"index\":", position, &bytes)
        case .continuation(let trial, let until):
            member(",\"source\":\"continuation\",\"index\":", trial, &bytes)
            member(",\"until\":", until, &bytes)
        }
    }

    private static func append(_ disposition: Disposition, _ bytes: inout [UInt8]) {
        switch disposition {
        case .paused(let value, let step):
            appendJSONWord(",\"then\":\"paused\"", to: &bytes)
            guard let value else { break }
            member(",\"value\":", value, &bytes)
            member(",\"value_step\":", step, &bytes)
        case .requeued(let charged): member(",\"then\":\"queued\",\"charged\":", charged, &bytes)
        case .settled(let settlement):
            member(",\"then\":", settlement.state.rawValue, &bytes)
            member(",\"value\":", settlement.value, &bytes)
            member(",\"value_step\":", settlement.step, &bytes)
            member(",\"infeasible\":", settlement.isInfeasible, &bytes)
        }
    }

    static func member(_ name: StaticString, _ value: String, _ bytes: inout [UInt8]) {
        appendJSONWord(name, to: &bytes)
        appendJSONString(value, to: &bytes)
    }

    static func member(_ name: StaticString, _ value: Int, _ bytes: inout [UInt8]) {
        appendJSONWord(name, to: &bytes)
        appendJSONInteger(Int64(value), to: &bytes)
    }

    static func member(_ name: StaticString, _ value: Bool, _ bytes: inout [UInt8]) {
        appendJSONWord(name, to: &bytes)
        appendJSONBool(value, to: &bytes)
    }

    static func member(_ name: StaticString, _ value: Int64?, _ bytes: inout [UInt8]) {
        appendJSONWord(name, to: &bytes)
        if let value { appendJSONInteger(value, to: &bytes) } else { appendJSONWord("null", to: &bytes) }
    }

    static func member(_ name: StaticString, _ value: Double?, _ bytes: inout [UInt8]) {
        appendJSONWord(name, to: &bytes)
        if let value { appendJSONNumber(value, to: &bytes) } else { appendJSONWord("null", to: &bytes) }
    }
}
