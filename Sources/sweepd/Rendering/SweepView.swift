// SPDX-License-Identifier: MIT

import SweepEngine
import SweepModel
import WorkerProtocol

/// Shows a running sweep. All calls come from the main thread.
protocol SweepView {
    mutating func begin(_ header: SweepHeader)
    /// Ten times a second, and when something ended.
    mutating func update(_ snapshot: SweepSnapshot, news: [News])
    /// A sentence the user should read; stays on the screen.
    mutating func say(_ text: String)
    /// What is being waited for, with a countdown; nil when it is over.
    mutating func show(waiting text: String?)
    mutating func end()
}

/// What does not change while a sweep runs.
struct SweepHeader {
    let definition: SweepDefinition
    let data: String
    /// How the run was asked for: "new", "resumed", "extended".
    let verb: String

    var line: String {
        let objective = definition.objective
        return "\(Format.printable(definition.name)) · \(definition.method.rawValue) · "
            + "\(objective.goal.rawValue) \(Format.printable(objective.metric)) · seed \(definition.seed)"
    }
}

/// One line an event, for logs and pipes.
struct PlainView: SweepView {
    let stream: Terminal.Stream
    private var header: SweepHeader?

    init(_ stream: Terminal.Stream) {
        self.stream = stream
    }

    mutating func begin(_ header: SweepHeader) {
        self.header = header
        let total = header.definition.trials.map { " · \(Format.plural($0, "trial"))" } ?? ""
        Terminal.line("\(header.line)\(total) · \(header.verb) in \(header.data)", to: stream)
    }

    mutating func update(_ snapshot: SweepSnapshot, news: [News]) {
        guard let header else { return }
        for item in news {
            guard let line = NewsLine.text(item, definition: header.definition, snapshot: snapshot) else { continue }
            Terminal.line(line, to: stream)
        }
    }

    mutating func say(_ text: String) { Terminal.line(text, to: stream) }

    mutating func show(waiting text: String?) {}

    mutating func end() {}
}

/// An event as a line of text.
enum NewsLine {
    static func text(_ news: News, definition: SweepDefinition, snapshot: SweepSnapshot) -> String? {
        let name = name(news)
        switch news.event {
        case .ended(_, _, let event, .settled(let settlement)):
            return end(news, settlement, failureText(event), definition, snapshot)
        case .ended(_, _, _, .paused): return nil
        case .judged(_, let verdict, .paused): return "\(name) pauses: \(verdict.shortText)"
        case .judged(_, let verdict, .stopped): return "\(name) is asked to stop: \(verdict.shortText)"
        case .judged(_, let verdict, .control):
            return "\(name) goes on as a control, where \(verdict.shortText)"
        case .judged(_, let verdict, .dryRun):
            return "\(name) would have been \(verdict.action.participle): \(verdict.shortText)"
        case .promoted: return "\(name) goes on from where it paused"
        case .told(_, let settlement):
            return end(news, settlement, "", definition, snapshot)
        case .ended(_, _, let event, .requeued(let charged)):
            return "an attempt at \(name) failed\(failureText(event)); it runs again\(charged ? "" : ", uncharged")"
        case .released(_, let reason, _):
            switch reason {
            case .lost, .forgotten: return "\(name) lost its worker; it runs again, uncharged"
            case .declined: return "\(name) could not begin on its worker; it waits for another try, uncharged"
            case .unstarted: return "\(name) did not begin in time; it runs again, uncharged"
            case .left, .restarted: return nil
            }
        case .readopted: return "the worker of \(name) is back, and it goes on there"
        case .observed(_, _, .warning(let text)): return "\(name): warning: \(Format.printable(text))"
        case .sweepPaused(_, .failures(let message, _)):
            return "paused: the first trials failed quickly and none succeeded: \(Format.printable(message))"
        case .sweepPaused(_, .user): return "paused"
        case .workerLeft(let worker, let reason): return "worker \(worker) left: \(Format.printable(reason))"
        case .coordinatorStarted, .sweepCreated, .sweepRedefined, .sweepUnpaused, .sweepFinished, .spaceExhausted,
            .workerJoined, .proposed, .leased, .accepted, .observed, .stopRequested, .trialCancelled,
            .trialRetried, .asked, .retired, .checkpointDiscarded:
            return nil
        }
    }

    private static func name(_ news: News) -> String { news.trial.map { "trial \($0)" } ?? "a trial" }

    private static func end(
        _ news: News, _ settlement: Settlement, _ failure: String, _ definition: SweepDefinition,
        _ snapshot: SweepSnapshot
    ) -> String {
        let total = snapshot.total.map { " of \($0)" } ?? ""
        let best = news.best.map { ", best \(Format.number($0.value)) by trial \($0.trial)" } ?? ""
        let metric = Format.printable(definition.objective.metric)
        let value = settlement.value.map { " \(metric)=\(Format.number($0))" } ?? ""
        return "\(name(news)) \(settlement.state.rawValue)\(value)\(failure) (\(news.finished)\(total)\(best))"
    }

    private static func failureText(_ event: AttemptEvent) -> String {
        guard case .failed(let failure, _) = event else { return "" }
        return ": \(Format.printable(failure.message))"
    }
}
