// SPDX-License-Identifier: MIT

import Coordinator
import Dispatch
import Foundation
import Logging
import SweepEngine
import SweepModel
import WorkerAgent
import ZeroMQ

/// Coordinator, local workers and view of one sweep, from start to a state that can be resumed.
struct RunSession {
    /// How a session ended.
    enum Outcome {
        case finished(FinishReason)
        case paused(PauseReason)
        case interrupted
        /// The trials it was for are over, and the sweep is not.
        case awaitedOver
    }

    let coordinator: Coordinator
    let follower: SweepFollower
    let context: Context
    let sweep: SweepID
    let definition: SweepDefinition
    let workers: WorkerOptions
    let interrupts: Interrupts
    /// The trials that it is for; empty: the whole sweep.
    var awaited: [Int] = []
    /// How long the trials took that ended or paused before.
    var earlier: [Int: Double] = [:]

    /// Runs until the sweep is over, paused or interrupted. The agent has ended when it returns or throws.
    func run(_ view: inout any SweepView, verb: String) throws -> Outcome {
        follower.follow(sweep, awaited: awaited, earlier: earlier)
        _ = try coordinator.submit([.activate(sweep)], isAbandoned: { interrupts.number > 0 })
        let agent = try startAgent()
        defer { end(agent) }
        view.begin(SweepHeader(definition: definition, data: coordinator.data.path, verb: verb))
        defer { view.end() }
        if agent == nil {
            view.say(
                "no local workers: attach one with sweepd.worker(function, data=\"\(coordinator.data.path)\") in Python"
            )
        }
        return try follow(&view, agent: agent)
    }

    private func end(_ agent: WorkerAgent?) {
        guard let agent else { return }
        agent.requestStop()
        if agent.join(within: definition.grace + .seconds(15)) { return }
        agent.requestKill()
        if !agent.join(within: .seconds(5)) {
            Terminal.error("sweepd: a trial's process cannot be ended; look for it with: ps -ef | grep SWEEPD")
        }
    }

    private func follow(_ view: inout any SweepView, agent: WorkerAgent?) throws -> Outcome {
        var shutdown = Shutdown(grace: definition.grace)
        var wasFull = false
        var hasToldOfAsked = false
        var isEnding = false
        while true {
            _ = follower.changed.wait(timeout: .now() + .milliseconds(100))
            if let failure = coordinator.failure { throw failure }
            if follower.isStoreFull != wasFull {
                wasFull.toggle()
                view.say(
                    wasFull
                        ? "the disk is full: free some space and the sweep goes on by itself; nothing is lost"
                        : "there is space again: the sweep goes on")
            }
            // Nothing can be recorded, so nobody is waited for: what was acknowledged is on disk.
            if wasFull, interrupts.number > 1 { return .interrupted }
            guard let snapshot = follower.snapshot else { continue }
            shutdown.advance(interrupts.number, snapshot, coordinator: coordinator, agent: agent, view: &view)
            view.update(snapshot, news: follower.takeNews())
            let isIdle = snapshot.live == 0
            // What else runs of the sweep may finish; nothing more of it begins.
            if snapshot.isAwaitedOver, !isEnding {
                isEnding = true
                coordinator.drain()
                if !isIdle { view.say("what was to be continued is done; finishing the sweep's other running trials") }
            }
            if isIdle, snapshot.asked > 0, snapshot.own.counted == snapshot.total, !hasToldOfAsked {
                hasToldOfAsked = true
                view.say(
                    "waiting for \(Format.plural(snapshot.asked, "trial")) handed out by ask: "
                        + "tell how it ended, or cancel it")
            }
            switch snapshot.phase {
            case .finished(let reason) where isIdle: return .finished(reason)
            case .paused(let reason) where isIdle: return .paused(reason)
            case .running, .paused, .finished:
                if shutdown.isOver(isIdle: isIdle && snapshot.isDraining) { return .interrupted }
                if isEnding, isIdle, snapshot.isDraining { return .awaitedOver }
            }
            if let agent, agent.hasEnded, interrupts.number < 2 {
                throw UserError(
                    "the local worker ended unexpectedly: see \(coordinator.data.path)/sweepd.log; "
                        + "nothing is lost, resume the sweep", status: .internalError)
            }
        }
    }

    private func startAgent() throws -> WorkerAgent? {
        guard !definition.command.isEmpty, workers.slots(definition) > 0 else { return nil }
        let agent = try WorkerAgent(
            options: workers.agentOptions(definition, data: coordinator.data, runtime: coordinator.runtime),
            context: context)
        try agent.start()
        return agent
    }
}

/// The first Ctrl-C lets running trials finish and starts no new ones, the second stops them.
private struct Shutdown {
    let grace: Duration
    private var seen = 0
    private var stoppedAt: ContinuousClock.Instant?

    init(grace: Duration) {
        self.grace = grace
    }

    /// Whether nothing is left to wait for after an interrupt.
    func isOver(isIdle: Bool) -> Bool {
        guard seen > 0 else { return false }
        if isIdle { return true }
        // Children that ignore SIGTERM are killed after the grace time; their worker needs a moment to say so.
        guard let stoppedAt else { return false }
        return ContinuousClock.now - stoppedAt > grace + .seconds(10)
    }

    mutating func advance(
        _ interrupts: Int, _ snapshot: SweepSnapshot, coordinator: Coordinator, agent: WorkerAgent?,
        view: inout any SweepView
    ) {
        if interrupts > 0, seen == 0 {
            seen = 1
            coordinator.drain()
            if snapshot.live > 0 {
                view.say(
                    "finishing \(Format.plural(snapshot.live, "running trial")), starting no new ones; "
                        + "Ctrl-C again stops them at once")
            }
        }
        if interrupts > 1, seen == 1 {
            seen = 2
            stoppedAt = .now
            agent?.requestStop()
            coordinator.handBack()
            view.say("stopping the running trials; they go on from their last checkpoint when the sweep is resumed")
        }
        if interrupts > 2, seen == 2 {
            seen = 3
            agent?.requestKill()
        }
        if let stoppedAt {
            let left = grace - (ContinuousClock.now - stoppedAt)
            view.show(
                waiting:
                    "waiting for \(Format.plural(snapshot.live, "trial")) to end"
                    + (left > .zero ? ", killed in \(Format.duration(left))" : ""))
        } else if seen == 1, snapshot.live > 0 {
            let left = snapshot.meanSeconds.map { mean in
                let longest = snapshot.rows.filter { $0.state == .running }.compactMap(\.since).min()
                let ran = longest.map { Double(Clock.wall.milliseconds - $0.milliseconds) / 1000 } ?? 0
                return max(0, mean - ran)
            }
            view.show(
                waiting:
                    "waiting for \(Format.plural(snapshot.live, "running trial"))"
                    + (left.map { ", about \(Format.duration(seconds: $0)) left" } ?? "") + " · Ctrl-C again stops them"
            )
        }
    }
}
