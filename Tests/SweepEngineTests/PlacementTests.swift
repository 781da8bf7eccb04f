// SPDX-License-Identifier: MIT

import OrderedCollections
import SweepEngine
import SweepModel
import TestSupport
import Testing
import WorkerProtocol

/// Which sweep a free slot serves, and which worker may serve a sweep.
@Suite struct PlacementTests {
    private func rig(_ placements: [Placement], trials: Int = 10) throws -> Rig {
        var rig = Rig()
        for (index, placement) in placements.enumerated() {
            var definition = SweepDefinition.example(trials: trials)
            definition.name = "s\(index)"
            definition.placement = placement
            try rig.launch(definition)
        }
        return rig
    }

    private func held(_ rig: Rig) -> [Int] { rig.engine.sweeps.values.map(\.live) }

    @Test func equalsShareTheSlots() throws {
        var rig = try rig([Placement(), Placement(), Placement()])
        try rig.hello(slots: 6)
        #expect(held(rig) == [2, 2, 2])
    }

    @Test func aHigherPriorityComesFirstAndLeavesWhatItCannotUse() throws {
        var rig = try rig([Placement(), Placement(priority: 5)], trials: 3)
        try rig.hello(slots: 2)
        #expect(held(rig) == [0, 2])
        // One of the urgent ones is left for two slots: the other sweep gets the second.
        for fence in rig.open { try rig.run(fence) }
        #expect(held(rig) == [1, 1])
    }

    @Test func aPausedSweepGivesItsShareAway() throws {
        var rig = try rig([Placement(), Placement()])
        try rig.handle(.pause(SweepID(1)))
        try rig.hello(slots: 4)
        #expect(held(rig) == [0, 4])
    }

    @Test func labelsAreRequired() throws {
        var rig = try rig([Placement(requires: ["gpu", "big"])])
        try rig.hello("a", slots: 2, versions: 1...2, offer: WorkerOffer(labels: ["gpu"]))
        #expect(held(rig) == [0])
        try rig.hello("b", slots: 2, versions: 1...2, offer: WorkerOffer(labels: ["big", "gpu", "x"]))
        #expect(rig.leases(to: "b").count == 2)
    }

    @Test func aTaskOfItsOwnIsNamedAndBringsNoCommand() throws {
        var rig = try rig([Placement(task: "digits")])
        let offer = WorkerOffer(
            tasks: [WorkerOffer.Task(name: "digits", digest: "d")], runsCommands: false, hasFunction: false)
        try rig.hello("a", versions: 1...2, key: "gpu1", offer: offer)
        let lease = try #require(rig.leases(to: "a").first)
        #expect(lease.task == "digits" && lease.command.isEmpty && lease.program == nil)
        #expect(lease.workingDirectory.isEmpty)
    }

    @Test func noCommandGoesToWhoDoesNotRunCommands() throws {
        var rig = try rig([Placement()])
        let offer = WorkerOffer(
            tasks: [WorkerOffer.Task(name: "digits", digest: "d")], runsCommands: false, hasFunction: false)
        try rig.hello("a", versions: 1...2, key: "gpu1", offer: offer)
        #expect(rig.leases(to: "a").isEmpty)
        // One of version 1 knows no tasks: it runs what it is given, as it always did.
        try rig.hello("b")
        #expect(rig.leases(to: "b").first?.command == ["train"])
    }

    @Test func pathsOfThisMachineStayHere() throws {
        var rig = try rig([Placement()])
        try rig.hello("a", versions: 1...2, key: "gpu1", offer: WorkerOffer(hasFunction: false))
        let lease = try #require(rig.leases(to: "a").first)
        #expect(lease.command == ["train"] && lease.workingDirectory.isEmpty)
    }

    @Test func theHighestCommonVersionIsSpoken() throws {
        var rig = try rig([Placement()])
        try rig.hello("a", versions: 1...1)
        #expect(rig.welcome("a")?.version == 1)
        try rig.hello("b", versions: 1...2)
        #expect(rig.welcome("b")?.version == 2)
        try rig.hello("c", versions: 2...9)
        #expect(rig.welcome("c")?.version == 2)
        try rig.hello("d", versions: 3...9)
        #expect(rig.welcome("d") == nil)
    }

