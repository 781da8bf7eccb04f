// SPDX-License-Identifier: MIT

import Foundation
import SweepModel
import Testing
import WorkerProtocol

@testable import WorkerAgent

/// A batch system's SIGTERM reaches the children before it reaches the worker, or after.
@Suite(.serialized) struct SharedSignalTests {
    /// Its process is in the file `p`; SIGTERM ends it as the script wants.
    private func events(of script: String, after: (Int32, WorkerAgent) -> Void) throws -> [AttemptEvent] {
        let coordinator = try SmallCoordinator()
        defer { coordinator.close() }
        let agent = try coordinator.agent(slots: 1)
        coordinator.offer(coordinator.lease(["/bin/bash", "-c", script]))
        let child = try #require(coordinator.scratch.number(in: "p"))
        after(child, agent)
        // One that is told to end is gone by then, and one that is not has yet to judge.
        if !agent.join(within: .milliseconds(500)) { _ = coordinator.end(1) }
        agent.requestStop()
        agent.join(within: .seconds(60))
        return coordinator.events(1)
    }

    private func failure(of script: String, after: (Int32, WorkerAgent) -> Void) throws -> AttemptFailure {
        let events = try events(of: script, after: after)
        guard case .failed(let failure, _)? = events.last else { throw Unexpected(events: events) }
        return failure
    }

    struct Unexpected: Error { let events: [AttemptEvent] }

    /// Killed, and collected by the agent: no such process any more.
    private func end(_ process: Int32) {
        kill(process, SIGTERM)
        let isGone = wait { kill(process, 0) != 0 && errno == ESRCH ? true : nil }
        #expect(isGone == true)
    }

    private static let scripts = [
        "echo $$ > p; exec sleep 300",
        "trap 'exit 143' TERM; echo $$ > p; while :; do sleep 0.01; done",
    ]

    @Test(arguments: scripts)
    func aChildKilledBeforeItsWorkerIsToldIsHandedBack(script: String) throws {
        let events = try events(of: script) { child, agent in
            end(child)
            agent.requestStop()
        }
        #expect(events == [.started(resumedFrom: nil)])
    }

    @Test func alsoWhenTheWorkerIsToldToKill() throws {
        let events = try events(of: Self.scripts[0]) { child, agent in
            end(child)
            agent.requestKill()
        }
        #expect(events == [.started(resumedFrom: nil)])
    }

    @Test(arguments: zip(scripts, [AttemptFailure.Cause.signal, .user]))
    func withoutAWordForTheWorkerItIsTheScriptsOwnEnd(script: String, cause: AttemptFailure.Cause) throws {
        let failure = try failure(of: script) { child, _ in end(child) }
        #expect(failure.cause == cause)
    }

    @Test func aWorkerThatDrainsIsNotStopped() throws {
        let failure = try failure(of: Self.scripts[0]) { child, agent in
            agent.requestDrain()
            end(child)
        }
        #expect(failure.cause == .signal)
    }
}
