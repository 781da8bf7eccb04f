// SPDX-License-Identifier: MIT

import OrderedCollections
import SearchAlgorithms
import SweepEngine
import SweepModel
package import SweepStore

/// Makes every proposal of an adaptive sampler again from what the journal says it was made from, and compares: the same
/// program on the same machine gives the same bits.
package struct Recomputation {
    package private(set) var proposals = 0
    package private(set) var fits = 0
    /// What came out otherwise, in words.
    package private(set) var differences: [String] = []

    private struct Made {
        let trial: TrialID
        let index: Int
        let configuration: Configuration
        let basis: ProposalBasis
    }

    /// What has to be made again once so many events are applied.
    private struct Task {
        var proposals: [Made] = []
        var fits: [SweepID: [ModelFit]] = [:]
    }

    private var engine = Engine(database: "")
    private var samplers: [SweepID: (definition: SweepDefinition, sampler: any AdaptiveSampler)] = [:]
    private var seen: [SweepID: SeenConfigurations] = [:]
    /// Of all proposals, by their indices.
    private var configurations: [SweepID: [Int: Configuration]] = [:]

    /// - Parameter progress: told how many proposals have been made again, and of how many.
    /// - Throws: `StoreError` when the journal cannot be read.
    package init(_ reader: StoreReader, progress: (_ done: Int, _ total: Int) -> Void) throws {
        // Read in one go: a transaction held open while models are fitted would keep a running coordinator's log from
        // starting over.
        var entries: [JournalEntry] = []
        try reader.journal { _, entry in entries.append(entry) }
        let (tasks, total) = Self.tasks(entries)
        guard total > 0 else { return }
        for entry in entries {
            guard case .proposed(let trial, .sampler(let index), let configuration, _) = entry.event else { continue }
            configurations[trial.sweep, default: [:]][index] = configuration
        }
        for (index, entry) in entries.enumerated() {
            let number = Int64(index) + 1
            engine.apply(entry)
            if case .proposed(let trial, _, let configuration, _) = entry.event {
                seen[trial.sweep, default: SeenConfigurations()].insert(configuration)
            }
            guard let task = tasks[number] else { continue }
            run(task, at: number)
            progress(proposals, total)
        }
    }

    private static func tasks(_ entries: [JournalEntry]) -> (tasks: [Int64: Task], total: Int) {
        var (tasks, total): ([Int64: Task], Int) = ([:], 0)
        var known: Set<FitName> = []
        for entry in entries {
            guard case .proposed(let trial, .sampler(let index), let configuration, let basis?) = entry.event else {
                continue
            }
            total += 1
            tasks[basis.position, default: Task()].proposals.append(
                Made(trial: trial, index: index, configuration: configuration, basis: basis))
            for fit in basis.fits where known.insert(FitName(sweep: trial.sweep, fit: fit)).inserted {
                tasks[fit.position, default: Task()].fits[trial.sweep, default: []].append(fit)
            }
        }
        return (tasks, total)
    }

    private struct FitName: Hashable {
        let sweep: SweepID
        let fit: ModelFit
    }

    private mutating func run(_ task: Task, at position: Int64) {
        for sweep in Set(task.proposals.map(\.trial.sweep)).union(task.fits.keys).sorted() {
            guard let state = engine.sweeps[sweep], let sampler = sampler(of: sweep, state) else {
                differences.append("sweep \(sweep): it has no sampler that makes proposals from results")
                continue
            }
            let history = SearchHistory(
                state, position: position, seen: seen[sweep, default: SeenConfigurations()])
            for fit in task.fits[sweep, default: []] {
                fits += 1
                if sampler.repeated(fit, history) != fit {
                    differences.append("sweep \(sweep): fit \(fit.ordinal) of the \(fit.subject.rawValue) differs")
                }
            }
            compare(task.proposals.filter { $0.trial.sweep == sweep }, with: sampler, history)
        }
    }

    /// Each with those pending that stand between the look and it.
    private mutating func compare(_ made: [Made], with sampler: any AdaptiveSampler, _ history: SearchHistory) {
        for proposal in made.sorted(by: { $0.basis.place < $1.basis.place }) {
            proposals += 1
            var (pending, seen) = (history.pending, history.seen)
            for index in proposal.index - proposal.basis.place..<proposal.index {
                guard let before = configurations[proposal.trial.sweep]?[index] else { continue }
                pending.append(before)
                seen.insert(before)
            }
            let learned = sampler.learn(history, fits: proposal.basis.fits, mayFit: false)
            let again = learned.configuration(at: proposal.index, pending: pending, excluding: seen)
            if again?.configuration == proposal.configuration, again?.origin == proposal.basis.origin { continue }
            let found = again.map { "\($0.configuration.json.text) (\($0.origin.rawValue))" } ?? "nothing"
            differences.append(
                "trial \(proposal.trial): proposed \(proposal.configuration.json.text) "
                    + "(\(proposal.basis.origin.rawValue)), made again \(found)")
        }
    }

    private mutating func sampler(of sweep: SweepID, _ state: SweepState) -> (any AdaptiveSampler)? {
        if let known = samplers[sweep], known.definition == state.definition { return known.sampler }
        guard case .adaptive(let sampler)? = try? SweepSampler(for: state.definition) else { return nil }
        samplers[sweep] = (state.definition, sampler)
        return sampler
    }
}
