// SPDX-License-Identifier: MIT

import SweepEngine
import SweepModel

/// The first line of a result: how the sweep stands.
enum Headline {
    case running
    case interrupted
    case paused(PauseReason)
    case finished(FinishReason)

    init(_ sweep: SweepRecord) {
        switch sweep.phase {
        case .running: self = sweep.isLive ? .running : .interrupted
        case .paused(let reason): self = .paused(reason)
        case .finished(let reason): self = .finished(reason)
        }
    }

    func text(_ result: SweepResult) -> String {
        let total = result.sweep.definition.trials.map { " of \($0)" } ?? ""
        let continued = result.continuedCount > 0 ? ", and \(result.continuedCount) continued" : ""
        let progress = "\(result.done)\(total) trials done\(continued)"
        let name = Format.printable(result.sweep.name)
        switch self {
        case .running: return "\(name): running, \(progress)"
        case .interrupted: return "\(name): interrupted, \(progress)"
        case .paused(.user): return "\(name): paused, \(progress)"
        case .paused(.failures): return "\(name): paused, because the first trials failed quickly and none succeeded"
        case .finished(let reason): return "\(name): \(Self.text(reason, result)) (\(progress))"
        }
    }

    private static func text(_ reason: FinishReason, _ result: SweepResult) -> String {
        switch reason {
        case .cancelled, .stopped: return reason.rawValue
        case .trials, .exhausted, .target, .time, .steps, .noImprovement: break
        }
        if case .target = reason, let target = result.sweep.objective.target {
            return "finished, the target \(Format.number(target)) is reached"
        }
        return "finished" + (reason.explanation.map { ", \($0)" } ?? "")
    }

    /// For scripts.
    var word: String {
        switch self {
        case .running: "running"
        case .interrupted: "interrupted"
        case .paused: "paused"
        case .finished(.cancelled): "cancelled"
        case .finished: "finished"
        }
    }

    var reason: String? {
        switch self {
        case .running, .interrupted: nil
        case .paused(.user): "user"
        case .paused(.failures): "failures"
        case .finished(let reason): reason.rawValue
        }
    }
}

extension FinishReason {
    /// Why the sweep is over; nil where its total says it.
    var explanation: String? {
        switch self {
        case .trials: nil
        case .exhausted: "every configuration of the search space has been tried"
        case .target: "the target is reached"
        case .time: "the time limit is reached"
        case .steps: "the limit of steps is reached"
        case .noImprovement: "no trial has been better for as many trials as its limit allows"
        case .cancelled: "it was cancelled"
        case .stopped: "it was stopped"
        }
    }
}
