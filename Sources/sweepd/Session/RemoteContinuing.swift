// SPDX-License-Identifier: MIT

import Coordinator
import SweepEngine
import SweepModel

/// Has a daemon elsewhere train trials further. Whether a checkpoint's files are still there only its workers know.
struct RemoteContinuing {
    private let target: SweepTarget
    private let steps: Int64
    private let json: Bool

    init(on daemon: DaemonOptions, sweep: String?, steps: Int64, json: Bool) throws {
        target = try SweepTarget.elsewhere(sweep, daemon, prefersUnfinished: false, verb: "continue").target
        self.steps = steps
        self.json = json
    }

    func continueTrial(_ number: Int) throws {
        let parent = try RemoteTrial(try target.perform(.trial(TrialID(sweep: target.id, number: number))))
        if let objection = parent.objection(steps: steps) {
            throw UserError("trial \(number) cannot be continued: \(objection)")
        }
        try begin([parent], skipped: [])
    }

    func promote(_ top: Int) throws {
        let answer = try target.perform(.best(target.id, count: top))
        let best = try (answer["trials"]?.arrayValue ?? []).map { try RemoteTrial($0) }
        guard !best.isEmpty else { throw Promote.noValue(in: target.name) }
        var parents: [RemoteTrial] = []
        var skipped: [Continuing.Skipped] = []
        for trial in best {
            if let reason = trial.objection(steps: steps) ?? trial.trained(steps: steps) {
                skipped.append(Continuing.Skipped(trial: trial.record.number, reason: reason))
            } else {
                parents.append(trial)
            }
        }
        guard !parents.isEmpty else { throw Promote.nothingLeft(skipped) }
        try begin(parents, skipped: skipped)
    }

    /// Each is told as soon as it is begun: should the next fail, the same line again goes on with what is missing.
    private func begin(_ parents: [RemoteTrial], skipped: [Continuing.Skipped]) throws {
        let stream: Terminal.Stream = json ? .error : .output
        for skipped in skipped { Terminal.line("trial \(skipped.trial) is skipped: \(skipped.reason)", to: stream) }
        var begun: [ContinuedTrial] = []
        for parent in parents {
            let trial = TrialID(sweep: target.id, number: parent.record.number)
            let child = try RemoteTrial(try target.perform(.continueTrial(trial, steps: steps)))
            let continued = ContinuedTrial(
                record: child.record, parent: parent.record, until: child.record.untilStep ?? 0)
            begun.append(continued)
            if !json { Terminal.line(Continuing.begun(continued, sweep: target.name)) }
        }
        if json {
            Terminal.line(ContinuedEnding.document(begun, skipped, sweep: target.name, outcome: "running"))
        }
    }
}
