// SPDX-License-Identifier: MIT

import SweepEngine
import SweepModel
import SweepStore
import WorkerProtocol

/// Why a trial is in its state: what `why` tells.
struct TrialStory {
    /// Its place among the trials that can be compared.
    struct Standing: Hashable {
        /// From 1.
        let rank: Int
        let of: Int
        let best: Int
        let bestValue: Double
    }

    let sweep: SweepRecord
    let record: TrialRecord
    /// Oldest first.
    let attempts: [AttemptRow]
    /// The last one that was not discarded; its parent's where it continues a trial and has left none itself.
    let checkpoint: Checkpoint?
    /// The last value it reported of the objective.
    let last: CurvePoint?
    /// What its worker warned of, oldest first.
    let warnings: [String]
    /// What an adaptive sampler made its configuration from; nil for any other.
    let basis: ProposalBasis?
    let standing: Standing?
    /// Trials that continue it.
    let continuedBy: [TrialRecord]

    var text: String {
        ([opening, verdict, course, warned, origin] + links).filter { !$0.isEmpty }.joined(separator: " ")
    }

    private var name: String { "Trial \(record.number)" }
    private var metric: String { Format.printable(sweep.objective.metric) }
    private var isLive: Bool { sweep.isLive }
    /// Nobody leased it: who was handed it by `ask` evaluates it.
    private var isAsked: Bool { attempts.isEmpty && record.startedAt != nil }

    private var atStep: String { record.lastStep.map { " at step \($0)" } ?? "" }

    private var ofSteps: String {
        (record.untilStep ?? sweep.definition.maximumStep).map { " of \($0)" } ?? ""
    }

    private var value: String {
        guard let value = record.value else { return "without a value" }
        let best = sweep.objective.summary == .best ? ", its best" : ""
        return "with \(metric) \(Format.number(value))" + (record.valueStep.map { "\(best) at step \($0)" } ?? "")
    }

    // MARK: The state

    private var opening: String {
        switch record.state {
        case .queued: queued
        case .leased, .running: running
        case .paused: paused
        case .completed: completed
        case .stopped: stopped
        case .failed: failed
        case .cancelled:
            "\(name) was cancelled\(record.lastStep.map { " at step \($0)" } ?? " before it reported anything"): it "
                + "counts neither towards the total nor as a result."
        }
    }

    private var queued: String {
        var text = attempts.isEmpty ? "\(name) has not begun" : "\(name) is queued again and waits to go on\(fromWhere)"
        switch sweep.phase {
        case .running:
            text += isLive ? ": it waits for a free slot." : ": nobody is at work on the sweep, which is to be resumed."
        case .paused: text += ": the sweep is paused."
        case .finished(let reason):
            let why = reason.explanation.map { " (\($0))" } ?? ""
            text += ": the sweep ended first\(why)."
        }
        return text
    }

    private var fromWhere: String {
        checkpoint.map { " from its checkpoint of step \($0.step)" }
            ?? " from its beginning, as it has left no checkpoint"
    }

    private var running: String {
        if isAsked { return "\(name) was handed out by ask: it is over when its end is told." }
        guard isLive else {
            let place = record.lastStep.map { " at step \($0)\(ofSteps)" } ?? ""
            return
                "\(name) was under way\(place) when the sweep was interrupted. It goes on\(fromWhere) when the sweep "
                + "is resumed."
        }
        let worker = attempts.last.map { " on worker \($0.worker)" } ?? ""
        guard record.state == .running else { return "\(name) has been handed out\(worker) and is about to begin." }
        let reported = last.map { ", \(metric) \(Format.number($0.value))" } ?? ""
        let place = record.lastStep.map { ", at step \($0)\(ofSteps)\(reported)" } ?? ", and has reported nothing yet"
        let isToStop = attempts.last?.stopReason != nil ? ", and has been asked to stop" : ""
        return "\(name) is running\(worker)\(place)\(isToStop)."
    }

    private var paused: String {
        guard let text = verdictText else { return "\(name) is paused\(atStep)." }
        let future: String
        switch sweep.phase {
        case .running, .paused:
            future = "It goes on\(fromWhere) when it comes to be among the best there; else it ends with the sweep."
        case .finished: future = "The sweep ended before it came to go on."
        }
        return "\(name) is paused by \(text.judge): \(text.finding). \(text.standing) \(future)"
    }

    private var completed: String {
        if isAsked { return "\(name), handed out by ask, was told to have ended \(value).\(comparison)" }
        let after = record.lastStep.map { " after step \($0)\(ofSteps)" } ?? ""
        return "\(name) completed\(after) \(value).\(comparison)"
    }

