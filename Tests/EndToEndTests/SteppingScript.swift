// SPDX-License-Identifier: MIT

import Foundation
import SweepEngine
import SweepModel
import SweepStore
import Testing
import WorkerProtocol

/// A script whose steps take 50 ms. What it reports follows from its seed and from a state that a checkpoint carries, and
/// each step that it makes is a line of the file `steps`.
enum SteppingScript {
    struct Step: Hashable {
        let trial: Int
        let step: Int
        let process: Int32
    }

    /// - Parameter checkpointEvery: a checkpoint at each multiple, and when it is asked to end.
    static func text(in folder: String, steps: Int, checkpointEvery: Int = 1000) -> String {
        """
        import json, os, time, sweepd
        with sweepd.trial(checkpoint_every=None) as trial:
            state = trial.seed % 2147483647
            if trial.checkpoint: state = json.loads((trial.checkpoint / "state").read_text())
            trial.should_checkpoint()
            for step in range(trial.resume_step + 1, (trial.max_step or \(steps)) + 1):
                time.sleep(0.05)
                state = (state * 48271 + step) % 2147483647
                with open("\(folder)/steps", "a") as file: print(trial.number, step, os.getpid(), file=file)
                trial.report(step, loss=state / 2147483647)
                if step % \(checkpointEvery) == 0 or trial.should_checkpoint():
                    with trial.new_checkpoint(step) as place: (place / "state").write_text(json.dumps(state))
        """
    }

    static func command(in folder: String) -> String { "[\"${interpreter}\", \"\(folder)/train.py\", \"${args}\"]" }

    /// The steps that were made, in order.
    static func steps(_ text: String) -> [Step] {
        text.split(separator: "\n").compactMap { line in
            let words = line.split(separator: " ").compactMap { Int($0) }
            return words.count == 3 ? Step(trial: words[0], step: words[1], process: Int32(words[2])) : nil
        }
    }
}

/// What a data directory tells of one trial, also while a coordinator works on it.
struct TrialStory {
    let row: TrialRow
    let attempts: [AttemptRow]
    let checkpoints: [CheckpointRow]
    /// The metric by step, the latest where a step was reported twice.
    let curve: [Int64: Double]
    /// The process of each attempt's worker.
    let processes: [Int32]

    /// Not yet, perhaps: no failure of who asks again and again.
    struct NotThere: Error {}

    init(data: String, sweep name: String, trial number: Int) throws {
        let reader = try StoreReader.open(directory: data)
        defer { reader.close() }
        guard let sweep = try reader.sweep(named: name),
            let row = try reader.trial(TrialID(sweep: sweep.id, number: number))
        else { throw NotThere() }
        self.row = row
        let id = row.id
        attempts = try reader.attempts(of: id).sorted { $0.fence < $1.fence }
        checkpoints = try reader.checkpoints(of: id)
        let workers = try reader.workers()
        processes = attempts.map { attempt in workers.first { $0.id == attempt.worker }?.facts.processID }.map {
            Int32($0 ?? 0)
        }
        var curve: [Int64: Double] = [:]
        for report in try reader.reports(of: id) { curve[report.step] = report.metrics.first?.value }
        self.curve = curve
    }

    /// The last checkpoint that was durable before an attempt was granted: none of a later fence was.
    func lastCheckpoint(before attempt: AttemptRow) -> Int64? {
        checkpoints.filter { $0.fence < attempt.fence }.map(\.checkpoint.step).max()
    }

    /// Every attempt after a durable checkpoint goes on from it. A start from the beginning would have the same curve.
    func expectResumed(sourceLocation: SourceLocation = #_sourceLocation) {
        for attempt in attempts {
            guard let saved = lastCheckpoint(before: attempt), attempt.startedAt != nil else { continue }
            #expect(
                attempt.resumedFrom ?? 0 >= saved,
                "trial \(row.id.number): attempt \(attempt.number) began at \(attempt.resumedFrom ?? 0)",
                sourceLocation: sourceLocation)
        }
    }
}
