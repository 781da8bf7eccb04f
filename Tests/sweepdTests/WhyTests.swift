// SPDX-License-Identifier: MIT

import Foundation
import SweepEngine
import SweepModel
import Testing
import WorkerProtocol

@testable import sweepd

@Suite struct WhyTests {
    private static let sweep = StoppingStore.sweep

    @Test func `a trial that asha stopped`() throws {
        try withStoppingStore { store in
            try store.run(0.3, to: 27)
            try store.run(0.52, to: 9, state: .stopped, StoppingStore.verdict())
            #expect(
                try store.why(1)
                    == """
                    Trial 1 was stopped by asha at step 9: its loss of 0.52 was worse than 0.41, the worst that goes on \
                    from this rung. 8 of 14 trials that had come to step 9 were better: 3, 7, 1, … It ended with loss \
                    0.52, its best at step 9. It is number 2 of 2, behind the best, trial 0, by 0.22. Its configuration, \
                    proposal 2 of the search, was drawn at random.
                    """)
            #expect(
                try store.why(0).hasPrefix("Trial 0 completed after step 27 of 27 with loss 0.3, its best at step 27"))
        }
    }

    @Test func `each state has something to say`() throws {
        try withStoppingStore { store in
            let queued = try store.propose(), running = try store.propose(.baseline(0)), leased = try store.propose()
            let failed = try store.propose(.repetition(of: 0)), cancelled = try store.propose()
            let paused = try store.propose(), infeasible = try store.propose()
            let fence = try store.start(running)
            try store.report(fence, step: 4, 0.7)
            try store.add(
                .leased(Fence(90), TrialID(sweep: Self.sweep, number: leased), StoppingStore.worker, attempt: 1))
            let failure = AttemptFailure(cause: .user, message: "exit code 3", exitCode: 3, tail: "boom")
            let broken = try store.start(failed)
            try store.add(
                .ended(broken, sequence: 9, .failed(failure, Resources()), .settled(Settlement(state: .failed))))
            try store.add(.trialCancelled(TrialID(sweep: Self.sweep, number: cancelled)))
            let pausing = try store.start(paused)
            try store.report(pausing, step: 3, 0.9)
            try store.save(pausing, step: 3, at: "/c/3")
            try store.add(.judged(pausing, StoppingStore.verdict(action: .pause, step: 3, value: 0.9), .paused))
            try store.add(.ended(pausing, sequence: 9, .finished(.stopped, Resources()), .paused(value: 0.9, step: 3)))
            let memory = AttemptFailure(cause: .memory, message: "it exceeded the limit", exitCode: nil)
            let large = try store.start(infeasible)
            try store.add(
                .ended(
                    large, sequence: 9, .failed(memory, Resources()),
                    .settled(Settlement(state: .failed, isInfeasible: true))))

            #expect(try store.why(queued, isLive: true).hasPrefix("Trial 0 has not begun: it waits for a free slot."))
            #expect(try store.why(queued).contains("nobody is at work on the sweep"))
            #expect(
                try store.why(running, isLive: true).hasPrefix(
                    "Trial 1 is running on worker w, at step 4 of 27, loss 0.7. Its configuration is baseline 1"))
            #expect(
                try store.why(running).hasPrefix(
                    "Trial 1 was under way at step 4 of 27 when the sweep was interrupted. It goes on from its beginning"
                ))
            #expect(try store.why(leased, isLive: true).contains("is about to begin"))
            #expect(
                try store.why(failed).contains(
                    "Trial 3 failed: exit code 3. The sweep file allows no retries of a script's own failures; "
                        + "`sweepd logs 3` shows what it printed. It repeats trial 0's configuration"))
            #expect(try store.why(cancelled).hasPrefix("Trial 4 was cancelled before it reported anything"))
            #expect(
                try store.why(paused).contains(
                    "Trial 5 is paused by asha at step 3: its loss of 0.9 was worse than 0.41"))
            #expect(
                try store.why(paused).contains("It goes on from its checkpoint of step 3 when it comes to be among"))
            #expect(
                try store.why(infeasible).hasPrefix(
                    "Trial 6 ran out of memory: it exceeded the limit. That is a result"))
            try store.add(.retired(TrialID(sweep: Self.sweep, number: paused), Settlement(state: .stopped, value: 0.9)))
            #expect(try store.why(paused).contains("was paused by asha at step 3, and the sweep ended before it came"))
        }
    }

    @Test func `attempts, losses and continuations are told`() throws {
        try withStoppingStore { store in
            let trial = try store.propose()
            let first = try store.start(trial)
            try store.report(first, step: 2, 0.8)
            try store.save(first, step: 2, at: "/c/2")
            try store.add(.released(first, .lost, .requeued(charged: false)))
            #expect(
                try store.why(trial).hasPrefix(
                    "Trial 0 is queued again and waits to go on from its checkpoint of step 2"))
            let second = try store.start(trial, attempt: 2, from: 2)
            try store.add(.observed(second, sequence: 2, .warning("the checkpoint of step 5 is damaged")))
            try store.report(second, step: 27, 0.1)
            try store.end(second, .completed, value: 0.1, step: 27)
            try store.propose(.continuation(of: trial, until: 100))
            let text = try store.why(trial)
            #expect(
                text.contains(
                    "It has had 2 attempts: number 1 was lost with its worker; number 2, from step 2, completed. "
                        + "What is lost with a worker is charged to nobody."), "\(text)")
            #expect(text.contains(" A warning: the checkpoint of step 5 is damaged. "), "\(text)")
            #expect(text.hasSuffix("It is continued by trial 1 to step 100."), "\(text)")
            #expect(
                try store.why(1).hasSuffix(
                    "It continues trial 0, beyond the sweep's total, to step 100; it is compared with no other trial."))
        }
    }

    @Test(arguments: [
        (
            Enforcement.dryRun,
            "Were this no dry run, it would have been paused by asha at step 9: its loss of 0.52 was worse than 0.41"
        ),
        (.control, "It was to pause by asha at step 9: its loss"),
        (.paused, "It was to pause by asha at step 9, but had come to its end before it heard of it."),
    ])
    func `a pause that a trial went on from`(enforcement: Enforcement, expected: String) throws {
        try withStoppingStore { store in
            try store.run(0.52, to: 27, StoppingStore.verdict(action: .pause), enforcement)
            let text = try store.why(0)
            #expect(text.hasPrefix("Trial 0 completed") && text.contains(expected), "\(text)")
            #expect(!text.contains("stopped") && !text.contains("condemned"), "\(text)")
        }
    }

    @Test(arguments: [
        (Enforcement.dryRun, "Were this no dry run, it would have been stopped by asha at step 9: its loss"),
        (.control, "It was condemned by asha at step 9: its loss"),
        (.stopped, "It was to end by asha at step 9, but had come to its end before it heard of it."),
    ])
    func `a verdict on a trial that went on`(enforcement: Enforcement, expected: String) throws {
        try withStoppingStore { store in
            try store.run(0.52, to: 27, StoppingStore.verdict(), enforcement)
            let text = try store.why(0)
            #expect(text.hasPrefix("Trial 0 completed") && text.contains(expected), "\(text)")
        }
    }

    @Test func `the model's origin is read from the journal`() throws {
        try withStoppingStore(StoppingStore.definition(method: .bayes)) { store in
            let fit = ModelFit(subject: .objective, position: 9, ordinal: 0, results: 14, start: [], found: [0])
            let basis = ProposalBasis(origin: .model, position: 9, place: 0, fits: [fit])
            try store.propose(basis: ProposalBasis(origin: .design, position: 3, place: 0, fits: []))
            try store.propose(basis: basis)
            #expect(try store.why(0).hasSuffix("is a point of the initial design."))
            #expect(try store.why(1).hasSuffix("is where a Gaussian process fitted to 14 results expected the most."))
        }
    }

    private func finding(_ verdict: Verdict, _ termination: EarlyTermination? = nil) -> String {
        let text = VerdictText(verdict: verdict, definition: StoppingStore.definition(termination))
        return text.judge + ": " + text.finding + (text.standing.isEmpty ? "" : " | " + text.standing)
    }

    @Test func `every rule says what it compared`() {
        let peers = (peers: 5, better: 3, named: [2, 0])
        func verdict(_ rule: Verdict.Rule, threshold: Double? = 0.4, probability: Double? = nil) -> Verdict {
            Verdict(
                rule: rule, step: 4, value: 0.5, threshold: threshold, peers: peers.peers, better: peers.better,
                named: peers.named, rung: 3, bracket: rule == .asyncHyperband ? 1 : nil, probability: probability)
        }
        #expect(finding(Verdict(rule: .nan, step: 4, value: .nan)).hasPrefix("nan at step 4: its loss was NaN"))
        #expect(finding(verdict(.threshold)) == "threshold at step 4: its loss of 0.5 was above the upper bound, 0.4")
        #expect(
            finding(verdict(.asyncHyperband)).hasSuffix(
                "| 3 of 5 trials that had come to step 3 were better: 2, 0, … It belonged to bracket 1."))
        #expect(finding(verdict(.asha, threshold: nil)).contains("too few trials had come to this rung"))
        #expect(finding(verdict(.hyperband)).contains("its loss of 0.5 was worse than 0.4"))
        #expect(finding(verdict(.hyperband)).contains("the band of 3 logged values"))
        #expect(
            finding(
                verdict(.hyperband),
                EarlyTermination(rule: .hyperband(.init(form: .from(3), isStrict: false)))
            ).contains("its best loss so far, 0.5, was worse than 0.4"))
        #expect(
            finding(verdict(.median)).contains("its best loss so far, 0.5, was worse than 0.4, the median of the 5"))
        #expect(finding(verdict(.percentile)).contains("the percentile that the rule asks for"))
        #expect(
            finding(verdict(.patience), EarlyTermination(rule: .patience(.init(reports: 10)))).contains(
                "none of its last 11 reports came to 0.4"))
        #expect(finding(verdict(.wilcoxon, probability: 0.01)).contains("against 0.4 of the best trial, trial 2"))
        #expect(finding(verdict(.curve, probability: 0.02)).hasPrefix("the curve's veto at step 4: by its curve"))
        let one = Verdict(rule: .asha, step: 1, value: 2, threshold: 1, peers: 1, better: 1, named: [4], rung: 1)
        #expect(finding(one).hasSuffix("| The one other trial that had come to step 1 was better: 4."))
        let no = Verdict(rule: .asha, step: 1, value: 2, threshold: nil, peers: 1, better: 0, rung: 1)
        #expect(finding(no).hasSuffix("| The one other trial that had come to step 1 was no better."))
        let first = Verdict(rule: .asha, step: 1, value: 2, threshold: nil, peers: 0, better: 0, rung: 1)
        #expect(finding(first).hasSuffix("| It was the first to come there."))
        for rule in Verdict.Rule.allCases { #expect(!finding(verdict(rule)).isEmpty) }
    }

    @Test func `text from outside cannot reach the terminal`() throws {
        try withStoppingStore { store in
            let trial = try store.propose()
            let fence = try store.start(trial)
            try store.add(.stopRequested(fence, reason: "bad\u{1B}[2Jnews"))
            try store.add(
                .ended(fence, sequence: 9, .finished(.stopped, Resources()), .settled(Settlement(state: .stopped))))
            let text = try store.why(trial)
            #expect(text.contains("Trial 0 was stopped: bad"), "\(text)")
            #expect(!text.unicodeScalars.contains { $0.value < 0x20 })
        }
    }
}
