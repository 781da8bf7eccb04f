// SPDX-License-Identifier: MIT

import SweepEngine
import SweepModel
import TestSupport
import Testing
import WorkerProtocol

/// Every state of a trial against everything that can happen to it.
@Suite struct TransitionTests {
    /// A word is the state that follows; `-` means nothing happens to the trial and nothing is journaled of it;
    /// `refused` means that the operator gets an error.
    static let table = """
        .         cancel    stop    retry   accept  decline start   report  complete  stopped fail   bye    silence
        queued    cancelled refused refused -       -       -       -       -         -       -      -      -
        offered   cancelled leased  refused leased  queued  running leased  failed    stopped failed queued queued
        accepted  cancelled leased  refused -       queued  running leased  failed    stopped failed queued queued
        running   cancelled running refused -       queued  running running completed stopped failed queued queued
        stopping  cancelled -       refused -       stopped running running stopped   stopped stopped stopped stopped
        completed refused   refused refused -       -       -       -       -         -       -      -      -
        stopped   refused   refused refused -       -       -       -       -         -       -      -      -
        failed    refused   refused leased  -       -       -       -       -         -       -      -      -
        cancelled refused   refused refused -       -       -       -       -         -       -      -      -
        """

    struct Row: Sendable, CustomTestStringConvertible {
        let start: String
        let outcomes: [(stimulus: String, outcome: String)]
        var testDescription: String { start }
    }

    static let rows: [Row] = {
        let lines = table.split(separator: "\n").map { $0.split(separator: " ").map(String.init) }
        return lines.dropFirst().map { words in
            Row(start: words[0], outcomes: Array(zip(lines[0].dropFirst(), words.dropFirst())))
        }
    }()

    @Test(arguments: rows) func happens(row: Row) throws {
        #expect(row.outcomes.count == 12)
        for (stimulus, outcome) in row.outcomes {
            var rig = try Self.rig(in: row.start)
            let before = (state: rig.trialState(0), entries: rig.journal.count)
            var isRefused = false
            do {
                try Self.apply(stimulus, to: &rig)
            } catch is EngineError {
                isRefused = true
            }
            let what: Comment = "\(stimulus) when \(row.start)"
            #expect(isRefused == (outcome == "refused"), what)
            if outcome == "-" || outcome == "refused" {
                #expect(rig.trialState(0) == before.state, what)
                #expect(rig.journal.dropFirst(before.entries).filter(Self.concernsATrial).isEmpty, what)
            } else {
                #expect(rig.trialState(0).rawValue == outcome, what)
                #expect(rig.journal.count > before.entries, what)
            }
        }
    }

    private static func rig(in start: String) throws -> Rig {
        var rig = Rig()
        try rig.launch(.example(trials: 1))
        try rig.hello(slots: start == "queued" ? 0 : 1)
        switch start {
        case "accepted": try rig.accept(1)
        case "running", "stopping":
            try rig.accept(1)
            try rig.events(1, from: 1, [.started(resumedFrom: nil), .loss(0.5, step: 1)])
            if start == "stopping" { try rig.handle(.stopTrial(Rig.trial(0), reason: "enough")) }
        case "completed": try rig.run(1)
        case "stopped": try rig.run(1, end: .finished(.stopped, Resources()))
        case "failed": try rig.run(1, end: .failure(.user))
        case "cancelled":
            // Its successor must not be what the stimuli meet.
            rig.answersProposals = false
            try rig.handle(.cancelTrial(Rig.trial(0)))
        default: break
        }
        let expected = ["offered": "leased", "accepted": "leased", "stopping": "running"][start] ?? start
        #expect(rig.trialState(0).rawValue == expected)
        return rig
    }

    private static func apply(_ stimulus: String, to rig: inout Rig) throws {
        let next = (rig.engine.attempts[Fence(1)]?.acknowledged ?? 0) + 1
        switch stimulus {
        case "cancel": try rig.handle(.cancelTrial(Rig.trial(0)))
        case "stop": try rig.handle(.stopTrial(Rig.trial(0), reason: "enough"))
        case "retry": try rig.handle(.retry(Rig.trial(0)))
        case "accept":
            let digest = ParametersDigest.hex(of: rig.state.trials[0].configuration)
            try rig.send(.accept(fence: Fence(1), parametersDigest: digest))
        case "decline": try rig.send(.decline(fence: Fence(1), reason: "busy"))
        case "start": try rig.events(1, from: next, [.started(resumedFrom: nil)])
        case "report": try rig.events(1, from: next, [.loss(0.4, step: 2)])
        case "complete": try rig.events(1, from: next, [.finished(.completed, Resources())])
        case "stopped": try rig.events(1, from: next, [.finished(.stopped, Resources())])
        case "fail": try rig.events(1, from: next, [.failure(.user)])
        case "bye": try rig.send(.bye(reason: "done"))
        case "silence": try rig.advance(.seconds(61))
        default: Issue.record("no stimulus \(stimulus)")
        }
    }

    private static func concernsATrial(_ entry: JournalEntry) -> Bool {
        switch entry.event {
        case .workerJoined, .workerLeft, .coordinatorStarted: false
        default: true
        }
    }
}
