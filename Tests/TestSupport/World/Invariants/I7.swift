// SPDX-License-Identifier: MIT

import OrderedCollections
import SweepEngine
import SweepModel

/// Trial k is created once, with the parameters that an undisturbed sampler gives it.
struct I7 {
    /// What an undisturbed sampler of a sweep proposes, by index.
    private struct Undisturbed {
        var maker: ProposalMaker
        var known: [Int: Configuration] = [:]
        var next = 0
        var isOver = false
    }

    private var samplers: [SweepID: Undisturbed] = [:]

    mutating func check(
        _ event: Event, _ book: Book, adaptive: (SweepID, Int, ProposalBasis) -> Configuration?
    ) -> String? {
        switch event {
        case .sweepCreated(let sweep, let definition, _):
            var blank = Engine(database: "")
            blank.apply(JournalEntry(at: Timestamp(milliseconds: 0), event: event))
            guard let state = blank.sweeps[sweep], var maker = try? ProposalMaker(state) else {
                return "sweep \(sweep) cannot be searched"
            }
            for baseline in definition.baselines { maker.remember(baseline) }
            samplers[sweep] = Undisturbed(maker: maker)
            return nil
        case .proposed(let trial, let source, let configuration, let basis):
            let count = book.configurations[trial.sweep]?.count ?? 0
            if trial.number != count { return "trial \(trial) is created as the \(count)th" }
            let expected: Configuration?
            if case .sampler(let index) = source {
                let next = book.nextIndex[trial.sweep] ?? 0
                if index < next { return "proposal \(index) is used twice" }
                expected = basis.map { adaptive(trial.sweep, index, $0) } ?? proposal(index, of: trial.sweep)
            } else if case .baseline(let place) = source {
                if place != book.baselines[trial.sweep] ?? 0 { return "baseline \(place) comes out of turn" }
                let baselines = book.definitions[trial.sweep]?.baselines ?? []
                expected = baselines.indices.contains(place) ? baselines[place] : nil
            } else if let other = source.repeated {
                expected = book.configuration(TrialID(sweep: trial.sweep, number: other))
            } else {
                return nil
            }
            return configuration == expected
                ? nil : "trial \(trial), \(source), is \(configuration.json) and not \(expected?.json ?? .null)"
        default: return nil
        }
    }

    private mutating func proposal(_ index: Int, of sweep: SweepID) -> Configuration? {
        guard var sampler = samplers[sweep] else { return nil }
        samplers[sweep] = nil
        while sampler.next <= index, !sampler.isOver {
            let made = sampler.maker.propose(from: sampler.next, count: 32)
            for proposal in made {
                sampler.known[proposal.index] = proposal.configuration
                sampler.maker.remember(proposal.configuration)
            }
            sampler.isOver = made.isEmpty
            sampler.next = (made.last?.index ?? sampler.next) + 1
        }
        samplers[sweep] = sampler
        return sampler.known[index]
    }
}

extension TrialSource {
    /// The trial whose configuration it has.
    fileprivate var repeated: Int? { if case .repetition(let other) = self { other } else { parent } }
}