    private var stopped: String {
        var text: String
        if let verdict = verdictText, let enforcement = record.judgement?.enforcement, enforcement.endsAttempt {
            text =
                enforcement == .paused
                ? "\(name) was paused by \(verdict.judge), and the sweep ended before it came to go on"
                : "\(name) was stopped by \(verdict.judge)"
            text += ": \(verdict.finding)." + (verdict.standing.isEmpty ? "" : " \(verdict.standing)")
        } else if let reason = record.stopReason {
            text = "\(name) was stopped\(atStep): \(Format.printable(reason))."
        } else {
            text = "\(name) was stopped\(atStep) by nobody's word but its script's."
        }
        return text + " It ended \(value).\(comparison)"
    }

    private var failed: String {
        if record.judgement?.verdict.rule == .nan, record.judgement?.enforcement == .stopped, let verdict = verdictText
        {
            return "\(name) was stopped by \(verdict.judge): \(verdict.finding). \(infeasible)"
        }
        guard let failure = record.failure else {
            return record.isInfeasible
                ? "\(name) failed\(atStep): every value of \(metric) that it reported was NaN or infinite. \(infeasible)"
                : "\(name) failed\(atStep)."
        }
        let message = Format.printable(failure.message)
        switch AttemptFailure.Cause(rawValue: failure.cause) {
        case .memory: return "\(name) ran out of memory\(atStep): \(message). \(infeasible)"
        case .timeout: return "\(name) ran out of time\(atStep): \(message). \(infeasible)"
        case .diverged: return "\(name) diverged\(atStep): \(message). \(infeasible)"
        case .infrastructure, nil:
            return "\(name) failed by no fault of its own\(atStep): \(message). Its worker was lost, or could not run "
                + "it, \(Self.times(record.losses)), and it is put back no more often than that."
        case .user, .signal:
            if record.isInfeasible { return "\(name) failed\(atStep): \(message). \(infeasible)" }
            let retries = sweep.definition.retries
            let tried =
                retries > 0
                ? "It has used up its \(retries == 1 ? "one retry" : "\(retries) retries")"
                : "The sweep file allows no retries of a script's own failures"
            return isAsked
                ? "\(name), handed out by ask, failed: \(message)."
                : "\(name) failed\(atStep): \(message). \(tried); `sweepd logs \(record.number)` shows what it printed."
        }
    }

    private var infeasible: String {
        "That is a result of its configuration, which counts as infeasible: it is not tried again, and the search keeps "
            + "away from it."
    }

    /// Where it stands among the others.
    private var comparison: String {
        guard let standing, let value = record.value else { return "" }
        if standing.rank == 1 {
            return standing.of == 1 ? " It is the only trial with a value." : " It is the best of \(standing.of)."
        }
        return " It is number \(standing.rank) of \(standing.of), behind the best, trial \(standing.best), by "
            + "\(Format.number(abs(value - standing.bestValue)))."
    }

    // MARK: The verdict that was not enforced

    private var verdictText: VerdictText? {
        record.judgement.map { VerdictText(verdict: $0.verdict, definition: sweep.definition) }
    }

    /// What a rule said of it without ending it; what ended it is told first.
    private var verdict: String {
        guard let judgement = record.judgement, let text = verdictText else { return "" }
        switch judgement.enforcement {
        case .dryRun:
            let action = judgement.verdict.action
            let later = action == .pause ? " It would have gone on once it was among the best of that rung." : ""
            return "Were this no dry run, it would have been \(action.participle) by \(text.judge): \(text.finding). "
                + text.standing + later
        case .control:
            let was = judgement.verdict.action == .pause ? "was to pause" : "was condemned"
            let goes = record.state.isOver ? "It went on" : "It goes on"
            return "It \(was) by \(text.judge): \(text.finding). \(text.standing) \(goes) all the same as a "
                + "control, to show whether the rule is right."
        case .stopped, .paused:
            switch record.state {
            case .leased, .running:
                let what = judgement.enforcement == .paused ? "pause" : "stop"
                return "It is to \(what) by \(text.judge): \(text.finding). \(text.standing)"
            case .completed:
                let what = judgement.enforcement == .paused ? "pause" : "end"
                return "It was to \(what) by \(text.judge), but had come to its end before it heard of it."
            case .queued, .paused, .stopped, .failed, .cancelled: return ""
            }
        }
    }

    // MARK: How it came here

    private var course: String {
        guard attempts.count > 1 else { return "" }
        let shown = attempts.suffix(6)
        let list = shown.map { text($0, isLast: $0.fence == attempts.last?.fence) }.joined(separator: "; ")
        let earlier = attempts.count > shown.count ? "of the last \(shown.count) " : ""
        let charge = record.losses > 0 ? " What is lost with a worker is charged to nobody." : ""
        return "It has had \(attempts.count) attempts: \(earlier)\(list).\(charge)"
    }

