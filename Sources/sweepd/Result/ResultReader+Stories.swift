// SPDX-License-Identifier: MIT

import Foundation
import SweepEngine
import SweepModel
import SweepStore
import WorkerAgent
import WorkerProtocol

/// What is told of one trial, and what can be gone on from.
extension ResultReader {
    /// - Throws: `UserError` where there is no trial of that number.
    func story(of number: Int, in subject: Subject) throws -> TrialStory {
        var record = try subject.trial(number)
        let sweep = subject.sweep
        let records = try records(of: sweep.id)
        let attempts = try attempts(of: sweep.id, trial: number)
        if record.stopReason == nil, record.state == .stopped {
            record.stopReason = attempts.compactMap(\.stopReason).last
        }
        return TrialStory(
            sweep: sweep, record: record, attempts: attempts,
            checkpoint: try lastCheckpoint(of: record, in: sweep.id)?.checkpoint,
            last: try curve(of: sweep, trial: number).last,
            warnings: try store.warnings(of: TrialID(sweep: sweep.id, number: number)).map(\.text),
            basis: try store.basis(of: TrialID(sweep: sweep.id, number: number)),
            standing: Self.standing(of: record, among: records, sweep.objective),
            continuedBy: records.filter { $0.parent == number })
    }

    private static func standing(
        of record: TrialRecord, among records: [TrialRecord], _ objective: Objective
    ) -> TrialStory.Standing? {
        let ranked = records.filter(\.isRanked)
        guard record.isRanked, let value = record.value else { return nil }
        func precedes(_ other: TrialRecord) -> Bool {
            guard let known = other.value else { return false }
            return objective.isBetter(known, than: value) || (known == value && other.number < record.number)
        }
        guard let best = Ranking(ranked.map(\.alone), objective: objective).best else { return nil }
        return TrialStory.Standing(
            rank: ranked.count(where: precedes) + 1, of: ranked.count, best: best.number, bestValue: best.value)
    }

    /// What a trial can be gone on from.
    struct KeptCheckpoint {
        let checkpoint: Checkpoint
        /// Who wrote it.
        let worker: WorkerID?
    }

    /// The last checkpoint that was not discarded. A trial that continues another begins with its parent's.
    func lastCheckpoint(of record: TrialRecord, in sweep: SweepID) throws -> KeptCheckpoint? {
        let own = try store.checkpoints(of: TrialID(sweep: sweep, number: record.number))
            .last { $0.discardedAt == nil }
        if let own {
            let attempts = try attempts(of: sweep, trial: record.number)
            return KeptCheckpoint(
                checkpoint: own.checkpoint, worker: attempts.first { $0.fence == own.fence }?.worker)
        }
        guard let parent = record.parent, parent < record.number,
            let above = try self.record(of: sweep, trial: parent)
        else { return nil }
        return try lastCheckpoint(of: above, in: sweep)
    }

    /// The folder of a checkpoint that should be on this machine and is not; nil where it is, or lies elsewhere.
    func missingFolder(of kept: KeptCheckpoint) throws -> String? {
        guard case .path(let path)? = CheckpointLocation(kept.checkpoint.location),
            !FileManager.default.fileExists(atPath: path)
        else { return nil }
        // A worker of another machine may have written it to that machine's own disk.
        let facts = try store.workers().first { $0.id == kept.worker }?.facts
        if let facts, !facts.isLocal, facts.host != HostName.current { return nil }
        return path
    }
}

extension TrialRecord {
    /// As if no other trial had its configuration: ranked by its own value and not by a mean over repeats.
    fileprivate var alone: TrialRecord {
        var record = self
        record.configuration = Configuration([.init("trial", .integer(Int64(number)))])
        return record
    }
}