    @Test func aDrainingWorkerGetsNothingNew() throws {
        var rig = try rig([Placement()])
        try rig.hello("a", slots: 1)
        let id = try #require(rig.engine.workers.keys.first)
        try rig.handle(.drainWorker(id, true))
        #expect(rig.sent(to: "a").contains(.beat(desired: [], drain: true)))
        try rig.run(1, by: "a")
        #expect(rig.open.isEmpty)
        try rig.handle(.drainWorker(id, false))
        #expect(rig.open.count == 1)
        #expect(throws: EngineError.unknownWorker(WorkerID("nobody"))) {
            try rig.handle(.drainWorker(WorkerID("nobody"), true))
        }
    }
}

/// Workers that are at fault, and keys that are taken away.
@Suite struct QuarantineTests {
    private func rig() throws -> Rig {
        var rig = Rig()
        try rig.launch(.example(trials: 20))
        try rig.hello("good")
        try rig.hello("bad")
        return rig
    }

    private func fence(of worker: String, in rig: Rig) -> Int64? {
        rig.open.first { rig.engine.attempts[Fence($0)]?.worker.name.hasPrefix(worker) == true }
    }

    private func fail(_ count: Int, in rig: inout Rig) throws {
        for _ in 0..<count {
            try rig.run(try #require(fence(of: "bad", in: rig)), by: "bad", values: [], end: .failure(.user))
        }
    }

    @Test func differentTrialsThatFailQuicklyOnOneWorkerAreRunElsewhere() throws {
        var rig = try rig()
        try rig.run(try #require(fence(of: "good", in: rig)), by: "good")
        try fail(2, in: &rig)
        #expect(rig.state.counts[.failed] == 2)
        try fail(1, in: &rig)
        #expect(rig.state.counts[.failed] == 0)
        #expect(fence(of: "bad", in: rig) == nil)
        // Also after it says hello again, and until its time is over.
        try rig.hello("bad")
        try rig.advance(.seconds(10))
        #expect(fence(of: "bad", in: rig) == nil)
        for _ in 0..<60 {
            try rig.advance(.seconds(10))
            try rig.send(.beat(leases: []), from: "bad")
            let good = fence(of: "good", in: rig).map {
                [HeldLease(fence: Fence($0), lastSequence: 0, acknowledged: 0)]
            }
            try rig.send(.beat(leases: good ?? []), from: "good")
        }
        #expect(fence(of: "bad", in: rig) != nil)
        // Each trial once: one that fails everywhere comes to an end.
        try fail(3, in: &rig)
        #expect(rig.state.counts[.failed] >= 1)
    }

    @Test func withoutSuccessElsewhereTheTrialsAreToBlame() throws {
        var rig = Rig()
        var timers = EngineTimers()
        timers.quickFailureLimit = 100
        rig = Rig(timers: timers)
        try rig.launch(.example(trials: 20))
        try rig.hello("good")
        try rig.hello("bad")
        try fail(4, in: &rig)
        #expect(rig.state.counts[.failed] == 4)
        #expect(fence(of: "bad", in: rig) != nil)
    }

    /// After a restart of the coordinator nobody has had success yet.
    @Test func resultsOfBeforeShowThatItIsTheWorker() throws {
        var rig = try rig()
        try rig.run(try #require(fence(of: "good", in: rig)), by: "good")
        rig.restart()
        try rig.handle(.activate(Rig.sweep))
        try rig.hello("good")
        try rig.hello("bad")
        try fail(3, in: &rig)
        #expect(rig.state.counts[.failed] == 0 && fence(of: "bad", in: rig) == nil)
    }

    @Test func aSuccessBetweenStartsTheCountAnew() throws {
        var rig = try rig()
        try rig.run(try #require(fence(of: "good", in: rig)), by: "good")
        try fail(2, in: &rig)
        try rig.run(try #require(fence(of: "bad", in: rig)), by: "bad")
        try fail(2, in: &rig)
        #expect(rig.state.counts[.failed] == 4)
    }

    @Test func aRevokedKeysTrialsGoBackAtOnceUncharged() throws {
        var rig = Rig()
        try rig.launch(.example(trials: 3))
        try rig.hello("a", isLocal: false, versions: 1...2, key: "gpu1")
        try rig.hello("b", isLocal: false, versions: 1...2, key: "gpu10")
        try rig.handle(.revoke(key: "gpu1"))
        #expect(
            rig.sent(to: "a").contains {
                if case .refusal(let refusal) = $0 { refusal.code == .revoked } else { false }
            })
        #expect(rig.sent(to: "b").allSatisfy { if case .refusal = $0 { false } else { true } })
        #expect(rig.engine.workers.keys.map(\.name) == ["b-0"])
        #expect(rig.state.trials.allSatisfy { $0.losses == 0 && $0.failures == 0 })
        // What it still says is a stranger's.
        try rig.events(1, from: 1, [.started(resumedFrom: nil)], by: "a")
        #expect(rig.sent(to: "a") == [.resync])
    }
}

/// Ending a sweep and putting configurations into it by hand.
@Suite struct HandTests {
    @Test func aStoppedSweepKeepsWhatItsTrialsFound() throws {
        var rig = Rig()
        try rig.launch(.example(trials: 9))
        try rig.hello(slots: 2)
        try rig.accept(1)
        try rig.events(1, from: 1, [.started(resumedFrom: nil), .loss(0.3, step: 1)])
        try rig.handle(.stop(Rig.sweep))
        #expect(rig.state.phase == .finished(.stopped))
        #expect(rig.desired().contains { $0.fence == Fence(1) && $0.state == .stop })
        #expect(rig.desired().contains { $0.fence == Fence(2) && $0.state == .abandon })
        try rig.events(1, from: 3, [.finished(.stopped, Resources())])
        #expect(rig.trialState(0) == .stopped && rig.state.best?.value == 0.3)
        #expect(rig.trialState(1) == .queued)
        #expect(throws: EngineError.sweepIsFinished(Rig.sweep)) { try rig.handle(.stop(Rig.sweep)) }
        // It goes on with the same definition.
        try rig.handle(.redefine(Rig.sweep, rig.state.definition))
        #expect(rig.state.phase == .running && rig.trialState(1) == .leased)
        #expect(rig.engine.violatedInvariant() == nil)
    }

    @Test func whatIsEnqueuedIsTheNextToRunAndCounts() throws {
        var rig = Rig()
        try rig.launch(.example(trials: 4))
        let mine = Configuration([.init("x", .number(0.25))])
        try rig.handle(.enqueue(Rig.sweep, mine))
        try rig.hello()
        let lease = try #require(rig.leases().first)
        #expect(lease.configuration == mine)
        #expect(rig.state.trials[lease.trial].source == .enqueued(0))
        #expect(throws: EngineError.isThereAlready(TrialID(sweep: Rig.sweep, number: lease.trial))) {
            try rig.handle(.enqueue(Rig.sweep, mine))
        }
        while let fence = rig.open.first { try rig.run(fence) }
        #expect(rig.state.counts[.completed] == 4 && rig.state.phase == .finished(.trials))
        rig.restart()
        #expect(rig.state.enqueued == 1)
    }

    @Test func aUsedUpTotalTakesNoMore() throws {
        var rig = Rig()
        try rig.launch(.example(trials: 1))
        #expect(throws: EngineError.totalUsedUp(Rig.sweep)) {
            try rig.handle(.enqueue(Rig.sweep, Configuration([.init("x", .number(0.5))])))
        }
    }

    @Test func whatIsAdoptedStaysPaused() throws {
        var rig = Rig()
        try rig.launch(.example(trials: 2))
        try rig.handle(.pause(Rig.sweep))
        rig.restart()
        try rig.handle(.adopt(Rig.sweep))
        try rig.hello()
        #expect(rig.open.isEmpty)
        try rig.handle(.unpause(Rig.sweep))
        #expect(rig.open.count == 1)
    }

    @Test func drainingEndsWhenItIsSaid() throws {
        var rig = Rig()
        try rig.launch(.example(trials: 3))
        try rig.handle(.drain)
        try rig.hello()
        #expect(rig.open.isEmpty)
        try rig.handle(.undrain)
        #expect(rig.open.count == 1)
    }
}

/// What campaigns found.
@Suite struct RegressionTests {
    @Test func aSecondStartVoidsNothing() throws {
        var rig = Rig()
        try rig.launch(.example(trials: 1))
        try rig.hello()
        try rig.accept(1)
        try rig.events(1, from: 1, [.started(resumedFrom: nil), .loss(0.25, step: 1), .started(resumedFrom: nil)])
        #expect(rig.acks() == [FenceSequence(Fence(1), 3)])
        try rig.events(1, from: 4, [.finished(.completed, Resources())])
        #expect(rig.trialState(0) == .completed && rig.state.trials[0].value == 0.25)
    }

    @Test func afterAStallALeaseOfThisVeryTurnIsOfferedOnce() throws {
        var rig = Rig()
        try rig.launch(.example(trials: 2))
        try rig.hello(slots: 1)
        try rig.handle(.tick)
        // The process stood still; the first message after it is taken before the tick.
        rig.now += 60_000
        try rig.run(1)
        #expect(rig.leases().count == 1)
        try rig.handle(.tick)
        #expect(rig.leases().isEmpty)
    }
}
