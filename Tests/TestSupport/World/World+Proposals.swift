// SPDX-License-Identifier: MIT

import OrderedCollections
import SweepEngine
import SweepModel

/// Samplers: the real one where it does not learn, and else a stand-in whose proposals depend on all it may look at.
extension World {
    func propose(_ sweep: SweepID, index: Int, count: Int, stock: Int, kept: Int) {
        guard let state = engine.sweeps[sweep], scenario.sweeps.indices.contains(sweep.number - 1) else { return }
        let made: [ProposedConfiguration]
        if scenario.sweeps[sweep.number - 1].isAdaptive {
            let (digest, kept) = (Self.digest(state), min(kept, state.ready.count))
            made = (kept..<kept + max(0, stock)).map { place in
                let number = state.nextProposal + place
                return ProposedConfiguration(
                    index: number, configuration: Self.learned(state.definition, number, digest),
                    basis: ProposalBasis(origin: .density, position: engine.eventCount, place: place, fits: []),
                    isProvisional: random.chance(0.2))
            }
        } else {
            if makers[sweep] == nil { makers[sweep] = try? ProposalMaker(state) }
            made = makers[sweep]?.propose(from: index, count: count) ?? []
        }
        let stimulus: Stimulus = made.isEmpty ? .exhausted(sweep) : .proposed(sweep, made)
        let delay = Int64(random.int(0...1500)) * scenario.scale
        agenda.plan(.stimulus(process: process, stimulus), at: now + delay)
        // A fit made beside the looks ends when it does.
        if scenario.sweeps[sweep.number - 1].isAdaptive, random.chance(0.2) {
            let end = Int64(random.int(0...3000)) * scenario.scale
            agenda.plan(.stimulus(process: process, .refitted(sweep)), at: now + end)
        }
    }

    /// After each transaction, from the state that the disk's bytes give.
    func noteHistory(_ sweep: SweepID) {
        guard scenario.sweeps.indices.contains(sweep.number - 1), scenario.sweeps[sweep.number - 1].isAdaptive,
            let state = disk.replayed.sweeps[sweep]
        else { return }
        let digest = Self.digest(state)
        if histories[sweep]?.last?.digest == digest { return }
        histories[sweep, default: []].append((disk.replayed.eventCount, digest))
    }

    /// What the stand-in gives at that index with the history as of the basis.
    func golden(_ sweep: SweepID, _ index: Int, _ basis: ProposalBasis) -> Configuration? {
        guard let definition = book.definitions[sweep] else { return nil }
        let digest = histories[sweep]?.last { $0.position <= basis.position }?.digest
        return Self.learned(definition, index, digest ?? TraceDigest().value)
    }

    /// Of the results in the order of the journal.
    private static func digest(_ state: SweepState) -> UInt64 {
        var digest = TraceDigest()
        for number in state.results {
            digest.add(UInt64(number))
            digest.add(state.trials[number].value?.bitPattern ?? 1)
        }
        return digest.value
    }

    private static func learned(_ definition: SweepDefinition, _ index: Int, _ digest: UInt64) -> Configuration {
        var random = SeededRandom(seed: definition.seed ^ digest &+ UInt64(index))
        return Configuration(
            definition.space.parameters.map { parameter in
                switch parameter.distribution {
                case .integer(let low, let high, _, _):
                    Configuration.Entry(parameter.name, .integer(Int64(random.int(Int(low)...Int(high)))))
                case .categorical(let values, _, _):
                    Configuration.Entry(parameter.name, values[random.int(0...values.count - 1)])
                case .real, .constant:
                    Configuration.Entry(parameter.name, .number(Double(random.int(1...1 << 20)) / Double(1 << 20)))
                }
            })
    }
}
