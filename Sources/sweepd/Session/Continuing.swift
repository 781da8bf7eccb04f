// SPDX-License-Identifier: MIT

import Coordinator
import Foundation
import SweepEngine
import SweepModel
import SweepStore
import WorkerAgent
import WorkerProtocol
import ZeroMQ

/// Trains trials further, as new ones: where a coordinator is at work on the sweep it does it; else this process becomes
/// the coordinator until they are over.
struct Continuing {
    let subject: Subject
    let parents: [TrialRecord]
    let steps: Int64
    /// Those that were left out, with why.
    var skipped: [Skipped] = []
    let allowsUnsafeFileSystem: Bool
    let arguments: WorkerArguments
    let json: Bool

    struct Skipped: Hashable {
        let trial: Int
        let reason: String
    }

    /// How long to wait for a coordinator that is ending: its running trials may finish first.
    private static let patience: Duration = .seconds(600)
    /// How long to wait for the lock of one that listens no more.
    private static let handover: Duration = .seconds(15)

    private var sweep: SweepRecord { subject.sweep }
    private var stream: Terminal.Stream { json ? .error : .output }

    /// - Parameter processGuard: forked before anything here started a thread.
    func run(_ processGuard: ProcessGuard) throws {
        for skipped in skipped { Terminal.line("trial \(skipped.trial) is skipped: \(skipped.reason)", to: stream) }
        // What a live coordinator took before it ended waits in the queue for this process.
        var begun: [Int] = []
        var lockedSince: ContinuousClock.Instant?
        while true {
            if try askLive(&begun) { return try tellBegun(begun) }
            do {
                let (numbers, outcome) = try become(processGuard, begun)
                return try ContinuedEnding(
                    data: subject.location, sweep: sweep.id, trials: numbers, skipped: skipped, hints: subject.hints,
                    json: json
                ).tell(outcome)
            } catch StoreError.locked(let directory, let holder) {
                // It listens no more, and lets go of the lock in a moment; or one that begins does not listen yet.
                let since = lockedSince ?? .now
                lockedSince = since
                guard ContinuousClock.now - since < Self.handover else {
                    throw StoreError.locked(directory: directory, holder: holder)
                }
                Thread.sleep(forTimeInterval: 0.1)
            }
        }
    }

    private func become(_ processGuard: ProcessGuard, _ begun: [Int]) throws -> ([Int], RunSession.Outcome) {
        try Workspace.with(
            subject.location, allowsUnsafeFileSystem: allowsUnsafeFileSystem, processGuard: processGuard
        ) { workspace in
            var numbers = begun
            for parent in parents.dropFirst(begun.count) {
                let trial = TrialID(sweep: sweep.id, number: parent.number)
                let entries = try workspace.coordinator.submit([.continueTrial(trial, steps: steps)])
                numbers += entries.compactMap(\.event.continuation)
            }
            let outcome = try workspace.run(
                sweep.id, sweep.definition, verb: "continued", arguments: arguments, json: json, awaited: numbers)
            return (numbers, outcome)
        }
    }

    /// Whether a live coordinator took all of them.
    private func askLive(_ begun: inout [Int]) throws -> Bool {
        let context = try Context()
        let deadline = ContinuousClock.now + Self.patience
        var hasToldOfWaiting = false
        while begun.count < parents.count {
            guard let endpoint = EndpointFile(reading: subject.location.endpointFile) else { return false }
            let trial = TrialID(sweep: sweep.id, number: parents[begun.count].number)
            do {
                let number = try OperatorClient(endpoint: endpoint, context: context)
                    .ask(.continueTrial(trial, steps: steps))
                guard let number else {
                    throw UserError("the coordinator began no trial", status: .internalError)
                }
                begun.append(number)
            } catch OperatorClient.Failure.notLive {
                return false
            } catch OperatorClient.Failure.notYet(let reason) where ContinuousClock.now < deadline {
                if !hasToldOfWaiting { Terminal.line("waiting: \(reason)", to: stream) }
                hasToldOfWaiting = true
                Thread.sleep(forTimeInterval: 0.1)
            }
        }
        return true
    }

    private func tellBegun(_ numbers: [Int]) throws {
        let records = try subject.reader.records(of: sweep.id)
        let continued = ContinuedTrial.of(records).filter { numbers.contains($0.record.number) }
        if json {
            Terminal.line(ContinuedEnding.document(continued, skipped, sweep: sweep.name, outcome: "running"))
            return
        }
        for trial in continued {
            Terminal.line(Self.begun(trial, sweep: sweep.name))
        }
    }

    static func begun(_ trial: ContinuedTrial, sweep: String) -> String {
        "trial \(trial.record.number) continues trial \(trial.parent.number) to step \(trial.until), in the running sweep "
            + "'\(Format.printable(sweep))'"
    }
}