    /// The latest; the same text is told once.
    private var warned: String {
        var told: [String] = []
        for text in warnings.reversed() where !told.contains(text) && told.count < 3 { told.append(text) }
        return told.reversed().map { "A warning: \(Format.printable($0))." }.joined(separator: " ")
    }

    private func text(_ attempt: AttemptRow, isLast: Bool) -> String {
        let from = attempt.resumedFrom.map { ", from step \($0)," } ?? ""
        let number = "number \(attempt.number)\(from)"
        switch attempt.outcome {
        case "completed": return "\(number) completed"
        case "stopped":
            // A trial that is stopped for good has no attempt after it.
            let verb = isLast && record.state != .paused ? "stopped" : "paused"
            return "\(number) \(verb)" + (attempt.stopReason.map { " (\(Format.printable($0)))" } ?? "")
        case "failed":
            return "\(number) failed" + (attempt.failure.map { " (\(Format.printable($0.message)))" } ?? "")
        case "unstarted": return "\(number) did not begin in time"
        case "lost", "forgotten": return "\(number) was lost with its worker"
        case "declined": return "\(number) could not begin on its worker"
        case "left", "restarted": return "\(number) was interrupted"
        default: return attempt.endedAt == nil ? "\(number) is the present one" : "\(number) ended"
        }
    }

    private var origin: String {
        switch record.source {
        case .sampler(let index): return sampled(index)
        case .baseline(let place): return "Its configuration is baseline \(place + 1) of the sweep file."
        case .repetition(let trial): return "It repeats trial \(trial)'s configuration with another seed."
        case .enqueued: return "Its configuration was put into the queue by hand."
        case .continuation(let parent, let until):
            return "It continues trial \(parent), beyond the sweep's total, to step \(until); it is compared with no "
                + "other trial."
        }
    }

    private func sampled(_ index: Int) -> String {
        let number = "proposal \(index + 1) of the search"
        if let basis {
            let results = basis.fits.last.map { " fitted to \(Format.plural($0.results, "result"))" } ?? ""
            switch basis.origin {
            case .design: return "Its configuration, \(number), is a point of the initial design."
            case .model:
                return "Its configuration, \(number), is where a Gaussian process\(results) expected the most."
            case .density: return "Its configuration, \(number), is the best candidate of Parzen estimators."
            case .remainder:
                return "Its configuration, \(number), was drawn at random, because the model found nothing new."
            }
        }
        switch sweep.definition.method {
        case .grid: return "Its configuration is point \(index + 1) of the grid."
        case .random: return "Its configuration, \(number), was drawn at random."
        case .sobol: return "Its configuration is point \(index + 1) of the Sobol sequence."
        case .bayes, .tpe, .auto: return "Its configuration is \(number)."
        }
    }

    private var links: [String] {
        let numbers = continuedBy.map { record in
            "trial \(record.number)" + (record.untilStep.map { " to step \($0)" } ?? "")
        }
        return numbers.isEmpty ? [] : ["It is continued by \(numbers.joined(separator: " and "))."]
    }

    private static func times(_ count: Int) -> String {
        switch count {
        case 1: "once"
        case 2: "twice"
        default: "\(count) times"
        }
    }
}

extension TrialStory {
    var members: [JSONValue.Member] {
        let place = checkpoint.map { checkpoint in
            JSONValue.object([
                .init("step", .integer(checkpoint.step)), .init("location", .string(checkpoint.location)),
            ])
        }
        return [
            .init("sweep", .object(sweep.members)), .init("text", .string(text)),
            .init("trial", .object(record.members)),
            .init("rank", JSONOutput.integer(standing.map { Int64($0.rank) })),
            .init("ranked", JSONOutput.integer(standing.map { Int64($0.of) })),
            .init("losses", JSONOutput.integer(record.losses)), .init("failures", JSONOutput.integer(record.failures)),
            .init("attempts", .array(attempts.map(\.json))), .init("checkpoint", place ?? .null),
            .init("warnings", .array(warnings.suffix(100).map { .string($0) })),
            .init("origin", JSONOutput.string(basis?.origin.rawValue)),
            .init("continued_by", JSONOutput.numbers(continuedBy.map(\.number))),
        ]
    }
}

extension AttemptRow {
    fileprivate var json: JSONValue {
        .object([
            .init("attempt", JSONOutput.integer(number)), .init("worker", .string(worker.name)),
            .init("state", .string(state.rawValue)), .init("outcome", JSONOutput.string(outcome)),
            .init("resumed_from", JSONOutput.integer(resumedFrom)),
            .init("stop_reason", JSONOutput.string(stopReason)),
            .init("failure", JSONOutput.string(failure?.message)),
            .init("seconds", JSONOutput.number(resources.seconds)),
        ])
    }
}
