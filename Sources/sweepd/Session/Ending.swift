// SPDX-License-Identifier: MIT

import Coordinator
import SweepEngine
import SweepModel

/// Says what a run found when it is over, and sets the process's exit code.
struct Ending {
    let data: DataDirectory
    let sweep: SweepID
    let hints: Hints
    let json: Bool

    /// - Throws: `ExitStatus` unless the sweep is finished with a result.
    func tell(_ outcome: RunSession.Outcome) throws {
        let reader = try ResultReader(data)
        var record = try reader.sweep(id: sweep)
        // Whoever asks has just stopped being at work on it.
        record.isLive = false
        let headline: Headline
        switch outcome {
        case .finished(let reason): headline = .finished(reason)
        case .paused(let reason): headline = .paused(reason)
        case .interrupted, .awaitedOver: headline = .interrupted
        }
        let result = try reader.result(of: record)
        if json {
            Terminal.line(JSONOutput.text("run", result.members(headline)))
        } else {
            let page = ResultPage(
                result: result, headline: headline, hints: hints)
            Terminal.line()
            for line in page.lines(width: Terminal.width) { Terminal.line(line) }
        }
        let status = Self.status(headline, result)
        guard case .finished = status else { throw status }
    }

    static func status(_ headline: Headline, _ result: SweepResult) -> ExitStatus {
        switch headline {
        case .running, .interrupted, .paused(.user): .interrupted
        case .paused(.failures): .noTrialCompleted
        case .finished: result.ranking.best == nil ? .noTrialCompleted : .finished
        }
    }
}
