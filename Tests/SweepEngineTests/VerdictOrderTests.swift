// SPDX-License-Identifier: MIT

import SweepEngine
import SweepModel
import TestSupport
import Testing
import WorkerProtocol

/// Verdicts follow from the order of the journal: in which messages its events came is of no account.
@Suite struct VerdictOrderTests {
    private static let steps: Int64 = 9
    private static let slots = 6
    private static let workers = ["w", "v"]

    /// Rules whose verdicts compare trials, or look at one alone.
    private static let rules: [EarlyTermination.Rule] = [
        .asha(EarlyTermination.Rungs(minimumStep: 1, maximumStep: steps, eta: 3), .stopping),
        // Whoever is told to pause trains to its end here: a promotion would grant a lease.
        .asha(EarlyTermination.Rungs(minimumStep: 1, maximumStep: steps, eta: 3), .promotion),
        .asyncHyperband(EarlyTermination.Rungs(minimumStep: 1, maximumStep: steps, eta: 3)),
        .hyperband(EarlyTermination.Bands(form: .from(3))),
        .percentile(EarlyTermination.Percentile(percentile: 50, minimumPeers: 1)),
        .patience(EarlyTermination.Patience(reports: 3)),
        .wilcoxon(EarlyTermination.Wilcoxon(significance: 0.3)),
        .curve(EarlyTermination.CurveForecast(probability: 0.3, minimumStep: 2, maximumStep: steps)),
        .threshold,
    ]

    /// One thing that a worker says, at its place in the journal.
    private struct Word {
        let worker: String
        let event: SequencedEvent
    }

    /// All trials run at once, half of them on each worker: no lease is granted later, at a moment that would depend on
    /// the messages.
    private func rig(_ rule: EarlyTermination.Rule) throws -> Rig {
        var rig = Rig()
        var definition = SweepDefinition.example(trials: Self.slots * Self.workers.count)
        definition.earlyTermination = EarlyTermination(rule: rule, maximumStep: Self.steps)
        // Beside every rule, so that the veto's order is seen as well.
        definition.earlyTermination?.veto = .init(probability: 0.02, minimumStep: 4, maximumStep: Self.steps)
        definition.earlyTermination?.upper = 0.98
        definition.earlyTermination?.controlShare = 0.2
        try rig.launch(definition)
        for (number, worker) in Self.workers.enumerated() {
            try rig.hello(worker, boot: "\(number)", slots: Self.slots)
        }
        for fence in rig.open { try rig.accept(fence, by: Self.holder(of: fence)) }
        return rig
    }

    /// The first to join was given the first leases.
    private static func holder(of fence: Int64) -> String { workers[fence <= slots ? 0 : 1] }

    /// What the attempts say, put in one order: each tells its own story from its start to its end, and which of them
    /// speaks next is drawn, most often one of the worker that spoke last.
    private func journalOrder(_ fences: [Int64], _ random: inout SeededRandom) -> [Word] {
        var stories: [Int64: [AttemptEvent]] = [:]
        for fence in fences {
            let reports = (1...Self.steps).map { step in
                let value = random.chance(0.01) ? Double.nan : Double(random.int(0...100)) / 100
                return AttemptEvent.loss(value, step: step)
            }
            stories[fence] = [.started(resumedFrom: nil)] + reports + [.finished(.completed, Resources())]
        }
        var words: [Word] = []
        var told: [Int64: Int] = [:]
        var speaker = Self.workers[0]
        var left = fences
        while !left.isEmpty {
            if random.chance(0.15) { speaker = Self.workers[random.int(0...1)] }
            let own = left.filter { Self.holder(of: $0) == speaker }
            let hopefuls = own.isEmpty ? left : own
            // Some run ahead, so that others have completed trials to be compared with.
            let fence = hopefuls[random.chance(0.5) ? 0 : random.int(0...hopefuls.count - 1)]
            let place = told[fence, default: 0]
            let story = stories[fence] ?? []
            let event = SequencedEvent(fence: Fence(fence), sequence: Int64(place + 1), event: story[place])
            words.append(Word(worker: Self.holder(of: fence), event: event))
            told[fence] = place + 1
            if place + 1 == story.count { left.removeAll { $0 == fence } }
        }
        return words
    }

    /// The same words in messages of at most `size` events; a message is one worker's.
    private func messages(_ words: [Word], size: Int) -> [[Word]] {
        var messages: [[Word]] = []
        for word in words {
            if let last = messages.last, last.count < size, last[0].worker == word.worker {
                messages[messages.count - 1].append(word)
            } else {
                messages.append([word])
            }
        }
        return messages
    }

    @Test(arguments: rules.indices) func ofSeveralTrialsAndWorkers(rule: Int) throws {
        var verdicts = 0
        for seed: UInt64 in 0..<10 {
            var journals: [[Event]] = []
            for size in [1, 3, 9] {
                var random = SeededRandom(seed: seed)
                var rig = try rig(Self.rules[rule])
                try #require(rig.open == Array(1...Int64(Self.slots * Self.workers.count)))
                let begun = rig.journal.count
                let words = journalOrder(rig.open, &random)
                let messages = messages(words, size: size)
                #expect(size == 1 || messages.count < words.count)
                for message in messages { try rig.send(.events(message.map(\.event)), from: message[0].worker) }
                let journal = rig.journal[begun...].map(\.event)
                // Every word is in the journal, in the order that was drawn.
                #expect(
                    spoken(journal) == words.map { "\($0.event.fence.number) \($0.event.sequence)" }, "seed \(seed)")
                #expect(rig.open.isEmpty && rig.state.phase == .finished(.trials), "seed \(seed)")
                journals.append(journal)
            }
            verdicts += journals[0].count(where: isVerdict)
            for journal in journals.dropFirst() {
                // By their texts: NaN is unlike itself.
                #expect(
                    journal.filter(isVerdict).map { "\($0)" } == journals[0].filter(isVerdict).map { "\($0)" },
                    "seed \(seed)")
                #expect(journal.map { "\($0)" } == journals[0].map { "\($0)" }, "seed \(seed)")
            }
        }
        #expect(verdicts > 10, "too few to prove anything")
    }

    private func isVerdict(_ event: Event) -> Bool { if case .judged = event { true } else { false } }

    private func spoken(_ journal: [Event]) -> [String] {
        journal.compactMap { event in
            switch event {
            case .observed(let fence, let sequence, _), .ended(let fence, let sequence, _, _):
                "\(fence.number) \(sequence)"
            default: nil
            }
        }
    }
}
