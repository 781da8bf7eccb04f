// SPDX-License-Identifier: MIT

import Foundation
import SweepModel
import Testing
import WorkerProtocol

@testable import WorkerAgent

/// When a worker goes, and what it takes with it.
@Suite struct LeavingTests {
    private static let script = ["/bin/sh", "-c", "echo $$ > p; until [ -e go ]; do sleep 0.01; done; exit 7"]

    /// One that runs a trial, which ends at `go`.
    private func run(
        change: (inout WorkerAgentOptions) -> Void = { _ in }, _ body: (SmallCoordinator, WorkerAgent) throws -> Void
    ) throws {
        let coordinator = try SmallCoordinator()
        defer { coordinator.close() }
        let agent = try coordinator.agent(slots: 1, change: change)
        coordinator.offer(coordinator.lease(Self.script))
        _ = try #require(coordinator.scratch.number(in: "p"))
        try #require(wait { coordinator.events(1).isEmpty ? nil : true } == true)
        try body(coordinator, agent)
    }

    @Test func aDrainedWorkerWaitsUntilItsResultIsAcknowledged() throws {
        try run {
            $0.goodbye = .milliseconds(50)
        } _: { coordinator, agent in
            coordinator.withholdAcknowledgements()
            agent.requestDrain()
            try coordinator.scratch.write("", to: "go")
            #expect(coordinator.end(1) != nil)
            let beats = coordinator.beats(1)
            #expect(wait { coordinator.beats(1) >= beats + 20 ? true : nil } == true)
            #expect(!agent.hasEnded && agent.isWaiting && coordinator.goodbye == nil)
            coordinator.acknowledgeWithheld()
            #expect(agent.join(within: .seconds(30)))
            #expect(coordinator.goodbye == "drained" && agent.loss == nil)
        }
    }

    /// The coordinator is started again meanwhile, which takes longer than any goodbye.
    @Test func aDrainedWorkerWaitsForACoordinatorThatIsAway() throws {
        try run {
            $0.goodbye = .milliseconds(50)
        } _: { coordinator, agent in
            agent.requestDrain()
            coordinator.pause()
            try coordinator.scratch.write("", to: "go")
            #expect(wait { agent.isWaiting ? true : nil } == true)
            Thread.sleep(forTimeInterval: 1.5)
            #expect(!agent.hasEnded)
            coordinator.proceed()
            #expect(coordinator.end(1) != nil)
            #expect(agent.join(within: .seconds(30)))
            #expect(coordinator.goodbye == "drained" && agent.loss == nil)
        }
    }

    @Test(arguments: [false, true]) func whatNobodyTookIsNamed(isStopped: Bool) throws {
        try run {
            $0.goodbye = .milliseconds(isStopped ? 300 : 60_000)
            $0.offlineRun = .milliseconds(isStopped ? 60_000 : 300)
        } _: { coordinator, agent in
            coordinator.pause()
            try coordinator.scratch.write("", to: "go")
            // The end is recorded before the order, so that there is something to lose in either case.
            Thread.sleep(forTimeInterval: 0.5)
            if isStopped { agent.requestStop() } else { agent.requestDrain() }
            #expect(agent.join(within: .seconds(30)))
            #expect(agent.loss?.contains("of trial 1 of sweep 1 (attempt 1)") == true, "\(agent.loss ?? "")")
            #expect(coordinator.goodbye == nil)
        }
    }

    @Test func aWaitCanBeEnded() throws {
        try run { coordinator, agent in
            agent.requestDrain()
            coordinator.pause()
            try coordinator.scratch.write("", to: "go")
            #expect(wait { agent.isWaiting ? true : nil } == true)
            agent.requestKill()
            #expect(agent.join(within: .seconds(20)))
            #expect(agent.loss != nil)
        }
    }

    @Test func aCoordinatorThatIsAwayMakesNobodyIdle() throws {
        try run {
            $0.idleLimit = .seconds(1)
        } _: { coordinator, agent in
            try coordinator.scratch.write("", to: "go")
            #expect(coordinator.end(1) != nil)
            coordinator.pause()
            Thread.sleep(forTimeInterval: 2.5)
            #expect(!agent.hasEnded)
            coordinator.proceed()
            #expect(agent.join(within: .seconds(30)))
            #expect(coordinator.goodbye == "drained" && agent.loss == nil)
        }
    }

    @Test func withoutACoordinatorAnIdleWorkerLeavesAfterALongTime() throws {
        try run {
            $0.idleLimit = .seconds(60)
            $0.offlineRun = .milliseconds(1500)
        } _: { coordinator, agent in
            try coordinator.scratch.write("", to: "go")
            #expect(coordinator.end(1) != nil)
            coordinator.pause()
            #expect(agent.join(within: .seconds(30)))
            #expect(coordinator.goodbye == nil && agent.loss == nil)
        }
    }
}
