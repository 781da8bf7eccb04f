// SPDX-License-Identifier: MIT

import SearchAlgorithms
import SweepModel

/// A trial that was proposed to a caller who evaluates it himself.
struct AskedTrial: Sendable {
    let id: Int
    let configuration: Configuration

    var json: JSONValue {
        .object([.init("id", .integer(Int64(id))), .init("params", configuration.json)])
    }
}

/// A search in memory: what was asked, what was told, what comes next.
struct SearchState {
    let definition: SweepDefinition
    private let sampler: SweepSampler
    private var results: [SearchHistory.Result] = []
    private var asked: [Configuration] = []
    /// Ids of trials not told yet, ascending.
    private var pending: [Int] = []
    private var seen = SeenConfigurations()
    private var nextIndex = 0
    private var fits: [ModelFit] = []
    /// What was learned from the results so far; nil when there are new ones.
    private var learned: (any LearnedSampler)?

    init(_ definition: SweepDefinition, sampler: SweepSampler) {
        self.definition = definition
        self.sampler = sampler
    }

    func wasAsked(_ id: Int) -> Bool { asked.indices.contains(id) }
    func isPending(_ id: Int) -> Bool { pending.contains(id) }

    /// Up to `count` trials, fewer when the space is exhausted.
    mutating func ask(_ count: Int) -> [AskedTrial] {
        (0..<count).compactMap { _ in
            guard let configuration = propose() else { return nil }
            seen.insert(configuration)
            asked.append(configuration)
            pending.append(asked.count - 1)
            return AskedTrial(id: asked.count - 1, configuration: configuration)
        }
    }

    private mutating func propose() -> Configuration? {
        switch sampler {
        case .fixed(let sampler):
            guard let proposal = sampler.proposal(at: nextIndex, excluding: seen) else { return nil }
            nextIndex = proposal.index + 1
            return proposal.configuration
        case .adaptive(let sampler):
            let waiting = pending.map { asked[$0] }
            let learned =
                learned
                ?? sampler.learn(
                    SearchHistory(results: results, pending: waiting, seen: seen), fits: fits, mayFit: true)
            self.learned = learned
            fits = learned.fits
            defer { nextIndex += 1 }
            return learned.configuration(at: nextIndex, pending: waiting, excluding: seen)?.configuration
        }
    }

    /// - Precondition: the trial is pending.
    mutating func tell(_ id: Int, _ value: Double?) {
        pending.removeAll { $0 == id }
        learn(SearchHistory.Result(asked[id], value: value))
    }

    /// A result from elsewhere.
    mutating func load(_ result: SearchHistory.Result) {
        seen.insert(result.configuration)
        learn(result)
    }

    private mutating func learn(_ result: SearchHistory.Result) {
        results.append(result)
        learned = nil
    }
}
