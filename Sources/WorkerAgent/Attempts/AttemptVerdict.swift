// SPDX-License-Identifier: MIT

package import SweepModel
package import WorkerProtocol

/// Why we ended an attempt ourselves. The first reason stands.
package enum Termination: Hashable, Sendable {
    /// The coordinator wants it to end.
    case stop(reason: String)
    /// This worker was told to stop, and goes: its goodbye hands the trial back.
    case workerStops
    /// No coordinator was heard for so long; the worker stays.
    case offline(Duration)
    case timeLimit(Duration)
    /// Bytes.
    case memoryLimit(limit: Int64, used: Int64)
    /// A newer fence owns the trial: nothing is reported.
    case abandoned
}

/// How an attempt ended, from all that is known once its child is gone and its pipes are empty.
package struct AttemptVerdict: Sendable {
    package var objective: Objective
    package var progress: ReportProgress
    /// An earlier attempt's reports count, so silence is no failure.
    package var isResumed: Bool
    package var termination: Termination?
    package var exit: ChildProcess.Exit
    package var processID: Int32
    package var tail: String
    package var resources: Resources
    /// Bytes.
    package var memoryLimit: Int64?

    /// nil: nothing is said of its end.
    package var event: AttemptEvent? {
        if let termination { return event(after: termination) }
        switch exit.kind {
        case .code(0): return success
        case .code(let code):
            if let event = kernelKill("exit code \(code)", code: code) { return event }
            if let sign = OutOfMemory.sign(in: tail) {
                return failed(.memory, "out of memory: \(sign) (exit code \(code))", code: code)
            }
            return failed(.user, "exit code \(code)", code: code)
        case .signal(let signal):
            let words = "killed by \(SignalName.text(of: signal))"
            if let event = kernelKill(words) { return event }
            // An allocation that fails in C++ aborts.
            if signal == SignalName.abort, let sign = OutOfMemory.sign(in: tail) {
                return failed(.memory, "out of memory: \(sign) (\(words))")
            }
            guard signal == SignalName.kill else { return failed(.signal, words) }
            switch OutOfMemory.kernelKilled(processID) {
            case true?: return failed(.infrastructure, "\(words): the kernel had run out of memory")
            case false?: return failed(.signal, words)
            case nil: return failed(.signal, "\(words); perhaps out of memory (the kernel's log is not readable)")
            }
        }
    }

    /// What the attempt's control group knows; nil when the kernel killed none of its processes for want of memory.
    private func kernelKill(_ words: String, code: Int? = nil) -> AttemptEvent? {
        switch exit.memoryKill {
        case .none: return nil
        case .ownLimit:
            let limit = memoryLimit.map { " of \(Self.text($0))" } ?? ""
            return failed(.memory, "resident memory reached the limit\(limit)", code: code)
        case .elsewhere: return failed(.infrastructure, "\(words): the kernel had run out of memory", code: code)
        }
    }

    private func event(after termination: Termination) -> AttemptEvent? {
        switch termination {
        case .stop: .finished(.stopped, resources)
        // A failure would count among the trial's losses, and a trial that is preempted often would fail of it.
        case .workerStops, .abandoned: nil
        case .offline(let silence):
            failed(.infrastructure, "the worker had heard of no coordinator for \(Self.text(silence))")
        case .timeLimit(let limit): failed(.timeout, "it ran longer than its limit of \(Self.text(limit))")
        case .memoryLimit(let limit, let used):
            failed(.memory, "resident memory of \(Self.text(used)) exceeded the limit of \(Self.text(limit))")
        }
    }

    private var success: AttemptEvent {
        guard let value = progress.objectiveValue else {
            if isResumed, !progress.hasReported { return .finished(.completed, resources) }
            return failed(.user, silence, code: 0)
        }
        if value.isFinite { return .finished(.completed, resources) }
        let word = value.isNaN ? "NaN" : value > 0 ? "infinite" : "negative infinite"
        return failed(.diverged, "the metric '\(objective.metric)' was \(word) at the end", code: 0)
    }

    private var silence: String {
        let names = progress.otherMetrics
        guard !names.isEmpty else {
            return "no metric '\(objective.metric)' was reported, nor any other: report it with sweepd.trial(), "
                + "`sweepd report`, or print it and give the sweep file's metric a pattern"
        }
        let list = names.prefix(10).joined(separator: ", ") + (names.count > 10 ? ", …" : "")
        let hint = nearestWord(to: objective.metric, in: names).map { "; did you mean '\($0)'?" } ?? ""
        return "no metric '\(objective.metric)' was reported; reported: \(list)\(hint)"
    }

    private func failed(_ cause: AttemptFailure.Cause, _ message: String, code: Int? = nil) -> AttemptEvent {
        .failed(AttemptFailure(cause: cause, message: message, exitCode: code, tail: tail), resources)
    }

    private static func text(_ duration: Duration) -> String {
        let seconds = Double(duration.milliseconds) / 1000
        if seconds >= 120, seconds.truncatingRemainder(dividingBy: 60) == 0 { return "\(Int(seconds / 60)) min" }
        return seconds == seconds.rounded() ? "\(Int(seconds)) s" : "\(seconds) s"
    }

    private static func text(_ bytes: Int64) -> String {
        let isLarge = bytes >= 1 << 30
        let unit = Double(isLarge ? 1 << 30 : 1 << 20)
        return "\((Double(bytes) / unit * 10).rounded() / 10) \(isLarge ? "GiB" : "MiB")"
    }
}
