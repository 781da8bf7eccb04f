// SPDX-License-Identifier: MIT

import SweepEngine
import SweepModel

/// A result and where to look next: what `show` and the end of a run print.
struct ResultPage {
    let result: SweepResult
    let headline: Headline
    let hints: Hints

    func lines(width: Int?) -> [String] {
        ResultText(result: result, headline: headline).lines(width: width) + pausedBy + next(width)
    }

    /// Why the first trials failed.
    private var pausedBy: [String] {
        guard case .paused(.failures(let message, let tail)) = headline else { return [] }
        var lines = ["", "The last failure: \(Format.printable(message))"]
        let output = tail.split(whereSeparator: \.isNewline).suffix(15)
        if !output.isEmpty {
            lines.append("The end of its output:")
            lines += output.map { "  | " + Format.printable(String($0)) }
        }
        return lines
    }

    private func next(_ terminalWidth: Int?) -> [String] {
        let name = hints.sweep(result.sweep.name)
        var commands: [(String, String)] = []
        switch headline {
        case .interrupted, .paused(.user):
            commands.append((hints.command("resume \(name)"), "go on to the original total"))
        case .paused(.failures):
            commands.append((hints.command("resume \(name)"), "go on once the command is mended"))
            if let failed = result.failures.first?.trials.last {
                commands.append((hints.command("logs \(failed) --sweep \(name)"), "all that a failed trial printed"))
            }
            return Self.listed(commands, terminalWidth)
        case .running, .finished: break
        }
        let isRanked = result.ranking.best != nil
        commands.append(
            isRanked
                ? (hints.command("trials \(name) --sort value"), "all trials, the best first")
                : (hints.command("trials \(name)"), "all trials"))
        if let best = result.ranking.best {
            commands.append((hints.command("best \(name) --args"), "the best configuration as arguments"))
            commands.append((hints.command("logs \(best.number) --sweep \(name)"), "what the best trial printed"))
        }
        if let failed = result.failures.first?.trials.first {
            commands.append((hints.command("logs \(failed) --sweep \(name)"), "what a failed trial printed"))
        }
        if let stopped = result.earlyStopping?.anyTrial {
            commands.append((hints.command("why \(stopped) \(name)"), "why a trial was stopped early"))
        }
        if let steps = stepsToContinue {
            commands.append(
                (hints.command("promote \(name) --top 3 --steps \(steps)"), "train the best further"))
        }
        if case .finished(let reason) = headline, reason != .exhausted, reason != .cancelled {
            let more = max(10, result.done / 2)
            commands.append((hints.command("extend \(name) --trials +\(more)"), "go on past the end"))
        }
        return Self.listed(commands, terminalWidth)
    }

    /// Of a finished sweep whose best trials were still improving and have left checkpoints: as many again.
    private var stepsToContinue: Int64? {
        guard case .finished(.trials) = headline, result.sweep.definition.checkpoints != nil, result.continued.isEmpty,
            result.notes.contains(where: { $0.kind == "still_improving" })
        else { return nil }
        return result.sweep.definition.maximumStep ?? result.ranking.best?.trials.first?.lastStep
    }

    private static func listed(_ commands: [(command: String, what: String)], _ terminalWidth: Int?) -> [String] {
        let width = commands.map(\.command.count).max() ?? 0
        let comments = commands.map(\.what.count).max() ?? 0
        // Side by side only where no line breaks.
        if let terminalWidth, width + comments + 7 > terminalWidth {
            return ["", "Next"] + commands.flatMap { ["  # \($0.what)", "  \($0.command)"] }
        }
        return ["", "Next"]
            + commands.map {
                "  \($0.command)\(String(repeating: " ", count: width - $0.command.count))   # \($0.what)"
            }
    }
}