extension Continuing {
    /// Why a trial cannot be trained further; nil where it can. What only the engine knows it says itself.
    static func objection(
        to record: TrialRecord, steps: Int64, among records: [TrialRecord], in subject: Subject
    ) throws -> String? {
        guard record.state.isOver else {
            let state =
                record.state == .paused || !record.state.isHeld || subject.sweep.isLive
                ? record.state.rawValue : "interrupted"
            return notOver(state)
        }
        guard let kept = try subject.reader.lastCheckpoint(of: record, in: subject.sweep.id) else {
            return noCheckpoint
        }
        if let folder = try subject.reader.missingFolder(of: kept) {
            return "its checkpoint of step \(kept.checkpoint.step) no longer exists: there is no folder \(folder)"
        }
        let until = kept.checkpoint.step.addingSaturated(steps)
        let same = records.first { $0.parent == record.number && $0.untilStep == until && !$0.state.isOver }
        if let same {
            let name = subject.hints.sweep(subject.sweep.name)
            return alreadyTraining(in: same.number, until: until)
                + (subject.sweep.isLive ? "" : ", and goes on with\n  " + subject.hints.command("resume \(name)"))
        }
        return nil
    }

    static func notOver(_ state: String) -> String { "it is \(state), and can be continued when it is over" }

    static let noCheckpoint =
        "it left no checkpoint to go on from: its script must save them (see 'Checkpoints' in "
        + "Docs/writing-a-worker.md)"

    static func alreadyTraining(in trial: Int, until step: Int64) -> String {
        "trial \(trial) continues it to step \(step) already"
    }

    static func alreadyTrained(by trial: Int, until step: Int64) -> String {
        "trial \(trial) has continued it to step \(step) already"
    }
}

extension Event {
    /// The number of the trial that continues another.
    fileprivate var continuation: Int? {
        if case .proposed(let trial, .continuation, _, _) = self { trial.number } else { nil }
    }
}

/// What became of continued trials, beside what they continue.
struct ContinuedEnding {
    let data: DataDirectory
    let sweep: SweepID
    let trials: [Int]
    let skipped: [Continuing.Skipped]
    let hints: Hints
    let json: Bool

    /// - Throws: `ExitStatus` unless one of them ended with a value.
    func tell(_ outcome: RunSession.Outcome) throws {
        let reader = try ResultReader(data)
        let record = try reader.sweep(id: sweep)
        let continued = ContinuedTrial.of(try reader.records(of: sweep)).filter { trials.contains($0.record.number) }
        let isInterrupted = continued.contains { !$0.record.state.isOver }
        if json {
            let word = isInterrupted ? "interrupted" : "finished"
            Terminal.line(Self.document(continued, skipped, sweep: record.name, outcome: word))
        } else {
            Terminal.line()
            for line in lines(continued, record, outcome) { Terminal.line(line) }
        }
        if isInterrupted { throw ExitStatus.interrupted }
        if !continued.contains(where: \.hasValue) { throw ExitStatus.noTrialCompleted }
    }

    private func lines(
        _ continued: [ContinuedTrial], _ sweep: SweepRecord, _ outcome: RunSession.Outcome
    ) -> [String] {
        // Whoever asks has just stopped being at work on it.
        var lines = continued.map { $0.line(sweep.objective, isLive: false) }
        let name = hints.sweep(sweep.name)
        let isWaiting = continued.contains { !$0.record.state.isOver }
        switch outcome {
        case .finished(let reason) where isWaiting:
            let why = reason.explanation ?? "it has come to its end"
            lines.append("The sweep is over before all of them were: \(why).")
        case .finished: break
        case .paused, .interrupted, .awaitedOver:
            let what = isWaiting ? "Go on with them" : "The sweep itself is not over; go on with it"
            lines += ["\(what):", "  " + hints.command("resume \(name)")]
        }
        return lines
    }

    /// - Parameter outcome: "running" where a coordinator was asked, "finished", "interrupted".
    static func document(
        _ continued: [ContinuedTrial], _ skipped: [Continuing.Skipped], sweep: String, outcome: String
    ) -> String {
        let left = skipped.map { skipped in
            JSONValue.object([
                .init("trial", JSONOutput.integer(skipped.trial)), .init("reason", .string(skipped.reason)),
            ])
        }
        return JSONOutput.text(
            "continue",
            [
                .init("sweep", .string(sweep)), .init("outcome", .string(outcome)),
                .init("continued", .array(continued.map(\.json))), .init("skipped", .array(left)),
            ])
    }
}

extension ContinuedTrial {
    fileprivate var hasValue: Bool {
        (record.state == .completed || record.state == .stopped) && record.value != nil
    }
}
